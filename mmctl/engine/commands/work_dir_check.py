"""Work dirs: whether they can be written, and that one training at a time works in them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from mmctl.files import FolderLock

_NUM_PROBE_BYTES = 4096
_RANKS = {"pytorch": "RANK", "slurm": "SLURM_PROCID", "mpi": "OMPI_COMM_WORLD_RANK"}


def check_work_dir(work_dir: str | Path) -> None:
    """Make a work dir, and write to it: found now, not by the first checkpoint.

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


def locked_work_dir(work_dir: str | Path, launcher: str) -> AbstractContextManager[object]:
    """Return the context of a training, whose work dir no other training takes meanwhile.

    Of several processes the first takes the lock, before they know each other.

    Args:
        work_dir: The folder, which exists.
        launcher: What started the processes, ``'none'`` for a single one.
    """
    return FolderLock(Path(work_dir)) if _is_first(launcher) else nullcontext()


@contextmanager
def locked_files(paths: Iterable[str | Path], launcher: str) -> Iterator[None]:
    """Keep others from writing files while the block lasts.

    Args:
        paths: The files that this run writes at its end; their folders are made.
        launcher: As for :func:`locked_work_dir`.

    Raises:
        ValueError: If another run writes one of them.
    """
    with ExitStack() as locks:
        for path in sorted(set(map(Path, paths))) if _is_first(launcher) else ():
            path.parent.mkdir(parents=True, exist_ok=True)
            locks.enter_context(FolderLock(path.parent, f".{path.name}.lock", what=path))
        yield


def _is_first(launcher: str) -> bool:
    return os.environ.get(_RANKS.get(launcher, ""), "0") == "0"
