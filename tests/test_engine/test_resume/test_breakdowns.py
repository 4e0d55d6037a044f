"""Processes, workers, disks and frames that fail: a message, a status, and a way on."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
from multiprocessing.connection import Client
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import DATASETS

from mmctl.datasets.transforms import LoadFrames
from mmctl.engine import run_command
from mmctl.engine.resume import resumable_epoch_loop
from mmctl.engine.resume.breakdowns import describe_way_on, explain_breakdown
from mmctl.files import DiskFullError, whole_files
from tests.test_engine.drawing_runner import DrawnData, drawing_runner, end_state, equal
from tests.test_engine.forked_ranks import WRAPPER, run_ranks

NO_VALIDATION = {"val_dataloader": None, "val_evaluator": None, "val_cfg": None} | {
    "default_hooks": {"checkpoint": {"type": "CheckpointHook", "interval": 1}}
}


class DiesAt(Hook):
    """Kills its process in a hook and iteration of one's choice."""

    priority = "LOWEST"

    def __init__(self, place: str, iteration: int) -> None:
        setattr(self, place, lambda runner, **_: self.die(runner.iter == iteration))

    def die(self, now: bool) -> None:
        if now:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("place", "iteration"),
    [("before_train_iter", 3), ("after_train_iter", 4), ("after_train_epoch", 4)],
)
def test_a_killed_rank_ends_the_other_with_a_message(
    tmp_path: Path, place: str, iteration: int
) -> None:
    def main(rank: int) -> None:
        hooks = [DiesAt(place, iteration)] if rank == 1 else []
        changes = {**NO_VALIDATION, "launcher": "pytorch", "model_wrapper_cfg": WRAPPER}
        drawing_runner(tmp_path, *hooks, **changes).train()

    (status, output), (killed, _) = run_ranks(main, tmp_path)
    assert killed == -signal.SIGKILL
    assert status == 1, output
    assert "error: another process of this run has ended or does not answer" in output
    assert "Traceback" not in output
    kept = (tmp_path / "last_checkpoint").read_text()
    assert f"the same command with --resume goes on from {kept}\n" in output
    assert Path(kept).is_file()


def test_a_lost_connection_is_no_matter_of_a_single_process() -> None:
    assert explain_breakdown(RuntimeError("Connection closed by peer")) is None


@DATASETS.register_module(force=True)
class FailingData(DrawnData):
    """Fails for one item as soon as a file is there."""

    def __init__(self, index: int, how: str, file: str) -> None:
        self.index = index
        self.how = how
        self.file = Path(file)

    def __getitem__(self, index: int) -> Any:
        if index == self.index and self.file.exists():
            if self.how == "frame":
                LoadFrames()._load("/nowhere/000001.jpg")
            assert multiprocessing.parent_process() is not None
            os.kill(os.getpid(), getattr(signal, self.how))
        return super().__getitem__(index)


def failing_runner(
    folder: Path, index: int, how: str, workers: int, file: str = "/", **more: Any
) -> Any:
    dataset = {"type": "FailingData", "index": index, "how": how, "file": file}
    ordered = {"type": "DefaultSampler", "shuffle": False}
    changes = {
        **NO_VALIDATION,
        "train_dataloader": {
            "dataset": dataset,
            "num_workers": workers,
            "batch_size": 3,
            "sampler": ordered,
        },
        **more,
    }
    return drawing_runner(folder, snapshot={"interval": None}, **changes)


def ends(runner: Any, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run_command(runner.train)
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("SIGKILL", r"was killed by a signal (Killed); the machine or container has most likely"),
        ("SIGBUS", "was killed by a signal (Bus error); shared memory (/dev/shm, "),
        ("SIGSEGV", "was killed by a signal (Segmentation fault); train_dataloader.num_workers=0"),
    ],
)
def test_a_dead_worker_is_named_with_its_likely_reason(tmp_path, capsys, how, reason):
    # Workers draw ahead: one that dies in the second epoch leaves the first one's checkpoint.
    runner = failing_runner(tmp_path, 7, how, workers=1, file=str(tmp_path / "epoch_1.pth"))
    status, message = ends(runner, capsys)
    assert status == 1
    assert "error: data loader worker " in message
    assert reason in message
    assert "Traceback" not in message
    assert "--resume goes on from" in message


@pytest.mark.parametrize(
    ("status", "said"),
    [(-9, "killed by a signal (Killed); the machine or container has"), (1, "has ended; train_")],
)
def test_a_dead_worker_that_pytorch_finds_before_its_signal_is_named_as_well(status, said):
    def finds() -> None:
        failed_workers = [SimpleNamespace(exitcode=status)]
        raise RuntimeError(f"DataLoader worker (pid(s) {len(failed_workers)}) exited unexpectedly")

    with pytest.raises(RuntimeError) as caught:
        finds()
    assert said in str(explain_breakdown(caught.value))


def test_an_error_that_leads_to_itself_is_looked_at_once():
    first, second = OSError("away"), RuntimeError("still away")
    first.__cause__, second.__context__ = second, first
    assert explain_breakdown(first) is None
    assert explain_breakdown(second) is None


def end_by(how: str) -> None:
    os.kill(os.getpid(), getattr(signal, how))


class Loader:
    """A loader whose worker is dead before its batch is fetched."""

    def __init__(self, how: str) -> None:
        context = multiprocessing.get_context("fork")
        self._workers = [context.Process(target=end_by, args=(how,), daemon=True)]
        self._workers[0].start()

    def fetch(self, address: str) -> None:
        self._fetch(address)  # in several frames, as PyTorch does

    def _fetch(self, address: str) -> None:
        Client(address)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGSEGV"])
def test_a_worker_that_dies_while_its_batch_is_fetched_is_named(tmp_path, how):
    loader = Loader(how)
    with pytest.raises(FileNotFoundError) as caught:
        loader.fetch(str(tmp_path / "socket"))
    said = str(explain_breakdown(caught.value))
    name = signal.strsignal(getattr(signal, how))
    assert f"data loader worker {loader._workers[0].pid} was killed by a signal ({name});" in said


def test_a_socket_that_is_missing_beside_live_workers_speaks_for_itself(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        Client(str(tmp_path / "socket"))
    assert explain_breakdown(caught.value) is None


@pytest.mark.parametrize("workers", [0, 1])
def test_what_comes_before_an_unreadable_frame_is_saved(tmp_path, capsys, workers):
    status, message = ends(failing_runner(tmp_path, 7, "frame", workers), capsys)
    assert status == 2
    assert message.count("error: ") == 1
    assert "frame /nowhere/000001.jpg does not exist, but the data set lists it" in message
    kept = tmp_path / "snapshot_2.pth"  # items 0-2 and 3-5; 7 is in the third batch
    assert f"when this is mended, --resume goes on from {kept}\n" in message
    assert "same command" not in message
    assert (tmp_path / "last_checkpoint").read_text() == str(kept)


def test_a_frame_that_stops_one_rank_stops_all(tmp_path):
    def main(_: int) -> None:
        changes = {"launcher": "pytorch", "model_wrapper_cfg": WRAPPER}
        failing_runner(tmp_path, 9, "frame", 0, **changes).train()

    ends_of_ranks = sorted(run_ranks(main, tmp_path))
    assert [status for status, _ in ends_of_ranks] == [1, 2]
    (_, lost), (_, stopped) = ends_of_ranks
    assert "error: another process of this run has ended" in lost
    assert "error: frame /nowhere/000001.jpg does not exist" in stopped


def test_a_run_that_a_frame_stopped_goes_on_as_if_it_had_not(tmp_path, capsys):
    whole = tmp_path / "whole"
    failing_runner(whole, -1, "frame", 0).train()
    ends(failing_runner(tmp_path / "a", 7, "frame", 0), capsys)
    runner = failing_runner(tmp_path / "a", -1, "frame", 0)
    runner._resume = True
    runner.train()
    assert equal(end_state(tmp_path / "a"), end_state(whole))


def test_a_full_disk_costs_no_checkpoint(tmp_path, capsys, monkeypatch):
    runner = drawing_runner(tmp_path, snapshot={"interval": None}, **NO_VALIDATION)
    real = os.fsync

    def full(file: int) -> None:
        if runner.iter >= 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    monkeypatch.setattr(whole_files.os, "fsync", full)
    status, message = ends(runner, capsys)
    assert status == 2
    assert "no space left on the disk for this file (" in message
    assert " MiB free); nothing is left of it" in message
    assert str(tmp_path / "epoch_2.pth") in message
    assert f"the same command with --resume goes on from {tmp_path / 'epoch_1.pth'}\n" in message
    assert [path.name for path in tmp_path.glob("*.pth")] == ["epoch_1.pth"]
    assert not list(tmp_path.glob(".*.part"))


def test_a_full_disk_without_a_name_is_explained() -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert str(explain_breakdown(error)).startswith("no space left on a disk that this run writes")
    assert explain_breakdown(DiskFullError(errno.ENOSPC, "no space", "a.pth")) is None


def test_faults_of_the_program_keep_traceback_and_way_on(tmp_path):
    class Faulty(Hook):
        def after_train_iter(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        run_command(drawing_runner(tmp_path, Faulty()).train)
    assert error.value.__notes__ == [f"no checkpoint was saved in {tmp_path} yet"]


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (ValueError("no query has a match"), "when this is mended, --resume"),
        (KeyError("momentum"), "when this is mended, --resume"),
        (RuntimeError("size mismatch"), "when this is mended, --resume"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "when this is mended, --resume"),
        (OSError(errno.ENOSPC, "No space left on device"), "the same command with --resume"),
        (DiskFullError(errno.EDQUOT, "quota"), "the same command with --resume"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "the same com"),
    ],
)
def test_an_error_that_comes_again_is_to_be_mended_first(tmp_path, error, how):
    (tmp_path / "epoch_3.pth").touch()
    (tmp_path / "last_checkpoint").write_text("epoch_3.pth")
    assert describe_way_on(tmp_path, error).startswith(how)
    assert describe_way_on(tmp_path, error).endswith(f"goes on from {tmp_path / 'epoch_3.pth'}")


def test_the_way_on_is_the_checkpoint_that_was_saved_last(tmp_path):
    file = tmp_path / "epoch_3.pth"
    file.touch()
    (tmp_path / "last_checkpoint").write_text("/moved/from/epoch_3.pth\n")
    assert describe_way_on(tmp_path) == f"the same command with --resume goes on from {file}"


@pytest.mark.parametrize("pointer", [b"", b"\xff\xfe", b"gone.pth"])
def test_the_way_on_without_a_readable_name_is_the_newest_checkpoint(tmp_path, pointer):
    (tmp_path / "last_checkpoint").write_bytes(pointer)
    assert describe_way_on(tmp_path) == f"no checkpoint was saved in {tmp_path} yet"
    (tmp_path / "snapshot_3.pth").touch()
    assert describe_way_on(tmp_path).endswith(f"goes on from the newest checkpoint in {tmp_path}")


def test_timeouts_of_a_group_are_lost_processes(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    late = RuntimeError("Timed out waiting 1800000ms for recv operation to complete\nmore")
    found = explain_breakdown(late)
    assert found is not None
    assert "(Timed out waiting 1800000ms for recv operation to complete)" in found
    assert explain_breakdown(torch.distributed.DistBackendError("x")) is not None
    assert explain_breakdown(RuntimeError("shapes do not match")) is None


def test_the_way_on_is_told_though_a_worker_s_death_is_heard_late(tmp_path, monkeypatch, capsys):
    heard = []

    def describe(folder: Path, error: BaseException) -> str:
        heard.append(error)
        if len(heard) == 1:
            raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")
        return f"the way on from {Path(folder).name}"

    monkeypatch.setattr(resumable_epoch_loop, "describe_way_on", describe)
    status, message = ends(failing_runner(tmp_path, 7, "frame", 0), capsys)
    assert status == 1
    assert "error: data loader worker 7 was killed by a signal (Killed);" in message
    assert f"the way on from {tmp_path.name}" in message
