"""Stored keypoints and heatmaps: one array per data set, and a header that says what it is.

``info/keypoints.npy`` is a memory-mapped array with a row per frame, ``info/keypoints.json``
beside it the header. An array without one is a user's own; an array whose header names other frames
than the data set's is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from numpy.typing import NDArray

from mmctl.datasets.keypoints.keypoint_header import (
    ArrayHeader,
    check_place,
    hash_frame_list,
    header_path,
    read_header,
)
from mmctl.files import map_npy, open_atomically, shorten, write_whole
from mmctl.structures import NUM_KEYPOINTS

_warned: set[str] = set()


def write_stored_array(path: Path, array: NDArray[Any], header: ArrayHeader) -> None:
    """Write an array and its header; a kill at any moment leaves no array with another's header.

    Args:
        path: The ``.npy`` file; its folder is made.
        array: float32 (frames, 17, 3) or float16 (frames, 17, h, w).
        header: What it is.

    Raises:
        DiskFullError: If the disk is full; what was there before is kept.
        ValueError: If a file that is no header is in the header's place.
    """
    assert len(array) == header.num_frames
    write_stored_blocks(path, [array], header)


def write_stored_blocks(path: Path, blocks: Iterable[NDArray[Any]], header: ArrayHeader) -> None:
    """Write an array that comes in blocks of rows; otherwise as :func:`write_stored_array`.

    Args:
        path: The ``.npy`` file; its folder is made.
        blocks: The rows in their order, at least one block.
        header: What they are together.
    """
    check_place(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_atomically(path, "wb") as file:
        for number, block in enumerate(blocks):
            if number == 0:
                layout = np.lib.format.header_data_from_array_1_0(block[:0])
                layout["shape"] = (header.num_frames, *block.shape[1:])
                np.lib.format.write_array_header_1_0(file, layout)
            file.write(block.tobytes())
        header_path(path).unlink(missing_ok=True)
    write_whole(header_path(path), header.to_bytes())


def open_keypoint_array(path: str) -> np.ndarray:
    """Map a keypoint array without reading it.

    Args:
        path: The ``.npy`` file.

    Returns:
        The read-only memory map, (n, 17, 3) float32.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no whole ``.npy`` file, or of another type or shape.
    """
    array = map_npy(path, "keypoint file")
    if array.ndim != 3 or array.shape[1:] != (NUM_KEYPOINTS, 3) or array.dtype != np.float32:
        raise ValueError(
            f"keypoint file {path} must hold float32 (number of frames, {NUM_KEYPOINTS}, 3): x, y "
            f"and score of each joint in each frame, got {array.dtype} {array.shape}"
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
        ValueError: If it is no whole ``.npy`` file, or of another type or shape.
    """
    array = map_npy(path, "heatmap file")
    if array.ndim != 4 or array.shape[1] != NUM_KEYPOINTS or array.dtype != np.float16:
        raise ValueError(
            f"heatmap file {path} must hold float16 (number of frames, {NUM_KEYPOINTS}, h, w): a "
            f"map of each joint in each frame, got {array.dtype} {array.shape}"
        )
    return array


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
            f"{shorten(header.num_frames)}: one of the two comes from elsewhere"
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
