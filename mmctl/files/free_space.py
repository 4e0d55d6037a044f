"""Room on the disk, looked at before long work."""

from __future__ import annotations

import shutil
from pathlib import Path

from mmctl.files.whole_files import DiskFullError


def check_free_space(folder: Path, needed: int, advice: str) -> None:
    """Raise unless a folder has room for what will be written.

    Args:
        folder: The folder; it need not exist yet.
        needed: About how many bytes.
        advice: What else than freeing space would help, for the message.

    Raises:
        DiskFullError: If it has not.
    """
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DiskFullError(
            f"{folder} needs about {needed:,} more bytes, the disk has {free:,} free: free some "
            f"space, choose another disk, or {advice}"
        )
