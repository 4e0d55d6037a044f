"""Signals end a training where it can go on, with a status of their own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mmengine.hooks import Hook

from mmctl.engine import RunStopped, run_command
from mmctl.engine.resume.stop_signals import (
    StopSignals,
    end_on_signals,
    leave_signals_to_main_process,
)
from tests.conftest import ROOT, wait_until
from tests.test_engine.drawing_runner import drawing_runner, end_state, equal


class Sends(Hook):
    """Sends this process a signal in a hook of one's choice."""

    def __init__(self, place: str, iteration: int, number: int) -> None:
        self.sent = False
        setattr(self, place, lambda runner, **_: self.send(runner, iteration, number))

    def send(self, runner, iteration: int, number: int) -> None:
        if runner.iter == iteration and not self.sent:
            self.sent = True
            os.kill(os.getpid(), number)


ONLY_ASKED = {"snapshot": {"interval": None}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("whole")
    drawing_runner(folder, **ONLY_ASKED).train()
    return end_state(folder)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 85), (signal.SIGUSR1, 85), (signal.SIGINT, 130)]
)
def test_a_signal_saves_after_the_iteration_and_ends_with_its_status(
    tmp_path, whole, number, status
):
    runner = drawing_runner(tmp_path, Sends("before_train_iter", 5, number), **ONLY_ASKED)
    with pytest.raises(RunStopped, match=rf"{number.name}: .*snapshot_6\.pth is saved") as stopped:
        runner.train()
    assert stopped.value.code == status
    assert Path((tmp_path / "last_checkpoint").read_text()).name == "snapshot_6.pth"
    drawing_runner(tmp_path, resume=True, **ONLY_ASKED).train()
    assert equal(end_state(tmp_path), whole)
    assert not list(tmp_path.glob("snapshot_*"))


def test_a_signal_while_validating_stops_at_once_and_the_validation_is_repeated(tmp_path, whole):
    changes = {**ONLY_ASKED, "workers": 0}
    runner = drawing_runner(tmp_path, Sends("before_val_iter", 4, signal.SIGTERM), **changes)
    with pytest.raises(RunStopped, match="the last checkpoint is kept"):
        runner.train()
    drawing_runner(tmp_path, resume=True, **changes).train()
    assert equal(end_state(tmp_path), whole)


def test_an_epoch_without_checkpoint_is_saved_before_its_validation(tmp_path):
    rare = {"default_hooks": {"checkpoint": {"type": "CheckpointHook", "interval": 3}}}
    stop = Sends("before_val_iter", 4, signal.SIGTERM)
    with pytest.raises(RunStopped):
        drawing_runner(tmp_path, stop, **ONLY_ASKED, **rare).train()
    assert [file.name for file in tmp_path.glob("*.pth")] == ["snapshot_4.pth"]


def test_a_signal_after_the_last_iteration_of_an_epoch_is_answered_too(tmp_path, whole):
    runner = drawing_runner(tmp_path, Sends("after_train_epoch", 8, signal.SIGTERM), **ONLY_ASKED)
    with pytest.raises(RunStopped):
        runner.train()
    drawing_runner(tmp_path, resume=True, **ONLY_ASKED).train()
    assert equal(end_state(tmp_path), whole)


def test_the_second_signal_ends_the_process_at_once():
    child = os.fork()
    if child == 0:
        with StopSignals():
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGTERM)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM


def status_of_child(work) -> int:
    """Return the exit status of a forked process that does some work."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 85), (signal.SIGUSR1, 85), (signal.SIGINT, 130)]
)
def test_a_signal_outside_of_the_training_has_its_status_too(number, status, capfd):
    def work() -> None:
        end_on_signals()
        with StopSignals():
            pass  # a training, which leaves the handlers as they were
        # As MMEngine's config does while it is written.
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), number)

    assert status_of_child(work) == status
    assert f"stopped by {number.name}: the training does not run" in capfd.readouterr().err


def test_a_worker_does_not_take_the_main_process_s_way_out():
    def work() -> None:
        end_on_signals()
        worker = status_of_child(lambda: os.kill(os.getpid(), signal.SIGTERM))
        os._exit(7 if worker == -signal.SIGTERM else 1)

    assert status_of_child(work) == 7


def test_a_signal_while_a_training_starts_ends_it_with_its_status(tmp_path):
    config = tmp_path / "config.py"
    config.write_text(
        "_base_ = []\nimport os\nimport signal\nos.kill(os.getpid(), signal.SIGUSR1)\n"
    )
    command = [sys.executable, str(ROOT / "tools" / "train.py"), str(config)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 85


class Fails(Sends):
    """Sends a signal, and is a library that makes an error of its own of every exception."""

    def send(self, runner, iteration: int, number: int) -> None:
        try:
            super().send(runner, iteration, number)
        except BaseException:
            raise SyntaxError("Failed to format the config") from None


def test_a_signal_that_becomes_another_error_while_validating_still_stops(tmp_path, whole):
    stop = Fails("after_val_epoch", 4, signal.SIGTERM)
    with pytest.raises(RunStopped) as stopped:
        drawing_runner(tmp_path, stop, workers=0, **ONLY_ASKED).train()
    assert stopped.value.code == 85
    drawing_runner(tmp_path, resume=True, workers=0, **ONLY_ASKED).train()
    assert equal(end_state(tmp_path), whole)


def test_handlers_are_put_back(tmp_path):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(RuntimeError, match="in the midst"), StopSignals():
        raise RuntimeError("in the midst")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_worker_outlives_what_its_group_is_told_and_ends_at_its_main_process_s_word(tmp_path):
    called, alive = tmp_path / "3", tmp_path / "alive"
    child = os.fork()
    if child == 0:
        leave_signals_to_main_process(3, lambda number: (tmp_path / str(number)).touch())
        for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGTERM, signal.SIGTERM):
            os.kill(os.getpid(), number)
            time.sleep(0.05)
        alive.touch()
        while True:
            time.sleep(1)
    wait_until(alive.exists)
    assert called.exists()  # the config's own function
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_worker_whose_main_process_died_while_it_was_made_ends():
    def work() -> None:
        leave_signals_to_main_process(main_process=os.getpid())  # not this child's parent
        time.sleep(1000)

    assert status_of_child(work) == 0


def test_a_signal_that_arrives_twice_on_two_ways_is_one():
    def work() -> None:
        with StopSignals() as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.received == signal.SIGTERM
        os._exit(7)

    assert status_of_child(work) == 7


def test_a_tool_ends_with_the_status_and_one_line(capsys):
    def main() -> None:
        raise RunStopped(signal.SIGTERM, "work_dirs/a/snapshot_3.pth")

    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == 85
    message = capsys.readouterr().err
    assert message.strip() == (
        "stopped by SIGTERM: work_dirs/a/snapshot_3.pth is saved; --resume goes on from it"
    )


def test_workers_in_a_signalled_group_do_not_cost_the_batch(tmp_path, whole):
    runner = drawing_runner(
        tmp_path, SendsToWorkers("before_train_iter", 1, signal.SIGTERM), workers=2, **ONLY_ASKED
    )
    with pytest.raises(RunStopped):
        runner.train()
    drawing_runner(tmp_path, resume=True, **ONLY_ASKED).train()
    assert equal(end_state(tmp_path), whole)


class SendsToWorkers(Sends):
    """Sends the signal to the data loader's workers as well."""

    def send(self, runner, iteration: int, number: int) -> None:
        if runner.iter == iteration:
            workers = [str(worker.pid) for worker in multiprocessing.active_children()]
            # From elsewhere: a worker takes a signal of its main process for the end of the work.
            subprocess.run(["kill", f"-{number}", *workers], check=True)
        super().send(runner, iteration, number)
