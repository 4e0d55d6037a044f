"""The checkpoint of a work dir that a run goes on from: the last one that is whole."""

from __future__ import annotations

import logging
import re
import zipfile
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmctl.checkpoints.archive_check import check_archive
from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.files import check_regular, open_atomically

LAST_CHECKPOINT = "last_checkpoint"
"""File of a work dir that holds the path of the checkpoint to go on from."""

RESUMABLE = ("snapshot_*.pth", "epoch_*.pth", "iter_*.pth")
"""Names of the checkpoints that a run can go on from; ``best_*.pth`` have no optimizer."""

_NUMBERED = re.compile(r"(snapshot|epoch|iter)_(\d+)\.pth")


def find_whole_checkpoint(path: str) -> str | None:
    """Return the checkpoint in a work dir that a run goes on from.

    That is the one that ``last_checkpoint`` names if it is whole. Otherwise it is, after a warning,
    the whole one with the most iterations, but rather one from before the named one: what is
    beyond it is of a run that went back. ``last_checkpoint`` then names that. In a work dir that
    was moved or copied the file of the same name counts. Of several processes the first looks.

    Args:
        path: The work dir.

    Returns:
        Path of a whole checkpoint, or None if there is no checkpoint at all.

    Raises:
        ValueError: If there are checkpoints and none is whole.
    """
    found: list[str | Exception | None] = [None]
    if is_main_process():
        try:
            found = [_find_whole_checkpoint(Path(path))]
        except ValueError as error:
            found = [error]
    broadcast_object_list(found)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def find_named_checkpoint(folder: Path) -> Path | None:
    """Return the file that ``last_checkpoint`` of a work dir names, None if there is none.

    The file of that name in the work dir counts first: the path is that of the folder as it was
    called when the file was written, where another run may live after a move.

    Args:
        folder: The work dir.
    """
    named = Path(_read_pointer(folder))
    places = (folder / named.name, named) if named.name else ()
    return next((place for place in places if place.is_file()), None)


def trained_checkpoint(folder: str | Path) -> str:
    """Return the checkpoint that a training ended with, also where its work dir was moved since.

    Args:
        folder: The work dir.

    Raises:
        ValueError: If there is none.
    """
    found = find_named_checkpoint(Path(folder))
    if found is None:
        runs = [path.parent for path in sorted(Path(folder).glob(f"*/{LAST_CHECKPOINT}"))]
        below = ", ".join(run.as_posix() for run in runs if find_named_checkpoint(run) is not None)
        raise ValueError(
            f"the training in {folder} must leave a checkpoint to be tested, but "
            f"{Path(folder) / LAST_CHECKPOINT} names no file; "
            + (f"folders in it that have one are {below}" if below else "its output is in there")
        )
    return found.as_posix()


def loaded_checkpoint(runner: Runner) -> str:
    """Return the name of the checkpoint that a runner loads or has loaded.

    Args:
        runner: A runner with ``load_from`` or ``resume``.
    """
    return str(runner._load_from or find_named_checkpoint(Path(runner.work_dir)))


def _read_pointer(folder: Path) -> str:
    pointer = folder / LAST_CHECKPOINT
    try:
        return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
    except UnicodeDecodeError:  # as good as missing, like an empty one
        return ""


def _find_whole_checkpoint(folder: Path) -> str | None:
    pointer = folder / LAST_CHECKPOINT
    named = find_named_checkpoint(folder)
    if named is not None and named.parent.resolve() != folder.resolve():
        print_log(
            f"{pointer} names {named}, outside the work dir, which holds no {named.name}: "
            "if the run there is another one, stop this and correct the name",
            logger="current",
            level=logging.WARNING,
        )
    if named is not None and _is_whole(named):
        return str(named)
    others = {file for pattern in RESUMABLE for file in folder.glob(pattern)} - {named}
    whole = [file for file in sorted(others) if _is_whole(file)]
    if whole:
        chosen = _choose(whole, Path(_read_pointer(folder)).name)
        print_log(f"{pointer} named no whole file: now {chosen}", logger="current")
        with open_atomically(pointer) as file:
            file.write(str(chosen))
        return str(chosen)
    if others or named is not None:
        names = ", ".join(sorted(file.name for file in others | ({named} if named else set())))
        raise ValueError(
            f"no checkpoint in {folder} is whole, looked at {names}"
            ": copy one there from elsewhere, or start anew without --resume or in another work dir"
        )
    return None


def _is_whole(path: Path) -> bool:
    fault = find_fault(path)
    if fault is not None:
        print_log(
            f"checkpoint {path} is damaged ({fault}): an earlier one is looked for",
            logger="current",
            level=logging.WARNING,
        )
    return fault is None


def _choose(files: list[Path], lost: str) -> Path:
    """Return the file of the most iterations, of those up to the lost one if there are any.

    The clock says nothing: it may have been set back.
    """
    places = {file: _read_place(file) for file in files}
    match = _NUMBERED.fullmatch(lost)
    if match is not None:
        place, last = (0 if match[1] == "epoch" else 1), int(match[2])
        before = {file: at for file, at in places.items() if at[place] <= last}
        places = before or places
    return max(places, key=lambda file: (places[file][1], places[file][0], file.name))


def _read_place(path: Path) -> tuple[int, int]:
    """Return epochs and iterations that a checkpoint says were done, -1 where it does not."""
    content = load_from_local_safely(str(path), "meta")  # without reading any weights
    meta = content.get("meta") if isinstance(content, dict) else None
    meta = meta if isinstance(meta, dict) else {}
    epoch, iteration = (
        value if type(value) is int else -1 for value in (meta.get("epoch"), meta.get("iter"))
    )
    return epoch, iteration


def find_fault(path: Path) -> str | None:
    """Return why a file is no whole checkpoint, None if it is one.

    Args:
        path: A file that ``torch.save`` has written.
    """
    try:
        check_archive(check_regular(path, "checkpoint"))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        return f"{path.stat().st_size} bytes, {error}"
    return None
