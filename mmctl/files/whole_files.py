"""Files that are whole or absent, whenever the writing process dies."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

TEMPORARY_SUFFIX = ".part"
"""Ending of what is being written; nothing with it is ever read."""

FULL_DISK_CODES = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a full disk and of a used-up quota."""


class DiskFullError(OSError):
    """There is no space, or no quota, left for a file."""


@contextmanager
def open_atomically(
    path: str | Path, mode: str = "w", encoding: str | None = None, *, sync: bool = True
) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its name only when all of it is written.

    Until then a file of that name stays as it was; it does for good if the block fails. What a
    killed process has left goes when the next one writes the same file.

    Args:
        path: Name of the file; a link is followed. Its folder exists.
        mode: As for :func:`open`, ``'w'`` or ``'wb'``.
        encoding: As for :func:`open`.
        sync: Whether to wait until it is on the disk, so that it outlasts a power cut, and to look
            for what others left; thousands of small files that can be made again are faster
            without.

    Raises:
        DiskFullError: If the disk is full.
    """
    target = Path(path).resolve()
    # Machine and process keep two that write the same file apart.
    start = f".{target.name}.{socket.gethostname()}-"
    temporary = target.with_name(f"{start}{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        if sync:
            _remove_leftovers(target.parent, start)
        with open(temporary, mode, encoding=encoding) as file:
            yield file
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, target)
        if sync:
            _sync_folder(target.parent)
    except OSError as error:
        if error.errno in FULL_DISK_CODES:
            temporary.unlink(missing_ok=True)
            free = shutil.disk_usage(target.parent).free / 2**20
            kept = "the one of this name is kept" if target.exists() else "nothing is left of it"
            message = f"no space left on the disk for this file ({free:.1f} MiB free); {kept}"
            raise DiskFullError(error.errno, message, str(target)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | Path, content: bytes, *, sync: bool = True) -> None:
    """Write a file under a temporary name, then give it its own.

    Args:
        path: Name of the file; its folder exists. An existing file is replaced.
        content: All of its bytes.
        sync: As in :func:`open_atomically`.

    Raises:
        DiskFullError: If the disk is full; what was there before is kept.
    """
    with open_atomically(path, "wb", sync=sync) as file:
        file.write(content)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files of one folder, all of them or none.

    None takes its name before every one is on the disk; what is in their places stays until then.

    Args:
        contents: All bytes of each file; their folder exists.

    Raises:
        DiskFullError: If the disk is full; nothing has changed then.
    """
    with ExitStack() as stack:
        for path, content in contents.items():
            file = stack.enter_context(open_atomically(path, "wb"))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _remove_leftovers(folder: Path, start: str) -> None:
    """Remove temporary files of one name whose processes, of this machine, have died."""
    for path in folder.glob(f"{glob.escape(start)}*{TEMPORARY_SUFFIX}"):
        process = path.name.removeprefix(start).removesuffix(TEMPORARY_SUFFIX)
        if process.isdecimal() and not _is_alive(int(process)):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary_files(folder: Path) -> None:
    """Remove what killed processes left below a folder."""
    for path in folder.rglob(f".*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)
