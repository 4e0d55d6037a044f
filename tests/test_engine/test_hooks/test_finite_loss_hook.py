"""A loss that is not finite ends every process with a message, and nothing broken is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, MODELS

from mmctl.engine import FiniteLossHook, NotFiniteError
from mmctl.engine.hooks.finite_loss_hook import describe_batch, find_broken_terms
from mmctl.structures import TrackletSample
from tests.test_engine.drawing_runner import DrawnData, DroppingModel, drawing_runner
from tests.test_engine.forked_ranks import WRAPPER, run_ranks

NAN, INF = float("nan"), float("inf")


@DATASETS.register_module(force=True)
class NamedData(DrawnData):
    def __getitem__(self, index: int) -> dict[str, Any]:
        item = super().__getitem__(index)
        sample = TrackletSample(pid=index, camid=index + 20, tracklet_id=index + 40)
        sample.set_metainfo({"frame_paths": [f"f/{index}_1.jpg", f"f/{index}_2.jpg"]})
        return {"inputs": item["inputs"], "data_samples": sample}


@MODELS.register_module(force=True)
class BreakingModel(DroppingModel):
    """Multiplies one of its losses by ``factor`` in one training step."""

    def __init__(self, step: int = -1, factor: float = NAN) -> None:
        super().__init__()
        self.step = step
        self.factor = factor

    def forward(self, inputs: list, data_samples: list, mode: str = "tensor") -> Any:
        labels = [torch.tensor(sample.pid % 3) for sample in data_samples]
        result = super().forward(inputs, labels, mode)
        if mode != "loss":
            return result
        self.step -= 1
        factor = self.factor if self.step == 0 else 1.0
        return {"loss_a": result["loss"], "loss_b": factor * result["loss"]}


def named_runner(folder: Path, step: int, factor: float = NAN, *hooks: Any, **changes: Any) -> Any:
    model = {"type": "BreakingModel", "step": step, "factor": factor}
    loader = {"dataset": {"type": "NamedData"}, "num_workers": 0}
    return drawing_runner(
        folder,
        FiniteLossHook(),
        *hooks,
        model=model,
        train_dataloader={
            **loader,
            "batch_size": 3,
            "sampler": {"type": "DefaultSampler", "shuffle": True},
        },
        **{"val_dataloader": None, "val_evaluator": None, "val_cfg": None},
        default_hooks={"checkpoint": {"type": "CheckpointHook", "interval": 1}},
        **changes,
    )


class BreaksWeight(Hook):
    """Does what a gradient that is not finite does."""

    def after_train_iter(self, runner: Any, **_: Any) -> None:
        if runner.iter == 3:
            runner.model.layers[3].bias.data[1] = INF


def log_of(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*/*.log"))


@pytest.mark.parametrize("factor", [NAN, INF])
def test_a_broken_loss_ends_the_run_before_anything_of_it_is_saved(tmp_path, factor):
    runner = named_runner(tmp_path, 6, factor)
    wanted = rf"the loss of iteration 6 \(epoch 2, batch 2\) is not finite: loss_b={factor} on rank"
    with pytest.raises(NotFiniteError, match=wanted) as error:
        runner.train()
    kept = tmp_path / "snapshot_5.pth"
    assert (tmp_path / "last_checkpoint").read_text() == str(kept)
    assert error.value.__notes__ == [f"the same command with --resume goes on from {kept}"]
    assert np.isfinite(runner.message_hub.get_scalar("train/loss_b").data[0]).all()
    weights = torch.load(kept, weights_only=False)["state_dict"]
    assert all(value.isfinite().all() for value in weights.values())


def test_the_log_names_each_tracklet_of_the_batch(tmp_path):
    DrawnData.loaded.clear()
    with pytest.raises(NotFiniteError):
        named_runner(tmp_path, 2).train()
    log, batch = log_of(tmp_path), DrawnData.loaded[3:6]
    for index in batch:
        assert (
            f"pid {index}, camid {index + 20}, tracklet_id {index + 40}, f/{index}_1.jpg\n" in log
        )
    assert log.count("tracklet_id") == len(batch) == 3


def test_one_broken_rank_ends_all(tmp_path):
    def main(rank: int) -> None:
        step = 3 if rank == 1 else -1
        named_runner(tmp_path, step, launcher="pytorch", model_wrapper_cfg=WRAPPER).train()

    for status, output in run_ranks(main, tmp_path):
        assert status == 2
        assert "error: the loss of iteration 3" in output
        assert "loss_b=nan on rank 1. " in output
        # An epoch of 11 items is two batches on each rank.
        assert f"--resume goes on from {tmp_path / 'epoch_1.pth'}" in output
    assert log_of(tmp_path).count("tracklet_id") == 3


def test_losses_that_are_finite_go_on(tmp_path):
    named_runner(tmp_path, 3, 1e6).train()
    assert (tmp_path / "epoch_3.pth").is_file()


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    runner = named_runner(tmp_path, -1, NAN, BreaksWeight(), snapshot={"interval": 2})
    with pytest.raises(NotFiniteError, match=r"1 of 9 tensors are not.*first is 'layers.3.bias'"):
        runner.train()
    assert (tmp_path / "last_checkpoint").read_text() == str(tmp_path / "snapshot_2.pth")
    assert [path.name for path in tmp_path.glob("*.pth")] == ["snapshot_2.pth"]


def test_the_sum_is_named_only_if_its_terms_are_finite():
    one, nan, inf = torch.tensor(1.0), torch.tensor(NAN), torch.tensor(INF)
    assert find_broken_terms({"loss": nan, "loss_a": nan, "b_loss": -inf}) == (
        "loss_a=nan, b_loss=-inf"
    )
    assert find_broken_terms({"loss": inf, "loss_a": one}) == "loss=inf"
    assert find_broken_terms({"loss": one, "clamped": nan}) == ""
    assert find_broken_terms({}) == ""


def test_what_is_not_finite_in_a_sample_is_named():
    sample = TrackletSample(metainfo={"pid": 7, "frame_paths": ["a.jpg"]})
    sample.keypoints = torch.tensor([1.0, NAN])
    sample.clip_weights = torch.ones(2)
    assert describe_batch({"data_samples": [sample]}) == [
        "pid 7, a.jpg, its keypoints are not finite"
    ]


@pytest.mark.parametrize("batch", [None, {"inputs": []}, {"data_samples": ["text"]}])
def test_a_batch_without_names_says_so(batch):
    assert describe_batch(batch) == ["(the batch has no data samples that could be named)"]
