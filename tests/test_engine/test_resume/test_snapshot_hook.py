"""Snapshots come when they should, are few, and belong to the loop that can use them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from mmctl.engine import SnapshotHook
from mmctl.engine.resume import snapshot_hook as module
from tests.test_engine.drawing_runner import Killed, StopAt, drawing_runner


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("snapshot_*.pth"))


def stopped(folder: Path, iteration: int, **snapshot) -> Path:
    with pytest.raises(Killed):
        drawing_runner(folder, StopAt("after_train_iter", iteration), snapshot=snapshot).train()
    return folder


def test_the_newest_two_of_every_third_iteration_stay(tmp_path):
    stopped(tmp_path, 10, interval=3, max_keep=2)
    assert names(tmp_path) == ["snapshot_6.pth", "snapshot_9.pth"]
    assert (tmp_path / "last_checkpoint").read_text() == str(tmp_path / "snapshot_9.pth")


def test_the_clock_counts_from_the_last_checkpoint_of_any_kind(tmp_path, monkeypatch):
    clock = iter(range(10**6))
    # A second for each look: checkpoints look too.
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    stopped(tmp_path, 11, interval=None, minutes=4 / 60)
    # Iterations 1, 2, 3 look; the fourth is four seconds after the start. The epoch's checkpoint
    # after it starts the count again.
    assert names(tmp_path) == ["snapshot_4.pth", "snapshot_8.pth"]


def test_a_finished_training_keeps_no_snapshots(tmp_path):
    drawing_runner(tmp_path).train()
    assert names(tmp_path) == []
    assert (tmp_path / "last_checkpoint").read_text() == str(tmp_path / "epoch_3.pth")


def test_a_training_without_another_checkpoint_keeps_its_snapshots(tmp_path):
    hooks = {"checkpoint": {"type": "CheckpointHook", "interval": -1, "save_last": False}}
    drawing_runner(tmp_path, default_hooks=hooks, snapshot={"max_keep": 1}).train()
    assert names(tmp_path) == ["snapshot_12.pth"]


def test_what_a_killed_run_was_writing_is_removed(tmp_path):
    left = tmp_path / ".snapshot_3.pth.4711.part"
    left.touch()
    stopped(tmp_path, 0)
    assert not left.exists()


def test_the_best_checkpoint_is_for_use_and_has_no_run_state(tmp_path):
    drawing_runner(tmp_path).train()
    (best,) = tmp_path.glob("best_*.pth")
    assert "run_state" not in torch.load(best, weights_only=False)


def test_a_checkpoint_without_run_state_is_gone_on_from_with_a_warning(tmp_path):
    stopped(tmp_path, 5)
    file = tmp_path / "epoch_1.pth"
    checkpoint = torch.load(file, weights_only=False)
    del checkpoint["run_state"]
    torch.save(checkpoint, file)
    changes = {"load_from": str(file), "resume": True, "log_level": "WARNING"}
    runner = drawing_runner(tmp_path / "b", StopAt("before_train_epoch", 4), **changes)
    with pytest.raises(Killed):
        runner.train()
    log = "".join(path.read_text() for path in (tmp_path / "b").glob("*/*.log"))
    assert "no random states and no place in the epoch" in log


def test_another_number_of_processes_goes_on_with_a_warning(tmp_path):
    stopped(tmp_path, 2)
    file = tmp_path / "snapshot_2.pth"
    checkpoint = torch.load(file, weights_only=False)
    checkpoint["run_state"]["ranks"] *= 2
    torch.save(checkpoint, file)
    runner = drawing_runner(
        tmp_path, StopAt("before_train_epoch", 2), resume=True, log_level="WARNING"
    )
    with pytest.raises(Killed):
        runner.train()
    log = "".join(path.read_text() for path in tmp_path.glob("*/*.log"))
    assert "of 2 processes and goes on with 1" in log


def test_another_loop_is_refused_by_name(tmp_path):
    runner = drawing_runner(tmp_path, train_cfg={"by_epoch": True, "max_epochs": 1})
    with pytest.raises(ValueError, match=r"ResumableEpochLoop.*got EpochBasedTrainLoop"):
        runner.train()


@pytest.mark.parametrize("name", ["interval", "minutes", "max_keep"])
def test_numbers_must_be_positive(name):
    with pytest.raises(ValueError, match=f"SnapshotHook's {name} must be positive, got 0"):
        SnapshotHook(**{name: 0})


def test_the_clock_does_not_choose_which_snapshots_stay(tmp_path):
    for iteration in (1, 2):
        (tmp_path / f"snapshot_{iteration}.pth").touch()
        os.utime(tmp_path / f"snapshot_{iteration}.pth", (2**32, 2**32))  # the year 2106
    (tmp_path / "snapshot_mine.pth").touch()
    stopped(tmp_path, 3, interval=3, max_keep=2)
    assert names(tmp_path) == ["snapshot_2.pth", "snapshot_3.pth", "snapshot_mine.pth"]
    assert (tmp_path / "last_checkpoint").read_text() == str(tmp_path / "snapshot_3.pth")


def test_a_run_that_went_back_leaves_no_snapshot_from_beyond(tmp_path):
    stopped(tmp_path, 9, interval=4)
    config = {"resume": True, "load_from": str(tmp_path / "snapshot_4.pth")}
    with pytest.raises(Killed):
        drawing_runner(
            tmp_path, StopAt("after_train_iter", 6), snapshot={"interval": 3}, **config
        ).train()
    assert names(tmp_path) == ["snapshot_4.pth", "snapshot_6.pth"]
