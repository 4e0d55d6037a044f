"""Files that are whole or absent, even after a power cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mmengine.fileio import LocalBackend

from mmctl.datasets.atomic_files import FULL_DISK_CODES, TEMPORARY_SUFFIX, DiskFullError


@contextmanager
def open_atomically(
    path: str | Path, mode: str = "w", encoding: str | None = None
) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its name only when all of it is on the disk.

    Until then a file of that name stays as it was; it does for good if the block fails.

    Args:
        path: Name of the file; a link is followed.
        mode: As for :func:`open`, ``'w'`` or ``'wb'``.
        encoding: As for :func:`open`.

    Raises:
        DiskFullError: If the disk is full.
    """
    target = Path(path).resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        with open(temporary, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
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


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class AtomicLocalBackend(LocalBackend):
    """MMEngine's backend of local files with writes that are done whole or not at all."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; folders are made.

        Args:
            obj: The whole content.
            filepath: Name of the file.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(filepath, "wb") as file:
            file.write(obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = "utf-8") -> None:
        """Write text; folders are made.

        Args:
            obj: The whole content.
            filepath: Name of the file.
            encoding: Of the file.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(filepath, "w", encoding=encoding) as file:
            file.write(obj)
