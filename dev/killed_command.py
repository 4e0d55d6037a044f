"""One command of ``kill_commands.py``: forked, killed again and again, and called until it ends."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dev.fuzz.commands import load_tool

MOMENTS = ("at any time", "while writing")
OUTPUT = "output.txt"

_CHANGES = (
    *((os, name) for name in ("fsync", "replace", "unlink", "rename", "rmdir")),
    *((Path, name) for name in ("mkdir", "unlink", "write_bytes")),
)
"""What changes the disk: a kill hits the moment before one of them."""


@dataclass(frozen=True)
class Command:
    """A command that writes a folder.

    Attributes:
        tool: The tool, as ``track_video.py``.
        arguments: What it gets beside ``--out FOLDER``.
        prepare: Called in the forked process first.
    """

    tool: str
    arguments: Sequence[str]
    prepare: Callable[[], None] = lambda: None

    def start(self, out: Path, number: int | None = None, count: Path | None = None) -> int:
        """Fork a process that runs it; return its id.

        Args:
            out: The folder to write.
            number: Kill it before its change of the disk of this number, from 0; None: not at all.
            count: File that gets a byte for each change.
        """
        sys.stdout.flush()
        process = os.fork()
        if process:
            return process
        status = 1
        try:
            log = os.open(out.parent / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            self.prepare()
            _watch(number, count)
            sys.argv = [self.tool, *self.arguments, "--out", str(out)]
            load_tool(self.tool).main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)


@dataclass(frozen=True)
class WholeRun:
    """How an uninterrupted run went.

    Attributes:
        seconds: How long it took.
        num_changes: How often it changed the disk.
        end: Hash of each file that it left.
    """

    seconds: float
    num_changes: int
    end: dict[str, str]


@dataclass
class KilledRun:
    """A run that was killed at least once and then finished.

    Attributes:
        moment: When it was killed, one of ``MOMENTS``.
        kills: How often.
        difference: Files that are other than those of the uninterrupted run.
    """

    moment: str
    kills: int = 0
    difference: list[str] = field(default_factory=list)


def wait(process: int) -> int:
    """Wait for a process; return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run_whole(command: Command, folder: Path) -> WholeRun:
    """Run a command without interruption.

    Args:
        command: The command.
        folder: Where it works.

    Raises:
        RuntimeError: If it fails.
    """
    folder.mkdir(parents=True)
    begin = time.monotonic()
    status = wait(command.start(folder / "out", count=folder / "changes"))
    if status != 0:
        raise RuntimeError(f"{command.tool} failed: {(folder / OUTPUT).read_text()[-3000:]}")
    seconds = time.monotonic() - begin
    return WholeRun(seconds, (folder / "changes").stat().st_size, read_end(folder / "out"))


def kill_and_finish(
    command: Command, folder: Path, whole: WholeRun, moment: str, generator: random.Random
) -> KilledRun:
    """Kill a run up to three times, at random moments, and let the same command finish it.

    Args:
        command: The command.
        folder: Where it works; removed if the end is equal.
        whole: The uninterrupted run.
        moment: When it is killed.
        generator: Of the moments.
    """
    folder.mkdir(parents=True)
    run, wanted = KilledRun(moment), generator.randint(1, 3)
    for _ in range(20):
        if run.kills == wanted:
            break
        number = generator.randrange(whole.num_changes) if moment == MOMENTS[1] else None
        process = command.start(folder / "out", number)
        if number is None:
            _kill_after(process, generator.uniform(0, whole.seconds))
        status = wait(process)
        run.kills += status == -signal.SIGKILL
        if status > 0:
            run.difference = [f"exit status {status} after {run.kills} kills"]
            return run
        if status == 0 and run.kills:
            break
        if status == 0:  # it was done before its kill
            shutil.rmtree(folder / "out")
    status = wait(command.start(folder / "out"))
    end = read_end(folder / "out")
    run.difference = [f"exit status {status}"] if status else []
    run.difference += sorted(name for name, _ in whole.end.items() ^ end.items())
    if not run.difference:
        shutil.rmtree(folder)
    return run


def read_end(folder: Path) -> dict[str, str]:
    """Return a hash of each file below a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _kill_after(process: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)


def _watch(number: int | None, count: Path | None) -> None:
    """Count the changes of the disk, and die before one of them."""
    left = [number]
    file = None if count is None else count.open("ab", buffering=0)

    def mortal(function: Callable) -> Callable:
        def call(*arguments, **options):  # type: ignore[no-untyped-def]
            if file is not None:
                file.write(b".")
            if left[0] is not None:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
            return function(*arguments, **options)

        return call

    for owner, name in _CHANGES:
        setattr(owner, name, mortal(getattr(owner, name)))
