"""Read checkpoints without running code from them."""

from __future__ import annotations

import logging
import os
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch
from mmengine.logging import print_log

from mmctl.checkpoints.archive_check import check_archive
from mmctl.checkpoints.pickle_bounds import check_pickle
from mmctl.checkpoints.pickle_stand_ins import allowed_globals, restore
from mmctl.files import check_regular

NUM_FIRST_BYTES = 40
NUM_REASON = 160
_NUM_PICKLES = 5  # of a file that is no zip, as torch wrote it before 1.6

TRUST = "MMCTL_TRUST_CHECKPOINT"
"""Environment variable with the paths of files that may run code when they are read."""

_REFUSED = re.compile(r"GLOBAL (.+?) (?:is not allowed|was not an allowed|whose module)")
_OF_THE_MACHINE = re.compile(r"out of memory|can't allocate|Attempting to deserialize", re.I)


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
    if path.is_dir() or not path.exists():
        reason = "is a directory, not a file" if path.is_dir() else "does not exist"
        raise FileNotFoundError(
            f"checkpoint {filename!r} {reason} (looked for {path.absolute()}); "
            "check the path given on the command line, as load_from or in init_cfg"
        )
    check_regular(path, "checkpoint")
    with path.open("rb") as file:  # what may not be opened says so itself
        start = file.read(265)
    try:
        checkpoint = _load(path, map_location)
    # Torch raises any type where bytes were changed.
    except Exception as error:
        raise _refusal(filename, path, start, error) from error
    meta = checkpoint.get("meta") if isinstance(checkpoint, dict) else None
    if isinstance(meta, dict) and "config" in meta:
        meta["config_text"] = meta.pop("config")
    return checkpoint


def _load(path: Path, map_location: Any) -> Any:
    is_trusted = _is_trusted(path)
    with path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
        file.seek(0)
        if is_archive:
            check_archive(path)
        if not is_trusted:
            _check_pickles(file, is_archive)
    if is_trusted:
        return torch.load(path, map_location=map_location, weights_only=False)
    with torch.serialization.safe_globals(allowed_globals()):
        return restore(torch.load(path, map_location=map_location, weights_only=True))


def _check_pickles(file: IO[bytes], is_archive: bool) -> None:
    if not is_archive:
        for _ in range(_NUM_PICKLES):
            check_pickle(file)
        return
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.lower().endswith("/data.pkl"):  # as torch compares names
                with archive.open(name) as pickled:
                    check_pickle(pickled)


def _is_trusted(path: Path) -> bool:
    names = filter(None, os.environ.get(TRUST, "").split(os.pathsep))
    if path.resolve() in {Path(name).expanduser().resolve() for name in names}:
        print_log(f"{TRUST} names {path}: it may run code", "current", logging.WARNING)
        return True
    return False


def _refusal(filename: str, path: Path, start: bytes, error: Exception) -> ValueError:
    found = _REFUSED.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
    if found is not None:
        return ValueError(
            f"checkpoint {filename!r} holds {found[1][:NUM_REASON]!r}, which is neither a tensor, "
            "a plain value, a numpy array of numbers nor a log history of MMEngine. It is refused "
            "because restoring it could run code hidden in the file. If you trust whoever made it "
            f"with everything that you may do on this machine, set {TRUST}={path.absolute()} in "
            f"the environment (several: separated by {os.pathsep!r}): that file may then run code"
        )
    if isinstance(error, MemoryError) or _OF_THE_MACHINE.search(str(error)):
        return ValueError(f"checkpoint {filename!r} cannot be read{_reason(error)}")
    size = f"{path.stat().st_size} bytes"
    if isinstance(error, zipfile.BadZipFile):
        return ValueError(
            f"checkpoint {filename!r} is damaged or no checkpoint ({size}{_reason(error)}): a "
            "download or a write that was cut off leaves such a file. Copy it again, or use an "
            "earlier checkpoint"
        )
    if not start.startswith(b"PK"):
        size = f"{size} that begin with {start[:NUM_FIRST_BYTES]!r}"
    return ValueError(
        f"checkpoint {filename!r} cannot be read: {size}{_reason(error)}. {guess_kind(path, start)}"
    )


def _reason(error: Exception) -> str:
    """Return what an error says, but for torch's advice to switch the protection off."""
    text = str(error).strip().partition("\n")[0]
    if "weights_only" in text or "Weights only" in text:
        return ""
    return f"; {type(error).__name__}: {text[:NUM_REASON]}"


def guess_kind(path: Path, start: bytes) -> str:
    """Return what a file that is no checkpoint probably is; an archive is whole.

    Args:
        path: The file.
        start: Its first 265 bytes.
    """
    if start.lstrip().startswith(b"<"):
        return (
            "It is probably a web page saved in place of the file, for instance a login or an "
            "error page: open it with a browser, and download the checkpoint again"
        )
    if start.startswith(b"version https://git-lfs"):
        return "It is a pointer of Git LFS, not the file itself: run git lfs pull"
    if start.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                return (
                    "It is a TorchScript program, as torch.jit.save writes it, and no weights: "
                    "save dict(state_dict=...) of the model with torch.save instead"
                )
        return "Its checksums are right, but what it holds is not as torch.save writes it"
    if start[257:262] == b"ustar":
        return (
            "It is a tar archive, as torch wrote checkpoints before 2017: save "
            "dict(state_dict=...) with torch.save instead, or unpack it if it holds the checkpoint"
        )
    if start[:1] == b"\x80":
        return (
            "It is probably a plain pickle, as pickle.dump or old tools write it: save "
            "dict(state_dict=...) with torch.save instead. Or it is damaged: copy it again"
        )
    return "It is probably another kind of file or damaged: torch.save writes checkpoints"
