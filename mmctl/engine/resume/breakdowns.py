"""What a breakdown of a run means, and how to go on after it."""

from __future__ import annotations

import re
import shutil
import signal
import traceback
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from mmctl.checkpoints.last_checkpoint import RESUMABLE, find_named_checkpoint
from mmctl.files import FULL_DISK_CODES, DiskFullError

_DEAD_WORKER = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)")
_SIGNAL = re.compile(r"is killed by signal: ([^.]+)\.")
_LOST_PROCESS = re.compile(
    r"gloo|nccl|connection (was )?(closed|reset)|broken pipe|timed out waiting", re.IGNORECASE
)
_SHARED_MEMORY = Path("/dev/shm")
# What reading a worker's batch ends in if the worker dies after it announced the batch.
_LOST_MESSAGE = (ConnectionError, EOFError, FileNotFoundError)
_SECONDS_OF_DYING = 2


class NotFiniteError(ValueError):
    """A loss or a weight became NaN or infinite."""


def explain_breakdown(error: BaseException) -> str | None:
    """Return what broke, and the likely reason, if starting the run again may help.

    Args:
        error: What a tool raised.

    Returns:
        A message, or None for an error that speaks for itself or is a fault of the program.
    """
    causes = list(_chain(error))
    if isinstance(error, _LOST_MESSAGE):
        dead = _dead_sender(error)
        if dead is not None:
            return _explain_dead_worker(str(dead.pid), signal.strsignal(-(dead.exitcode or 0)))
    if isinstance(error, RuntimeError):
        message = "\n".join(map(str, causes))
        worker = _DEAD_WORKER.search(message)
        if worker is not None:
            found = _SIGNAL.search(message)
            return _explain_dead_worker(worker[1], found[1] if found else _signal_of(causes))
        if _is_lost_process(error):
            said = str(error).strip().partition("\n")[0]
            return (
                "another process of this run has ended or does not answer, so this one stops "
                f"({said}). The message of that process says why; if it left none it was probably "
                "killed, for instance because its machine ran out of memory"
            )
    full = isinstance(error, OSError) and error.errno in FULL_DISK_CODES
    if full and not isinstance(error, DiskFullError):
        return f"no space left on a disk that this run writes to ({error})"
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it; libraries that raise an error again can make a circle."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__


def _signal_of(causes: Iterable[BaseException]) -> str | None:
    """Return what killed a worker that PyTorch found dead before it heard of a signal."""
    for error in causes:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            for worker in frame.f_locals.get("failed_workers", ()):
                if (worker.exitcode or 0) < 0:
                    return signal.strsignal(-worker.exitcode)
    return None


def _dead_sender(error: BaseException) -> BaseProcess | None:
    """Return the worker that a signal ended while its batch was on the way."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames or "multiprocessing" not in Path(frames[-1].f_code.co_filename).parts:
        return None
    loaders = [vars(frame.f_locals["self"]) for frame in frames if _has_workers(frame.f_locals)]
    # Several frames are of one loader, and nothing can wait for a worker twice.
    workers = list(dict.fromkeys(worker for loader in loaders for worker in loader["_workers"]))
    gone = wait([worker.sentinel for worker in workers], _SECONDS_OF_DYING)
    dying = [worker for worker in workers if worker.sentinel in gone]
    for worker in dying:
        worker.join(_SECONDS_OF_DYING)  # it closes its files before it can be asked for its status
    return next((worker for worker in dying if (worker.exitcode or 0) < 0), None)


def _has_workers(variables: Mapping[str, Any]) -> bool:
    return "_workers" in getattr(variables.get("self"), "__dict__", ())


def _explain_dead_worker(pids: str, signal_name: str | None) -> str:
    how = f"was killed by a signal ({signal_name})" if signal_name else "has ended"
    if signal_name == "Killed":
        why = (
            "the machine or container has most likely run out of memory (the system's log, dmesg, "
            "would say so): take fewer workers, train_dataloader.num_workers"
        )
    elif signal_name == "Bus error":
        total = shutil.disk_usage(_SHARED_MEMORY).total if _SHARED_MEMORY.is_dir() else 0
        why = (
            f"shared memory ({_SHARED_MEMORY}, {total / 2**30:.1f} GiB) has most likely run out: "
            "enlarge it (docker run --shm-size) or take fewer workers, train_dataloader.num_workers"
        )
    else:
        why = "train_dataloader.num_workers=0 loads in the main process and shows its error"
    return f"data loader worker {pids} {how}; {why}"


def _is_lost_process(error: RuntimeError) -> bool:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return False
    known = isinstance(error, torch.distributed.DistError)
    return known or _LOST_PROCESS.search(str(error)) is not None


def may_pass(error: BaseException) -> bool:
    """Return whether a run that goes on unchanged need not meet an error again.

    Args:
        error: What a training raised.
    """
    full = isinstance(error, OSError) and error.errno in FULL_DISK_CODES
    return full or isinstance(error, NotFiniteError) or explain_breakdown(error) is not None


def describe_way_on(work_dir: str | Path, error: BaseException | None = None) -> str:
    """Return from what the training of a work dir goes on.

    Args:
        work_dir: Folder of the run.
        error: What stopped it. One that the same command would only meet again is to be mended
            first.
    """
    how = "the same command with --resume"
    if error is not None and not may_pass(error):
        how = "when this is mended, --resume"
    folder = Path(work_dir)
    named = find_named_checkpoint(folder)
    if named is not None:
        return f"{how} goes on from {named}"
    if any(file for pattern in RESUMABLE for file in folder.glob(pattern)):
        return f"{how} goes on from the newest checkpoint in {folder}"
    return f"no checkpoint was saved in {work_dir} yet"


def add_note(error: BaseException, note: str) -> None:
    """Add a line for the reader of an error, as ``add_note`` does from Python 3.11 on.

    Args:
        error: The error; tracebacks show the note from Python 3.11 on, our tools always do.
        note: The line.
    """
    vars(error)["__notes__"] = [*read_notes(error), note]


def read_notes(error: BaseException) -> list[str]:
    """Return the notes of an error."""
    return list(getattr(error, "__notes__", ()))
