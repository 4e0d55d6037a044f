"""Checkpoints behind web addresses: downloaded whole or not at all, and kept by their address."""

from __future__ import annotations

import hashlib
import http.client
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.logging import print_log

from mmctl.checkpoints.checkpoint_reading import NUM_FIRST_BYTES, guess_kind, load_from_local_safely
from mmctl.checkpoints.last_checkpoint import find_fault
from mmctl.files import FULL_DISK_CODES, open_atomically

TIMEOUT = 60.0
"""Seconds that a server may be silent."""

_HASH = re.compile(r"-(?!(?:19|20)\d{6}\.)([0-9a-f]{8,64})\.")
"""The beginning of a file's SHA-256 in its name, as torchvision has it; a date is none."""


def load_from_http_safely(
    filename: str,
    map_location: str | torch.device | Callable | None = None,
    model_dir: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Download a checkpoint unless it is in the cache, and read it as a local file.

    The cache has a folder for each address, so that files of one name do not answer for each
    other; a file that another program put into it under its bare name counts if that name has the
    beginning of its hash. Of several processes the first downloads.

    Args:
        filename: Address, ``http://`` or ``https://``.
        map_location: As for :func:`torch.load`.
        model_dir: Folder of the cache; by default ``checkpoints`` in that of ``torch.hub``.
        progress: Whether to show the download.

    Returns:
        What was saved.

    Raises:
        ValueError: If it cannot be downloaded, is no whole checkpoint, or as for
            :func:`load_from_local_safely`.
    """
    folder = Path(model_dir) if model_dir else Path(torch.hub.get_dir()) / "checkpoints"
    if is_main_process():
        fetch(filename, folder, progress=progress)
    barrier()
    path = fetch(filename, folder, progress=progress)  # on the other machines
    return load_from_local_safely(str(path), map_location)


def fetch(address: str, folder: Path, *, progress: bool = False) -> Path:
    """Return the file of a web address, from the cache if it is there and whole.

    Args:
        address: ``http://`` or ``https://``.
        folder: Folder of the cache; made if need be.
        progress: Whether to show the download.

    Raises:
        ValueError: If the server cannot be reached or sends another file than it says.
    """
    name = Path(urlparse(address).path).name[-100:] or "checkpoint"
    bare = folder / name
    if _HASH.search(name) and bare.is_file() and _find_fault(bare, name) is None:
        return bare
    cached = folder / hashlib.sha256(address.encode()).hexdigest()[:16] / name
    if cached.is_file() and _find_fault(cached, name) is None:
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    print_log(f"Downloading {address} to {cached}", logger="current")
    with open_atomically(cached, "wb") as file:
        try:
            _download(address, file, progress)
            file.flush()
            fault = _find_fault(Path(file.name), name)
        except (http.client.HTTPException, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in FULL_DISK_CODES:
                raise
            fault = f"{type(error).__name__}: {error}"
        if fault is not None:
            raise ValueError(
                f"checkpoint {address} cannot be downloaded: {fault}. Nothing of it is kept. Try "
                "again, or get the file in another way and give its path instead of the address"
            )
    return cached


def _download(address: str, file: IO[bytes], progress: bool) -> None:
    request = Request(address, headers={"User-Agent": "mmctl"})
    with urlopen(request, timeout=TIMEOUT) as answer:
        declared = answer.headers.get("Content-Length")
        with torch.hub.tqdm(
            total=int(declared) if declared else None,
            disable=not progress,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
        ) as bar:
            while chunk := answer.read(1 << 20):
                file.write(chunk)
                bar.update(len(chunk))
    if declared is not None and file.tell() != int(declared):
        raise ValueError(f"{file.tell():,} of {int(declared):,} bytes came")


def _find_fault(path: Path, name: str) -> str | None:
    """Return why a file is not the checkpoint of a name, None if it may be."""
    with path.open("rb") as file:
        start = file.read(265)
    if start.startswith(b"PK"):
        fault = find_fault(path)
        if fault is not None:
            return f"it is no whole file ({fault})"
    elif start[:1] != b"\x80" and start[257:262] != b"ustar":  # what torch wrote before 1.6
        begin = start[:NUM_FIRST_BYTES]
        return f"{path.stat().st_size} bytes that begin with {begin!r}. {guess_kind(path, start)}"
    wanted = _HASH.search(name)
    if wanted is not None:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        found = digest.hexdigest()
        if not found.startswith(wanted[1]):
            return f"its SHA-256 must begin with {wanted[1]}, as its name says, got {found[:16]}..."
    return None


def naming_unknown(load: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Let a reader of ``torchvision://`` and the like say which names it knows.

    Args:
        load: One of MMEngine's, which raises a bare KeyError.
    """

    @wraps(load)
    def load_or_name(filename: str, map_location: Any = None) -> dict[str, Any]:
        try:
            return load(filename, map_location=map_location)
        except KeyError as error:
            scheme = filename.partition("://")[0]
            raise ValueError(
                f"checkpoint {filename!r} must be a name that {scheme}:// knows; there is no "
                f"{error.args[0]!r}"
            ) from error

    return load_or_name
