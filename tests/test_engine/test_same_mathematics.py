"""One, two and four processes with the same global batch train the same network."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm

from mmctl.engine import init_cpu_distributed
from tests.conftest import ROOT
from tests.forked_processes import join_group, run_forked

GLOBAL_PIDS, CLIPS = 4, 2


@HOOKS.register_module(force=True)
class RecordWithNormsAtRest(Hook):
    """Keep batch norm in eval mode, whose statistics would be each rank's own; record losses."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.steps: list[dict[str, Any]] = []
        self.start: dict[str, torch.Tensor] = {}

    def before_train(self, runner: Runner) -> None:
        model = getattr(runner.model, "module", runner.model)
        self.start = {name: value.clone() for name, value in model.state_dict().items()}

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        for module in runner.model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        pids = torch.tensor([float(sample.pid) for sample in data_batch["data_samples"]])
        losses = {key: float(value) for key, value in outputs.items() if "loss" in key}
        self.steps.append({**losses, "pids": pids.tolist()})

    def after_train(self, runner: Runner) -> None:
        model = getattr(runner.model, "module", runner.model)
        content = {"steps": self.steps, "start": self.start, "end": model.state_dict()}
        torch.save(content, self.file)


def make_config(data_root: Path, folder: Path, num_processes: int, mining: str) -> Config:
    cfg = Config.fromfile(ROOT / "configs/quickstart/ctl_r18_quickstart.py")
    pipeline = [step for step in cfg.val_pipeline if step["type"] != "LoadKeypoints"]
    pipeline.insert(2, {"type": "LoadKeypoints"})
    num_pids = GLOBAL_PIDS // num_processes
    cfg.merge_from_dict(
        {
            "work_dir": str(folder),
            "experiment_name": uuid4().hex,
            "log_level": "ERROR",
            "model.backbone.base_channels": 8,
            "model.backbone.stem_channels": 8,
            "model.graph_head.channels": 64,
            "model.graph_head.cross_scale.dim": 8,
            "model.head.channels": 64,
            "model.head.num_classes": 8,
            "model.head.losses.triplet.mining": mining,
            "model.head.losses.triplet.margin": 5.0,  # every anchor counts
            "train_dataloader.batch_size": num_pids * CLIPS,
            "train_dataloader.num_workers": 0,
            "train_dataloader.sampler.num_pids": num_pids,
            "train_dataloader.sampler.seed": 0,
            "train_dataloader.dataset.data_root": str(data_root),
            "train_cfg.max_epochs": 2,
            "optim_wrapper.optimizer": {"type": "SGD", "lr": 0.01, "_delete_": True},
        }
    )
    cfg.train_dataloader.dataset.pipeline = pipeline
    cfg.param_scheduler = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.default_hooks.checkpoint = None
    cfg.launcher = "none" if num_processes == 1 else "pytorch"
    return cfg


def train_rank(rank: int, num_processes: int, folder: Path, cfg: Config) -> None:
    if num_processes > 1:
        join_group(rank, num_processes, folder)
    init_cpu_distributed(cfg, cfg.launcher)
    cfg.custom_hooks = [
        *(hook for hook in cfg.custom_hooks if hook.type != "RunReportHook"),
        {"type": "RecordWithNormsAtRest", "file": str(folder / f"{rank}.pt")},
    ]
    Runner.from_cfg(cfg).train()
    if num_processes > 1:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def train(
    data_root: Path, folder: Path, num_processes: int, mining: str = "global", **model: Any
) -> list[dict[str, Any]]:
    """Train in ``num_processes`` processes; return what each recorded."""
    folder.mkdir()
    cfg = make_config(data_root, folder, num_processes, mining)
    cfg.model.update(model)
    ranks = [(rank, num_processes, folder, cfg) for rank in range(num_processes)]
    assert run_forked(train_rank, ranks) == [0] * num_processes
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(num_processes)]


@pytest.fixture(scope="module")
def alone(drawn_mars: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return train(drawn_mars, tmp_path_factory.mktemp("scale") / "alone", 1)[0]


def mean_of_ranks(records: list[dict[str, Any]], step: int) -> dict[str, float]:
    names = [name for name in records[0]["steps"][step] if name != "pids"]
    return {
        name: sum(record["steps"][step][name] for record in records) / len(records)
        for name in names
    }


def largest_difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((one[name] - value).abs().max()) for name, value in other.items())


@pytest.mark.parametrize("num_processes", [2, 4])
def test_processes_that_share_the_batch_train_as_one(
    drawn_mars: Path, tmp_path: Path, alone: dict[str, Any], num_processes: int
) -> None:
    assert_trained_as(train(drawn_mars, tmp_path / "run", num_processes), alone)


def test_processes_that_share_the_batch_in_micro_batches_train_as_one(
    drawn_mars: Path, tmp_path: Path, alone: dict[str, Any]
) -> None:
    # Each process has four clips; the backward of every micro-batch adds to the same gradients.
    assert_trained_as(train(drawn_mars, tmp_path / "run", 2, micro_batch=3), alone)


def assert_trained_as(records: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    num_steps = len(alone["steps"])
    assert num_steps >= 4
    for step in range(num_steps):
        shared = [pid for record in records for pid in record["steps"][step]["pids"]]
        assert shared == alone["steps"][step]["pids"]
        wanted = {k: v for k, v in alone["steps"][step].items() if k != "pids"}
        assert mean_of_ranks(records, step) == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    moved = largest_difference(alone["start"], alone["end"])
    for record in records:
        assert largest_difference(record["start"], alone["start"]) == 0
        # Float32 sums in another order; a wrong factor of a gradient would differ by as much as
        # the weights have moved.
        assert largest_difference(record["end"], alone["end"]) < 1e-3 * moved


def test_mining_per_rank_is_another_loss(
    drawn_mars: Path, tmp_path: Path, alone: dict[str, Any]
) -> None:
    records = train(drawn_mars, tmp_path / "run", 2, mining="per-rank")
    found, wanted = mean_of_ranks(records, 0), alone["steps"][0]
    # Identity and diversity are means over clips, the hardest negative is sought among fewer.
    assert found["loss_identity_sum"] == pytest.approx(wanted["loss_identity_sum"], rel=1e-4)
    assert found["loss_triplet_sum"] < wanted["loss_triplet_sum"] - 1e-4
    assert largest_difference(records[0]["end"], records[1]["end"]) == 0
