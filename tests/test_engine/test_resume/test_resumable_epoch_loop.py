"""A run that was stopped and resumed equals the uninterrupted one bit by bit."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook

from mmctl.engine import RunStopped
from tests.test_engine.drawing_runner import (
    DrawnData,
    Killed,
    StopAt,
    drawing_runner,
    end_state,
    equal,
    logged,
)

AMP = {"optim_wrapper": {"type": "CpuAmpOptimWrapper", "optimizer": {"type": "Adam", "lr": 0.1}}}
GATHERING = {
    "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}}
    | {"accumulative_counts": 3}
}


def run(work_dir: Path, *stops: tuple, **changes) -> Path:
    """Train, killed at each of ``stops`` in turn and resumed after it."""
    for stop in stops:
        with pytest.raises(Killed):
            drawing_runner(work_dir, StopAt(*stop), resume=True, **changes).train()
    drawing_runner(work_dir, resume=True, **changes).train()
    return work_dir


def assert_same(left: Path, right: Path) -> None:
    mine, other = end_state(left), end_state(right)
    for part in mine:
        assert equal(mine[part], other[part]), part
    assert logged(left) == logged(right)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    runs = {"plain": {}, "amp": AMP, "gathering": GATHERING}
    return {name: run(tmp_path_factory.mktemp(name), **changes) for name, changes in runs.items()}


# 4 batches in each of 3 epochs: within an epoch, after its last batch, in a checkpoint's hooks.
@pytest.mark.parametrize("iteration", [0, 2, 3, 6, 11])
def test_a_run_killed_after_any_iteration_ends_the_same(tmp_path, whole, iteration):
    assert_same(run(tmp_path, ("after_train_iter", iteration)), whole["plain"])


@pytest.mark.parametrize(
    "stop",
    [
        ("after_train_epoch", 4),
        ("before_val", 4),
        ("after_val_epoch", 4),
        ("after_val", 8),
        ("before_train_epoch", 8),
        ("after_val_epoch", 12),
        ("after_val_epoch", 12, "HIGH"),  # before the best one is saved
        ("after_train_epoch", 12),
        ("after_train", 12),
    ],
)
def test_a_run_killed_around_a_validation_ends_the_same(tmp_path, whole, stop):
    assert_same(run(tmp_path, stop), whole["plain"])


def test_a_run_killed_often_ends_the_same(tmp_path, whole):
    stops = [("after_train_iter", i) for i in (1, 2, 3, 7)] + [("before_val", 8)]
    assert_same(run(tmp_path, *stops), whole["plain"])


@pytest.mark.parametrize("place", [("after_train_iter", 5), ("before_val", 8)])
def test_mixed_precision_ends_the_same(tmp_path, whole, place):
    assert_same(run(tmp_path, place, **AMP), whole["amp"])


@pytest.mark.parametrize("iteration", [4, 5, 6])
def test_gradients_that_wait_for_their_step_are_kept(tmp_path, whole, iteration):
    assert_same(run(tmp_path, ("after_train_iter", iteration), **GATHERING), whole["gathering"])


def test_the_number_of_workers_changes_nothing(tmp_path, whole):
    assert_same(run(tmp_path, ("after_train_iter", 5), workers=2), whole["plain"])


def test_checkpoints_of_epochs_alone_go_on_at_the_epoch(tmp_path, whole):
    stops = [("after_train_iter", 6), ("before_val", 8)]
    assert_same(run(tmp_path, *stops, snapshot={"interval": None}), whole["plain"])


def test_skipped_batches_are_not_loaded(tmp_path):
    with pytest.raises(Killed):
        drawing_runner(tmp_path, StopAt("after_train_iter", 3)).train()
    DrawnData.loaded.clear()
    with pytest.raises(Killed):
        drawing_runner(tmp_path, StopAt("after_train_epoch", 4), resume=True).train()
    assert len(DrawnData.loaded) == 11 - 3 * 3


def test_another_number_of_batches_begins_the_epoch_anew_with_a_warning(tmp_path):
    with pytest.raises(Killed):
        drawing_runner(tmp_path, StopAt("after_train_iter", 6)).train()
    loader = {
        "dataset": {"type": "DrawnData"},
        "num_workers": 0,
        "batch_size": 6,
        "sampler": {"type": "DefaultSampler", "shuffle": True},
    }
    changes = {"train_dataloader": loader, "log_level": "WARNING"}
    DrawnData.loaded.clear()
    with pytest.raises(Killed):
        drawing_runner(tmp_path, StopAt("after_train_epoch", 8), resume=True, **changes).train()
    log = "".join(path.read_text() for path in tmp_path.glob("*/*.log"))
    assert "within an epoch of 4 batches of 3 tracklets, which has 2 batches of 6" in log
    assert "epoch 2 begins anew" in log
    assert len(DrawnData.loaded) == 11


class OtherClips(Hook):
    """Pretends that the checkpoint is of batches with other clips of each person."""

    def before_train(self, runner):
        runner.train_loop._resumed = {**runner.train_loop._resumed, "num_clips": 4}


def test_batches_of_the_same_number_but_other_people_begin_the_epoch_anew(tmp_path):
    with pytest.raises(Killed):
        drawing_runner(tmp_path, StopAt("after_train_iter", 2)).train()
    DrawnData.loaded.clear()
    stop = StopAt("after_train_epoch", 6)
    with pytest.raises(Killed):
        drawing_runner(tmp_path, OtherClips(), stop, resume=True, log_level="WARNING").train()
    log = "".join(path.read_text() for path in tmp_path.glob("*/*.log"))
    assert "4 batches of 3 tracklets, 4 of each person, which has 4 batches of 3" in log
    assert len(DrawnData.loaded) == 11


def test_a_seed_that_was_drawn_is_kept(tmp_path):
    changes = {"randomness": {"seed": None}}
    with pytest.raises(Killed):
        drawing_runner(tmp_path / "a", StopAt("after_train_iter", 1), **changes).train()
    runner = drawing_runner(tmp_path / "a", StopAt("before_train_epoch", 1), resume=True, **changes)
    with pytest.raises(Killed):
        runner.train()
    state = torch.load(tmp_path / "a" / "snapshot_1.pth", weights_only=False)["run_state"]
    sampler = runner.train_dataloader.sampler
    assert sampler.item_seed == state["item_seed"]
    assert sampler.sampler.seed == state["sampler_seed"]


def test_weights_of_a_checkpoint_start_a_run_of_their_own(tmp_path, whole):
    file = str(whole["plain"] / "epoch_2.pth")
    runner = drawing_runner(tmp_path, StopAt("before_train_epoch", 0), load_from=file)
    with pytest.raises(Killed):
        runner.train()
    assert (runner.epoch, runner.train_loop.num_done) == (0, 0)


def test_a_batch_sampler_is_refused(tmp_path):
    loader = {"dataset": {"type": "DrawnData"}, "batch_size": 2, "batch_sampler": {"type": "X"}}
    with pytest.raises(ValueError, match="leaves out batches by their number"):
        drawing_runner(tmp_path, train_dataloader=loader).train()


def test_signals_belong_to_whoever_ran_the_loop_again_after_it(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    drawing_runner(tmp_path, train_cfg={"type": "ResumableEpochLoop", "max_epochs": 1}).train()
    assert signal.getsignal(signal.SIGTERM) is before
    assert issubclass(RunStopped, SystemExit)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_epochs", -1),
        ("max_epochs", 0),
        ("max_epochs", 2.5),
        ("max_epochs", True),
        ("max_epochs", "3"),
        ("val_interval", 0),
        ("val_interval", -1),
        ("val_begin", -1),
        ("dynamic_intervals", [(2, 0)]),
    ],
)
def test_numbers_of_epochs_that_are_none_are_refused(tmp_path, key, value):
    changes = {"type": "ResumableEpochLoop", "max_epochs": 3, key: value}
    with pytest.raises(ValueError, match=rf"train_cfg\.{key}.* must be an integer, [01] or more"):
        drawing_runner(tmp_path, train_cfg=changes).train()
