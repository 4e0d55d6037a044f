"""A work dir that cannot be written is found before the training, not by its first checkpoint."""

from __future__ import annotations

import tempfile
from pathlib import Path

_NUM_PROBE_BYTES = 4096


def check_work_dir(work_dir: str | Path) -> None:
    """Make a work dir, and write to it.

    Permissions alone do not tell: disks may be full or mounted read-only.

    Args:
        work_dir: Folder for logs and checkpoints.

    Raises:
        ValueError: If it cannot be made or written.
    """
    folder = Path(work_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_NUM_PROBE_BYTES))
    except OSError as error:
        raise ValueError(
            "work_dir must be a folder that can be written, because logs and checkpoints go "
            f"there: {error.strerror or error}, got {str(folder)!r}; --work-dir names another one"
        ) from error
