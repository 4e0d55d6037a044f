"""Weights of a frozen estimator: from files and addresses, in checkpoints of the model or not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner import load_state_dict as mmengine_load_state_dict
from torch import nn

from mmctl.engine import check_state_dict
from mmctl.models import FrozenPoseEstimator
from tests.test_models.test_pose.small_estimators import OURS, random_frames
from tests.test_models.test_pose.small_frozen_pose import Whole, saved_small, small

ADDRESS = "https://weights.invalid/estimator.pth"


@pytest.fixture
def counted_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Serve every address from a file and return the list of what was asked for."""
    path, asked = saved_small(tmp_path, seed=5), []
    original = CheckpointLoader.load_checkpoint

    def load(filename: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(filename)
        return original(path if filename == ADDRESS else filename, *args, **kwargs)

    monkeypatch.setattr(CheckpointLoader, "load_checkpoint", load)
    return asked


def test_a_checkpoint_has_the_estimator_only_if_asked() -> None:
    model = Whole(small())
    assert model.state_dict().keys() == {
        *("conv.weight", "conv.bias", "norm.weight", "norm.bias"),
        *("norm.running_mean", "norm.running_var", "norm.num_batches_tracked"),
    }
    asked = Whole(small(save_weights=True)).state_dict()
    theirs = {key for key in asked if key.startswith("pose.")}
    assert theirs == {f"pose.estimator.{key}" for key in model.pose.estimator.state_dict()}


def load_with_torch(model: nn.Module, state: dict) -> None:
    model.load_state_dict(state, strict=True)


def load_with_mmengine(model: nn.Module, state: dict) -> None:
    mmengine_load_state_dict(model, state, strict=True)


@pytest.mark.parametrize("load", [load_with_torch, load_with_mmengine])
def test_states_with_and_without_the_estimator_load(load: Any) -> None:
    model = Whole(small(seed=1))
    bare, full = Whole(small()).state_dict(), Whole(small(seed=2, save_weights=True)).state_dict()
    load(model, bare)
    assert model.pose.weights_hash() == small(seed=1).weights_hash()
    load(model, full)
    assert model.pose.weights_hash() == small(seed=2).weights_hash()
    wanting = Whole(small(save_weights=True))
    with pytest.raises(RuntimeError, match=r"Missing key.*pose.estimator.backbone|missing keys in"):
        load(wanting, bare)


def test_a_state_with_half_an_estimator_is_refused() -> None:
    full = Whole(small(save_weights=True)).state_dict()
    del full["pose.estimator.head.final_layer.bias"]
    full["pose.estimator.head.other"] = torch.zeros(1)
    with pytest.raises(RuntimeError) as caught:
        Whole(small()).load_state_dict(full)
    assert 'Missing key(s) in state_dict: "pose.estimator.head.final_layer.bias"' in str(
        caught.value
    )
    assert 'Unexpected key(s) in state_dict: "pose.estimator.head.other"' in str(caught.value)
    full = Whole(small(save_weights=True)).state_dict()
    full["pose.estimator.head.final_layer.bias"] = torch.zeros(3)
    with pytest.raises(RuntimeError, match=r"size mismatch for head\.final_layer\.bias"):
        Whole(small()).load_state_dict(full)


def test_an_address_is_read_when_the_model_is_initialised(counted_downloads: list[str]) -> None:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS)
    assert counted_downloads == []
    model = Whole(pose)
    model.init_weights()
    assert counted_downloads == [ADDRESS]
    model(random_frames())
    model(random_frames())
    pose.init_weights()
    assert counted_downloads == [ADDRESS]
    assert pose.weights_hash() == small(seed=5).weights_hash()


def test_an_address_is_read_at_the_first_use_at_the_latest(counted_downloads: list[str]) -> None:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS)
    torch.testing.assert_close(pose(random_frames()), small(seed=5)(random_frames()))
    pose(random_frames())
    assert counted_downloads == [ADDRESS]
    hashed = FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS).weights_hash()
    assert hashed == small(seed=5).weights_hash()


def test_weights_of_a_checkpoint_of_the_model_are_not_overwritten(
    counted_downloads: list[str],
) -> None:
    model = Whole(FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS))
    model.load_state_dict(Whole(small(seed=6, save_weights=True)).state_dict())
    model(random_frames())
    assert model.pose.weights_hash() == small(seed=6).weights_hash()
    assert counted_downloads == []


@pytest.mark.parametrize(
    ("drop", "changes", "message"),
    [
        ("head.final_layer.bias", {}, "1 missing: head.final_layer.bias"),
        (None, {"head.more": torch.zeros(2)}, "1 unknown: head.more"),
        (
            None,
            {"head.final_layer.bias": torch.zeros(16)},
            r"1 of another shape: head.final_layer.bias is \(16,\)",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_its_keys(
    tmp_path: Path, drop: str | None, changes: dict, message: str
) -> None:
    path = saved_small(tmp_path, **changes)
    if drop:
        content = torch.load(path)
        del content["state_dict"][drop]
        torch.save(content, path)
    with pytest.raises(ValueError, match=f"does not fit HRNetHeatmaps.*{message}"):
        FrozenPoseEstimator(copy.deepcopy(OURS), path)


def test_counters_and_the_wrapper_s_prefix_may_differ(tmp_path: Path) -> None:
    path = saved_small(tmp_path)
    state = torch.load(path)["state_dict"]
    bare = {f"module.{k}": v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    torch.save(bare, path)
    found = FrozenPoseEstimator(copy.deepcopy(OURS), path)(random_frames())
    torch.testing.assert_close(found, small()(random_frames()))


def test_a_missing_checkpoint_is_named_at_once() -> None:
    with pytest.raises(FileNotFoundError, match=r"no-weights\.pth' does not exist"):
        FrozenPoseEstimator(copy.deepcopy(OURS), "no-weights.pth")


def test_a_checkpoint_without_weights_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(
        ValueError, match="must be a dict of weights by name to fit a model, got a list"
    ):
        FrozenPoseEstimator(copy.deepcopy(OURS), str(tmp_path / "list.pth"))


def test_a_checkpoint_of_the_whole_must_bring_weights_where_nothing_else_does(
    tmp_path: Path,
) -> None:
    path = saved_small(tmp_path)
    named = Whole(FrozenPoseEstimator(copy.deepcopy(OURS), path))
    check_state_dict(named, named.state_dict(), "a.pth")
    unnamed = Whole(small())
    with pytest.raises(ValueError, match=r"missing from the checkpoint: pose\.estimator\.backbone"):
        check_state_dict(unnamed, named.state_dict(), "a.pth")
    state = named.state_dict() | {f"pose.{k}": v for k, v in named.pose.optional_state().items()}
    check_state_dict(unnamed, state, "a.pth")
    unnamed.load_state_dict(state)
    check_state_dict(unnamed, named.state_dict(), "a.pth")


def test_weights_in_an_init_cfg_that_nothing_reads_are_refused(tmp_path: Path) -> None:
    pretrained = {"type": "Pretrained", "checkpoint": saved_small(tmp_path)}
    with pytest.raises(
        ValueError, match=r"must be given as checkpoint.*nothing reads its init_cfg"
    ):
        FrozenPoseEstimator({**copy.deepcopy(OURS), "init_cfg": pretrained})
