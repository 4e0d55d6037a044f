"""The header of an array of stored keypoints or heatmaps: what it is, and of which frames."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from mmctl.files import read_json, to_record

FORMAT_VERSION = 1
"""Raised whenever the same header means another array than before."""

COORDINATES = "pixels of the stored frame, integers are pixel centres"
KINDS = ("keypoints", "heatmaps")

_NAMES_PER_CHUNK = 65536


@dataclass(frozen=True)
class ArrayHeader:
    """What an array of stored keypoints or heatmaps is.

    Attributes:
        kind: ``'keypoints'``, float32 (frames, 17, 3), or ``'heatmaps'``, float16
            (frames, 17, h, w).
        num_frames: Rows of the array.
        frame_list_sha256: :func:`hash_frame_list` of the frames that the rows belong to.
        estimator: What made it, in words.
        checkpoint: File name of the estimator's checkpoint.
        weights_sha256: Hash of the estimator's weights.
        frame_size: Height and width to which frames were brought for the estimator.
        input_size: Height and width that the estimator resized those to; None: not at all.
        flip_test: Whether the estimator averaged over the mirrored frames.
        mixed_precision: Whether the estimator ran in mixed precision.
        map_size: Height and width of a stored heatmap.
        coordinates: The frame of reference of x and y.
        format_version: Version of this header.
    """

    kind: str
    num_frames: int
    frame_list_sha256: str
    estimator: str
    checkpoint: str | None = None
    weights_sha256: str | None = None
    frame_size: tuple[int, int] | None = None
    input_size: tuple[int, int] | None = None
    flip_test: bool = False
    mixed_precision: bool = False
    map_size: tuple[int, int] | None = None
    coordinates: str = COORDINATES
    format_version: int = FORMAT_VERSION

    def to_bytes(self) -> bytes:
        """Return the bytes of the header's file; equal headers are equal bytes."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode("utf-8")


def hash_frame_list(names: Sequence[str]) -> str:
    """Return the SHA-256 of frame names in the order of the rows.

    Args:
        names: Paths of all frames of a data set, relative to its ``data_root``, with ``/``.
    """
    digest = hashlib.sha256()
    for start in range(0, len(names), _NAMES_PER_CHUNK):
        chunk = names[start : start + _NAMES_PER_CHUNK]
        digest.update("".join(f"{name}\n" for name in chunk).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def header_path(array_path: str | Path) -> Path:
    """Return where the header of an array is."""
    return Path(array_path).with_suffix(".json")


def read_header(array_path: str | Path) -> ArrayHeader | None:
    """Read the header of an array.

    Args:
        array_path: The ``.npy`` file.

    Returns:
        The header, None if there is none.

    Raises:
        ValueError: If the header is no JSON object, lacks a key, has an unknown one or a value of
            another type, or is of another format version or kind than this package knows.
    """
    path = header_path(array_path)
    try:
        content = read_json(path, "header")
    except FileNotFoundError:
        return None
    return parse_header(content, f"header {path}")


def parse_header(content: Any, place: str) -> ArrayHeader:
    """Return the header that was read from JSON.

    Args:
        content: What was parsed.
        place: Where it is from, for the message, as ``'header a.json'``.

    Raises:
        ValueError: As in :func:`read_header`.
    """
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{place} must have format_version {FORMAT_VERSION}, because only that is known here, "
            f"got {reprlib.repr(version)}"
        )
    for field in fields(ArrayHeader):
        if field.name not in content:
            raise ValueError(f"{place} lacks the key {field.name!r}; is it the header of an array?")
    header = to_record(ArrayHeader, content, place)
    for key, known in (("kind", KINDS), ("coordinates", (COORDINATES,))):
        if getattr(header, key) not in known:
            expected = " or ".join(map(repr, known))
            raise ValueError(f"{place}: {key!r} must be {expected}, got {getattr(header, key)!r}")
    for key in ("frame_size", "input_size", "map_size"):
        size = getattr(header, key)
        if size is not None and min(size) < 1:
            raise ValueError(f"{place}: {key!r} must be [height, width], got {list(size)}")
    return header


def check_place(array_path: Path) -> None:
    """Refuse a place where the header would replace somebody's file that is no header.

    Args:
        array_path: Where an array is to be written.

    Raises:
        ValueError: If there is such a file.
    """
    path = header_path(array_path)
    try:
        content = read_json(path, "header")
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or "format_version" not in content:
        raise ValueError(
            f"{path} must be free for the header of {array_path.name}, but holds something else: "
            "move it or choose another place with --out"
        )
