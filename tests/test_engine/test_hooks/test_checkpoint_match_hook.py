from __future__ import annotations

import pytest
import torch
from mmengine.model import BaseTTAModel, MMDistributedDataParallel
from mmengine.runner import Runner
from torch import nn

from mmctl.engine import CheckpointMatchHook, check_state_dict, watch_checkpoints
from tests.test_engine.tiny_runner import TinyModel, tiny_config, tiny_runner

HOOK = {"type": "CheckpointMatchHook"}
OWN = {"type": "mmctl.CheckpointMatchHook", "allow": ["a"]}


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


class WithOptional(TinyModel):
    """A model with a part whose weights a checkpoint may have or not."""

    def __init__(self):
        super().__init__()
        self.part = nn.Identity()
        self.part.optional_state = lambda: {"inner.weight": torch.zeros(2), "inner.bias": BIAS}


BIAS = torch.zeros(3)


def test_what_a_module_calls_optional_may_be_there_or_not():
    state = WithOptional().state_dict()
    assert not any("inner" in key for key in state)
    check_state_dict(WithOptional(), state, "a.pth")
    state |= {"part.inner.weight": torch.ones(2), "part.inner.bias": BIAS}
    check_state_dict(WithOptional(), state, "a.pth")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, r"1 missing from the checkpoint: part.inner.bias \(3,\)\."),
        ({"part.inner.bias": torch.zeros(4)}, r"1 of another shape: part.inner.bias is \(4,\)"),
        ({"part.inner.bias": BIAS, "part.other": BIAS}, r"1 unknown to the model: part.other \(3,"),
    ],
)
def test_optional_weights_must_be_whole_and_fit(changes, message):
    state = {**WithOptional().state_dict(), "part.inner.weight": torch.ones(2), **changes}
    with pytest.raises(ValueError, match=message):
        check_state_dict(WithOptional(), state, "a.pth")


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "checkpoint .*other.pth' must be a dict of weights by name .* got a list"),
        (torch.zeros(2, 3), r"checkpoint .*other.pth' must be .* got a Tensor of shape \(2, 3\)"),
        ({"state_dict": [1]}, "state_dict of checkpoint .*other.pth' must be .* got a list"),
        ({0: 1}, "checkpoint .*other.pth' must be .* got a dict with keys such as 0"),
    ],
)
def test_a_file_without_weights_by_name_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "other.pth")
    runner = tiny_runner(tmp_path, custom_hooks=[HOOK], load_from=str(tmp_path / "other.pth"))
    with pytest.raises(ValueError, match=message):
        runner.load_or_resume()


def test_weights_alone_cannot_be_resumed_and_load_from_is_named(tmp_path, file):
    path = file()
    runner = tiny_runner(tmp_path, custom_hooks=[HOOK], load_from=path, resume=True)
    with pytest.raises(
        ValueError,
        match=r"other\.pth' holds weights only: .*must have meta\.epoch, meta\.iter, optimizer, "
        r"message_hub too.*--cfg-options load_from=\S+other\.pth\) instead of "
        "--resume",
    ):
        runner.load_or_resume()


def test_a_checkpoint_without_optimizer_cannot_be_resumed(tmp_path):
    checkpoint = {"type": "CheckpointHook", "interval": 1, "save_optimizer": False}
    tiny_runner(tmp_path, default_hooks={"checkpoint": checkpoint}).train()
    runner = tiny_runner(tmp_path, custom_hooks=[HOOK], resume=True)
    with pytest.raises(ValueError, match=r"epoch_1\.pth' is incomplete: .*must have optimizer too"):
        runner.load_or_resume()


@pytest.mark.parametrize("param_scheduler", [None, [{"type": "MultiStepLR", "milestones": [1]}]])
def test_a_whole_checkpoint_resumes(tmp_path, param_scheduler):
    tiny_runner(tmp_path, param_scheduler=param_scheduler).train()
    runner = tiny_runner(
        tmp_path, custom_hooks=[HOOK], resume=True, param_scheduler=param_scheduler
    )
    runner.load_or_resume()
    assert runner.epoch == 1


@pytest.mark.parametrize(
    "hooks",
    [None, [], [{"type": "FiniteLossHook"}], [OWN]],
)
def test_hooks_of_a_config_s_own_do_not_leave_the_check_out(tmp_path, file, hooks):
    config = tiny_config(tmp_path, load_from=file(**{"classifier.bias": torch.zeros(9)}))
    config.custom_hooks = hooks
    watch_checkpoints(config)
    watch_checkpoints(config)
    assert len(config.custom_hooks) == (1 if hooks == [OWN] else 1 + len(hooks or []))
    with pytest.raises(ValueError, match="does not fit TinyModel"):
        Runner.from_cfg(config).load_or_resume()
