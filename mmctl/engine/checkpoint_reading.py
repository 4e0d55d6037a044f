"""Read checkpoints without running code from them, and know whole files from broken ones."""

from __future__ import annotations

import logging
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmctl.engine.archive_check import UNREADABLE, check_archive
from mmctl.engine.stored_arrays import allowed_globals, restore
from mmctl.files import open_atomically

NUM_FIRST_BYTES = 40

TRUST = "MMCTL_TRUST_CHECKPOINT"
"""Environment variable with the paths of files that may run code when they are read."""

LAST_CHECKPOINT = "last_checkpoint"
"""File of a work dir that holds the path of the checkpoint to go on from."""

RESUMABLE = ("snapshot_*.pth", "epoch_*.pth", "iter_*.pth")
"""Names of the checkpoints that a run can go on from; ``best_*.pth`` have no optimizer."""

_REFUSED = re.compile(r"GLOBAL (.+?) (?:is not allowed|was not an allowed|whose module)")
_BROKEN_FILE = re.compile(
    r"zip|PytorchStreamReader|EOF|end of file|storage|corrupt|Errno 22", re.IGNORECASE
)


def load_from_local_safely(
    filename: str, map_location: str | torch.device | Callable | None = None
) -> dict[str, Any]:
    """Read a checkpoint from a local file without running code from it.

    Only tensors, plain values, numpy arrays of numbers and MMEngine's log histories are restored.
    Checksums are compared first, which torch does not. A file named in the environment variable
    ``MMCTL_TRUST_CHECKPOINT`` may hold anything.
    ``meta['config']``, which MMEngine 0.10 reads but never writes, moves to
    ``meta['config_text']``: ``Runner.resume`` would execute that text.

    Args:
        filename: Path of the checkpoint; ``~`` is the home directory.
        map_location: As for :func:`torch.load`.

    Returns:
        What was saved, as a rule a dict with ``state_dict``, ``meta``, ``message_hub`` and more.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, is no checkpoint, or holds anything else than the above.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        reason = "is a directory, not a file" if path.is_dir() else "does not exist"
        raise FileNotFoundError(
            f"checkpoint {filename!r} {reason} (looked for {path.absolute()}); "
            "check the path given on the command line, as load_from or in init_cfg"
        )
    try:
        if _is_archive(path):
            check_archive(path)
        if _is_trusted(path):
            checkpoint = torch.load(path, map_location=map_location, weights_only=False)
        else:
            with torch.serialization.safe_globals(allowed_globals()):
                checkpoint = torch.load(path, map_location=map_location, weights_only=True)
            checkpoint = restore(checkpoint)
    except zipfile.BadZipFile as error:
        raise _damage(filename, path, error) from error
    except pickle.UnpicklingError as error:
        raise _refusal(filename, path, error) from error
    except (*UNREADABLE, OSError) as error:
        # Permissions, too little memory and a missing GPU come here too, no faults of the file.
        if isinstance(error, (OSError, RuntimeError)) and not _BROKEN_FILE.search(str(error)):
            raise
        raise _damage(filename, path, error) from error
    meta = checkpoint.get("meta") if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict) and "config" in meta:
        meta["config_text"] = meta.pop("config")
    return checkpoint


def _refusal(filename: str, path: Path, error: pickle.UnpicklingError) -> ValueError:
    found = _REFUSED.search(str(error))
    if found is None:
        # Not torch's own message: it advises to switch the protection off.
        with path.open("rb") as file:
            start = file.read(NUM_FIRST_BYTES)
        return ValueError(
            f"checkpoint {filename!r} cannot be read: {path.stat().st_size} bytes that begin with "
            f"{start!r}. {_guess_kind(start)}"
        )
    return ValueError(
        f"checkpoint {filename!r} holds {found[1]!r}, which is neither a tensor, a plain value, a "
        "numpy array of numbers nor a log history of MMEngine. It is refused because restoring it "
        "could run code hidden in the file. If you trust whoever made it with everything that you "
        f"may do on this machine, set {TRUST}={path.absolute()} in the environment (several: "
        f"separated by {os.pathsep!r}): that file may then run code"
    )


def _guess_kind(start: bytes) -> str:
    """Return what a file that is no checkpoint probably is, by its first bytes."""
    if start.lstrip().startswith(b"<"):
        return (
            "It is probably a web page saved in place of the file, for instance a login or an "
            "error page: open it with a browser, and download the checkpoint again"
        )
    if start.startswith(b"version https://git-lfs"):
        return "It is a pointer of Git LFS, not the file itself: run git lfs pull"
    if start.startswith(b"PK"):
        return "It is probably damaged: copy it again, or use an earlier checkpoint"
    if start[:1] == b"\x80":
        return (
            "It is probably a plain pickle, as pickle.dump or old tools write it: save "
            "dict(state_dict=...) with torch.save instead"
        )
    return "It is probably another kind of file or damaged: torch.save writes checkpoints"


def load_from_http_safely(
    filename: str,
    map_location: str | torch.device | Callable | None = None,
    model_dir: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Download a checkpoint unless it is in the cache, and read it as a local file.

    Of several processes the first downloads. MMEngine's reader runs the code in the file.

    Args:
        filename: Address, ``http://`` or ``https://``.
        map_location: As for :func:`torch.load`.
        model_dir: Folder of the cache; by default ``checkpoints`` in that of ``torch.hub``.
        progress: Whether to show the download.

    Returns:
        What was saved.

    Raises:
        ValueError: As for :func:`load_from_local_safely`.
    """
    folder = Path(model_dir) if model_dir else Path(torch.hub.get_dir()) / "checkpoints"
    cached = folder / Path(urlparse(filename).path).name

    def fetch() -> None:
        if not cached.exists():
            folder.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(filename, str(cached), progress=progress)

    if is_main_process():
        fetch()
    barrier()
    fetch()  # on the other machines
    return load_from_local_safely(str(cached), map_location)


def find_whole_checkpoint(path: str) -> str | None:
    """Return the checkpoint in a work dir that a run goes on from.

    That is the one that ``last_checkpoint`` names if it is whole, otherwise the newest whole one,
    after a warning; ``last_checkpoint`` then names that. In a work dir that was moved or copied the
    file of the same name counts. Of several processes the first looks.

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
    pointer = folder / LAST_CHECKPOINT
    try:
        text = pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else ""
    except UnicodeDecodeError:  # as good as missing, like an empty one
        text = ""
    named = Path(text)
    places = (folder / named.name, named) if named.name else ()
    return next((place for place in places if place.is_file()), None)


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
    found = {file for pattern in RESUMABLE for file in folder.glob(pattern)} - {named}
    newest = sorted(found, key=lambda file: file.stat().st_mtime_ns, reverse=True)
    candidates = newest if named is None else [named, *newest]
    for candidate in candidates:
        fault = find_fault(candidate)
        if fault is None:
            if candidate != named:
                print_log(f"{pointer} named no whole file: now {candidate}", logger="current")
                with open_atomically(pointer) as file:
                    file.write(str(candidate))
            return str(candidate)
        print_log(
            f"checkpoint {candidate} is damaged ({fault}): an earlier one is looked for",
            logger="current",
            level=logging.WARNING,
        )
    if candidates:
        raise ValueError(
            f"no checkpoint in {folder} is whole, looked at {', '.join(c.name for c in candidates)}"
            ": copy one there from elsewhere, or start anew without --resume or in another work dir"
        )
    return None


def find_fault(path: Path) -> str | None:
    """Return why a file is no whole checkpoint, None if it is one.

    Args:
        path: A file that ``torch.save`` has written.
    """
    try:
        check_archive(path)
    except (zipfile.BadZipFile, OSError) as error:
        return f"{path.stat().st_size} bytes, {error}"
    return None


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _is_trusted(path: Path) -> bool:
    names = filter(None, os.environ.get(TRUST, "").split(os.pathsep))
    if path.resolve() in {Path(name).expanduser().resolve() for name in names}:
        print_log(f"{TRUST} names {path}: it may run code", "current", logging.WARNING)
        return True
    return False


def _damage(filename: str, path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"checkpoint {filename!r} is damaged or no checkpoint ({path.stat().st_size} bytes): a "
        "download or a write that was cut off leaves such a file. Copy it again, or use an "
        f"earlier checkpoint ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
    )
