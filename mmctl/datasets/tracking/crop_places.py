"""Where crops lie in the frames that they were cut from, and joints that move into them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ROUNDING = 1
"""Pixels by which a crop may differ from its box where another program rounded otherwise."""

_LARGEST = 2**31


@dataclass(frozen=True)
class CropPlaces:
    """Crops in the frames of a camera.

    Attributes:
        origins: Left and upper edge of each crop in pixels of the frame, (n, 2); negative where the
            crop was padded.
        scales: Pixels of the crop per pixel of the frame, across and down, (n, 2).
        sizes: Height and width of each crop, (n, 2).
    """

    origins: npt.NDArray[np.float64]
    scales: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]

    def select(self, index: npt.NDArray[np.int64]) -> CropPlaces:
        """Return some of them.

        Args:
            index: Which.
        """
        return CropPlaces(self.origins[index], self.scales[index], self.sizes[index])


def whole_edges(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Round edges to whole pixels; pixel j covers [j, j + 1).

    Args:
        boxes: Left, top, width and height in pixels, (n, 4).

    Returns:
        Left, top, right and bottom, the latter two exclusive, (n, 4).
    """
    edges = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    return np.floor(edges + 0.5).clip(-_LARGEST, _LARGEST).astype(np.int64)


def locate_crops(
    boxes: npt.NDArray[np.float64],
    sizes: npt.NDArray[np.int64],
    frame_size: tuple[int, int] | None,
    names: Sequence[str],
) -> CropPlaces:
    """Find out how crops were cut, from their boxes and their sizes.

    A crop is what the frame shows of the box; or all of the box, padded beyond the frame; or, where
    it has another size than either, what the frame shows, resized.

    Args:
        boxes: Left, top, width and height in pixels of the frame, (n, 4).
        sizes: Height and width of each crop, (n, 2).
        frame_size: Height and width of the frames; None: not known.
        names: What each crop is called, for messages.

    Raises:
        ValueError: If a box lies outside of the frame, or crops must have been resized and nobody
            knows the size of the frames, which says how much of a box was resized.
    """
    edges = whole_edges(boxes)
    # (n, 2), all of these: across, down
    crops, low = sizes[:, ::-1].astype(np.int64), edges[:, :2].clip(min=0)
    high = edges[:, 2:]
    limits = _find_limits(low, high, crops) if frame_size is None else np.array(frame_size[::-1])
    sides = np.minimum(high, limits) - low
    outside = np.flatnonzero((sides <= 0).any(axis=1))
    if len(outside):
        first = outside[0]
        raise ValueError(
            f"every box must lie in the frame, which is {limits[1]}x{limits[0]} (height x width), "
            f"but that of {names[first]} is {boxes[first].tolist()} (left, top, width, height): "
            "are the poses of frames of another size?"
        )
    is_cut = (np.abs(crops - sides) <= ROUNDING).all(axis=1)
    is_padded = ~is_cut & (np.abs(crops - (high - edges[:, :2])) <= ROUNDING).all(axis=1)
    is_resized = ~(is_cut | is_padded)
    if frame_size is None and is_resized.any():
        first = int(np.flatnonzero(is_resized)[0])
        shown, wanted = ("x".join(map(str, of[first, ::-1])) for of in (crops, high - low))
        raise ValueError(
            f"a crop must have the size of its box, or else --frame-size must say how large the "
            f"frames are, but {names[first]} is {shown} (height x width), and its box {wanted}"
        )
    scales = np.where(is_resized[:, None], crops / sides, 1.0)
    origins = np.where(is_padded[:, None], edges[:, :2], low).astype(np.float64)
    return CropPlaces(origins, scales, sizes)


def _find_limits(low: Array, high: Array, crops: Array) -> Array:
    """Return width and height of the frames by the crops that end before their boxes do."""
    limits = np.full(2, _LARGEST, dtype=np.int64)
    for axis in (0, 1):
        ends = low[:, axis] + crops[:, axis]
        is_short = high[:, axis] - ends > ROUNDING
        if (
            is_short.any()
            and len(np.unique(ends[is_short])) == 1
            and ends.max() <= ends[is_short][0]
        ):
            limits[axis] = ends[is_short][0]
    return limits


def move_into_crops(keypoints: Array, places: CropPlaces) -> npt.NDArray[np.float64]:
    """Move joints from the frame into crops; those outside get score 0.

    Integer coordinates are pixel centres in both: x' = (x + 0.5 - left) * scale - 0.5.

    Args:
        keypoints: x, y, score in pixels of the frame, (n, 17, 3).
        places: The crops, n of them.

    Returns:
        x, y, score in pixels of the crops, scores up to 1, (n, 17, 3).
    """
    moved = keypoints.astype(np.float64)
    moved[..., :2] = (moved[..., :2] + 0.5 - places.origins[:, None]) * places.scales[:, None] - 0.5
    # (n, 1, 2) width and height; the centre of the first pixel is 0
    sides = places.sizes[:, None, ::-1]
    outside = ((moved[..., :2] < -0.5) | (moved[..., :2] > sides - 0.5)).any(axis=2)
    moved[..., 2] = np.where(outside, 0, moved[..., 2].clip(0, 1))
    return moved
