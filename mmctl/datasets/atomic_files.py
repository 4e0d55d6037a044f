"""Files that are whole or absent, whenever the writing process dies."""

from __future__ import annotations

import errno
import os
from pathlib import Path

TEMPORARY_SUFFIX = ".part"
"""Ending of what is being written; nothing with it is ever read."""

FULL_DISK_CODES = (errno.ENOSPC, errno.EDQUOT)
"""Error numbers of a full disk and of a used-up quota."""


class DiskFullError(OSError):
    """There is no space, or no quota, left for a data set."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then give it its own.

    Args:
        path: Name of the file; its folder exists. An existing file is replaced.
        content: All of its bytes.

    Raises:
        DiskFullError: If the disk is full; the temporary file is removed.
    """
    # The process id keeps two processes that write the same file apart.
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in FULL_DISK_CODES:
            raise disk_full_error(path, len(content)) from error
        raise


def disk_full_error(path: Path, num_bytes: int) -> DiskFullError:
    """Return the error for a file of ``num_bytes`` that did not fit on its disk."""
    return DiskFullError(
        errno.ENOSPC,
        f"no space left on the disk for the {num_bytes:,} bytes of this file",
        str(path),
    )


def remove_temporary_files(folder: Path) -> None:
    """Remove what killed processes left below a folder."""
    for path in folder.rglob(f".*{TEMPORARY_SUFFIX}"):
        path.unlink(missing_ok=True)
