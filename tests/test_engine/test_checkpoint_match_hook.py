from __future__ import annotations

import pytest
import torch
from mmengine.model import BaseTTAModel, MMDistributedDataParallel
from torch import nn

from mmctl.engine import CheckpointMatchHook, check_state_dict
from tests.test_engine.tiny_runner import TinyModel, tiny_runner

HOOK = {"type": "CheckpointMatchHook"}


@pytest.fixture
def file(tmp_path):
    def save(**state):
        torch.save({"state_dict": {**TinyModel().state_dict(), **state}}, tmp_path / "other.pth")
        return str(tmp_path / "other.pth")

    return save


def test_a_matching_checkpoint_loads(file, tmp_path):
    weight = torch.full((5, 3), 7.0)
    runner = tiny_runner(
        tmp_path, custom_hooks=[HOOK], load_from=file(**{"backbone.weight": weight})
    )
    runner.load_or_resume()
    assert torch.equal(runner.model.backbone.weight, weight)


def test_another_shape_stops_the_run_and_both_are_named(tmp_path, file):
    runner = tiny_runner(
        tmp_path, custom_hooks=[HOOK], load_from=file(**{"classifier.bias": torch.zeros(9)})
    )
    before = runner.model.backbone.weight.clone()
    with pytest.raises(
        ValueError,
        match=r"other\.pth.*does not fit TinyModel: 1 of another shape: classifier\.bias is \(9,\) "
        r"in the checkpoint and \(4,\) in the model.*allow=",
    ):
        runner.load_or_resume()
    assert torch.equal(runner.model.backbone.weight, before)


def test_keys_of_either_side_alone_stop_the_run():
    state = TinyModel().state_dict()
    del state["backbone.weight"]
    with pytest.raises(
        ValueError, match=r"1 missing from the checkpoint: backbone.weight \(5, 3\)"
    ):
        check_state_dict(TinyModel(), {"state_dict": state}, "a.pth")
    state = {**TinyModel().state_dict(), "graph.weight": torch.zeros(2)}
    with pytest.raises(ValueError, match=r"1 unknown to the model: graph.weight \(2,\)\."):
        check_state_dict(TinyModel(), {"state_dict": state}, "a.pth")


def test_another_models_checkpoint_shows_the_first_keys_of_both():
    state = {f"layer.{i}": torch.zeros(1) for i in range(9)}
    with pytest.raises(
        ValueError,
        match=r"'a.pth' has no key in common with TinyModel.*layer.0, layer.1, layer.2, \.\.\., "
        r"the model needs backbone.weight",
    ):
        check_state_dict(TinyModel(), state, "a.pth")


def test_differences_below_an_allowed_prefix_load_as_far_as_they_fit(tmp_path, file):
    hook = {**HOOK, "allow": ("classifier.", "graph.")}
    other = {"classifier.bias": torch.zeros(9), "graph.weight": torch.zeros(2)}
    other["backbone.bias"] = torch.full((5,), 3.0)
    runner = tiny_runner(tmp_path, custom_hooks=[hook], load_from=file(**other))
    runner.load_or_resume()
    assert torch.equal(runner.model.backbone.bias, other["backbone.bias"])
    assert runner.model.classifier.bias.shape == (4,)


def test_counters_of_batch_norm_may_be_missing():
    state = TinyModel().state_dict()
    del state["norm.num_batches_tracked"]
    check_state_dict(TinyModel(), {"state_dict": state}, "a.pth")
    del state["norm.running_mean"]
    with pytest.raises(ValueError, match=r"norm\.running_mean"):
        check_state_dict(TinyModel(), {"state_dict": state}, "a.pth")


def test_a_wrapper_on_either_side_does_not_matter():
    class Wrapped(BaseTTAModel):
        def merge_preds(self, data_samples_list: list) -> list:
            return data_samples_list

    state = {f"module.{key}": value for key, value in TinyModel().state_dict().items()}
    wrapped = Wrapped(module=TinyModel())
    check_state_dict(wrapped, {"state_dict": state}, "a.pth")
    distributed = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    nn.Module.__init__(distributed)
    distributed.module = TinyModel()
    check_state_dict(distributed, {"state_dict": state}, "a.pth")


def test_a_resumed_run_names_the_latest_checkpoint(tmp_path):
    runner = tiny_runner(tmp_path)
    runner.train()
    wider = {"type": "TinyModel", "width": 6}
    runner = tiny_runner(tmp_path, model=wider, custom_hooks=[HOOK], resume=True)
    with pytest.raises(ValueError, match=r"epoch_1\.pth.*\(5, 3\) in the checkpoint and \(6, 3\)"):
        runner.load_or_resume()


def test_a_bare_string_is_no_sequence_of_prefixes():
    with pytest.raises(TypeError, match=r"allow must be a sequence of key prefixes.*'head'"):
        CheckpointMatchHook(allow="head")
