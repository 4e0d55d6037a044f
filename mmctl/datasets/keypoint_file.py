"""Stored keypoints and heatmaps: one array per data set, and a header that says what it is.

``info/keypoints.npy`` is a memory-mapped array with a row per frame, ``info/keypoints.json``
beside it the header. An array without one is a user's own; an array whose header names other frames
than the data set's is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmctl.files import write_whole
from mmctl.structures import NUM_KEYPOINTS

FORMAT_VERSION = 1
"""Raised whenever the same header means another array than before."""

COORDINATES = "pixels of the stored frame, integers are pixel centres"
KINDS = ("keypoints", "heatmaps")

_NAMES_PER_CHUNK = 65536
_warned: set[str] = set()


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
        ValueError: If the header is no JSON object, lacks a key, has an unknown one, or is of
            another format version or kind than this package knows.
    """
    path = header_path(array_path)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"header {path} cannot be read as JSON: {error}") from error
    _check_header(path, content)
    for key in ("frame_size", "input_size", "map_size"):
        content[key] = None if content[key] is None else tuple(content[key])
    return ArrayHeader(**content)


def _check_header(path: Path, content: Any) -> None:
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise ValueError(
            f"header {path} must have format_version {FORMAT_VERSION}, because only that is known "
            f"here, got {version!r}"
        )
    expected = {field.name for field in fields(ArrayHeader)}
    odd = sorted(expected ^ set(content))
    if odd:
        state = "lacks" if odd[0] in expected else "has the unknown"
        raise ValueError(f"header {path} {state} key {odd[0]!r}; is it the header of an array?")
    for key in ("frame_size", "input_size", "map_size"):
        value = content[key]
        if value is not None and not (isinstance(value, list) and len(value) == 2):
            raise ValueError(f"header {path}: {key!r} must be [height, width], got {value!r}")
    for key, value in (("kind", KINDS), ("coordinates", (COORDINATES,))):
        if content[key] not in value:
            known = " or ".join(map(repr, value))
            raise ValueError(f"header {path}: {key!r} must be {known}, got {content[key]!r}")


def check_place(array_path: Path) -> None:
    """Refuse a place where the header would replace somebody's file that is no header.

    Args:
        array_path: Where an array is to be written.

    Raises:
        ValueError: If there is such a file.
    """
    path = header_path(array_path)
    if not path.exists():
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "format_version" not in content:
        raise ValueError(
            f"{path} must be free for the header of {array_path.name}, but holds something else: "
            "move it or choose another place with --out"
        )


def write_stored_array(path: Path, array: NDArray[Any], header: ArrayHeader) -> None:
    """Write an array and its header; a kill at any moment leaves no array with another's header.

    Args:
        path: The ``.npy`` file; its folder is made.
        array: float32 (frames, 17, 3) or float16 (frames, 17, h, w).
        header: What it is.

    Raises:
        DiskFullError: If the disk is full; what was there before is kept, its header is not.
        ValueError: If a file that is no header is in the header's place.
    """
    assert len(array) == header.num_frames
    check_place(path)
    buffer = io.BytesIO()
    np.save(buffer, array)
    path.parent.mkdir(parents=True, exist_ok=True)
    header_path(path).unlink(missing_ok=True)
    write_whole(path, buffer.getvalue())
    write_whole(header_path(path), header.to_bytes())


def publish_array(source: Path, path: Path, header: ArrayHeader) -> None:
    """Move a finished array to its place, with its header; repeating a killed call completes it.

    Args:
        source: The finished ``.npy`` file on the same disk, or gone if it was moved already.
        path: Its place.
        header: What it is.

    Raises:
        FileNotFoundError: If the finished array is in neither place; what is in its place stays.
    """
    if source.exists():
        header_path(path).unlink(missing_ok=True)
        os.replace(source, path)
    elif not path.exists() or read_header(path) not in (None, header):
        raise FileNotFoundError(
            f"{source} must be there to become {path}, but something else has removed it: run the "
            "same command again"
        )
    # Beside the source, where what a kill leaves is nobody's data set.
    written = header_path(source)
    written.write_bytes(header.to_bytes())
    os.replace(written, header_path(path))


def open_keypoint_array(path: str) -> np.ndarray:
    """Map a keypoint array without reading it.

    Args:
        path: The ``.npy`` file.

    Returns:
        The read-only memory map, (n, 17, 3) float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ``.npy`` file, or of another type or shape.
    """
    array = _map_array(path, "keypoint")
    shape = getattr(array, "shape", None)
    expected = (NUM_KEYPOINTS, 3)
    if shape is None or len(shape) != 3 or shape[1:] != expected or array.dtype != np.float32:
        raise ValueError(
            f"keypoint file {path} must hold float32 (number of frames, {NUM_KEYPOINTS}, 3): x, y "
            f"and score of each joint in each frame, got {getattr(array, 'dtype', type(array))} "
            f"{shape}"
        )
    return array


def open_heatmap_array(path: str) -> np.ndarray:
    """Map a heatmap array without reading it.

    Args:
        path: The ``.npy`` file.

    Returns:
        The read-only memory map, (n, 17, h, w) float16.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no ``.npy`` file, or of another type or shape.
    """
    array = _map_array(path, "heatmap")
    shape = getattr(array, "shape", None)
    if shape is None or len(shape) != 4 or shape[1] != NUM_KEYPOINTS or array.dtype != np.float16:
        raise ValueError(
            f"heatmap file {path} must hold float16 (number of frames, {NUM_KEYPOINTS}, h, w): a "
            f"map of each joint in each frame, got {getattr(array, 'dtype', type(array))} {shape}"
        )
    return array


def _map_array(path: str, what: str) -> Any:
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"{what} file {path} does not exist; make it first or leave {what}_file out"
        )
    try:
        return np.load(path, mmap_mode="r")
    except (ValueError, EOFError) as error:
        raise ValueError(f"{what} file {path} is not a whole .npy array: {error}") from error


def check_belongs(
    path: str, kind: str, num_rows: int, frame_names: Callable[[], Sequence[str]]
) -> None:
    """Refuse an array whose header names another kind, or other frames than a data set's.

    An array without header is accepted, with one warning in each process.

    Args:
        path: The array.
        kind: ``'keypoints'`` or ``'heatmaps'``.
        num_rows: Rows of the array.
        frame_names: Returns the data set's frames in the order of the rows.

    Raises:
        ValueError: If it does not belong to the data set, or its header is malformed.
    """
    header = read_header(path)
    if header is None:
        _warn_once(path)
        return
    place = f"{kind.removesuffix('s')} file {path}"
    if header.kind != kind:
        raise ValueError(
            f"{place} must hold {kind}, but its header {header_path(path)} says {header.kind}"
        )
    if header.num_frames != num_rows:
        raise ValueError(
            f"{place} has {num_rows} rows, but its header {header_path(path)} says "
            f"{header.num_frames}: one of the two comes from elsewhere"
        )
    names = frame_names()
    if header.num_frames != len(names) or header.frame_list_sha256 != hash_frame_list(names):
        raise ValueError(
            f"{place} was made for other frames (by {header.estimator!r}): its header names a list "
            f"of {header.num_frames} frames with SHA-256 {header.frame_list_sha256[:12]}..., the "
            f"data set's has {len(names)} frames and {hash_frame_list(names)[:12]}..."
        )


def _warn_once(path: str) -> None:
    if path not in _warned:
        _warned.add(path)
        print_log(
            f"{path} has no header {header_path(path).name} beside it, so nobody can tell whether "
            "it belongs to this data set; it is taken because its rows fit",
            logger="current",
            level=logging.WARNING,
        )
