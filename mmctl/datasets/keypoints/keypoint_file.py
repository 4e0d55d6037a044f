"""Stored keypoints and heatmaps: one array per data set, and a header that says what it is.

``info/keypoints.npy`` is a memory-mapped array with a row per frame, ``info/keypoints.json``
beside it the header. An array without one is a user's own; an array whose header names other frames
than the data set's is refused.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Sequence
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
from mmctl.files import map_npy, write_whole
from mmctl.structures import NUM_KEYPOINTS

_warned: set[str] = set()


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
