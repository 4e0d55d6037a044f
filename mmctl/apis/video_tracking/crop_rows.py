"""What is known of each crop, written as it comes and read back by tracklet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.structures import NUM_KEYPOINTS

ROW = np.dtype(
    [
        ("track", np.int64),
        ("piece", np.int64),
        ("position", np.int64),
        ("time", np.float64),
        ("box", np.float64, (4,)),
        ("quality", np.float64),
        ("keypoints", np.float32, (NUM_KEYPOINTS, 3)),
    ]
)
"""A crop: its tracklet, its frame's position and seconds (NaN: unknown), the box in the frame, the
quality, and joints in pixels of the crop."""

Rows = npt.NDArray[Any]
"""(n,) of :data:`ROW`."""


def read_tracklets(path: Path) -> Iterator[Rows]:
    """Yield the rows of each tracklet, by track and piece, each in the order of time.

    Args:
        path: A file of rows, one after the other.
    """
    if not path.stat().st_size:
        return
    rows = np.memmap(path, ROW, "r")
    order = np.lexsort((rows["position"], rows["piece"], rows["track"]))
    track, piece = rows["track"][order], rows["piece"][order]
    starts = 1 + np.flatnonzero((np.diff(track) != 0) | (np.diff(piece) != 0))
    for index in np.split(order, starts):
        yield np.array(rows[index])
