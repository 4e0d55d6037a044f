"""Another process that holds a folder's lock."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmctl.files.folder_lock import FolderLock
from tests.conftest import wait_until


def hold_elsewhere(folder: Path, name: str = ".lock") -> int:
    """Return the id of a process that holds the lock until it is killed."""
    child = os.fork()
    if child == 0:
        with FolderLock(folder, name):
            (folder / "taken").touch()
            signal.pause()
    wait_until((folder / "taken").exists)
    (folder / "taken").unlink()
    return child


def kill(process: int) -> None:
    """Kill a process, and wait for its end."""
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


@contextmanager
def held_elsewhere(folder: Path, name: str = ".lock") -> Iterator[int]:
    """Let another process hold the lock while the block lasts; yield its id."""
    process = hold_elsewhere(folder, name)
    try:
        yield process
    finally:
        kill(process)
