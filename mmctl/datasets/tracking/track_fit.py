"""Do the boxes of a track file fit the video: same video, same size, same meaning of numbers?

Boxes that do not fit still are numbers, and cropping them gives pictures of something else. What
cannot be right is an error; what is right of some videos, and a mistake more often, is a warning.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.track_boxes import TrackBoxes

TINY_SIDE = 2.0
"""Pixels. No tracker finds persons this small; sides as shares of the frame are below 1."""

OUTSIDE_SHARE = 0.5
"""Boxes wholly outside of the frame: a tracker that guesses on where somebody left makes a few."""

BEYOND_SHARE = 0.05
"""Boxes with more than half of their area outside: people are half gone for a few frames only."""

PARTLY_SHARE = 0.3
"""Boxes with more than a tenth of their area outside: whole bodies at the edges of a close view are
so, too; and those that are given by their centre and were read as if by a corner."""

OVERFLOW, OVERFLOW_SHARE = 0.05, 0.1
"""Corners taken for sides make boxes twice as large: some run out of the frame by this area."""

REACH = 0.7
"""Boxes that stay in this part of width and height, from the upper left: those of 1280x720 in a
video of 1920x1080 reach 0.67. People of a whole video come to one of the far edges as a rule."""

LAST_FRAME = 0.55
"""Tracks that end in this part of the video, as those of every second frame do."""

CORNER_SHARE = 0.98
"""Boxes whose third and fourth number exceed the first two: all of them if they are right and
bottom; of widths and heights only those in the upper left corner do."""

Boxes = npt.NDArray[np.float64]
Column = npt.NDArray[np.float64]


def check_fit(boxes: TrackBoxes, source: FrameSource, first_frame: int) -> list[str]:
    """Compare the boxes of a camera with its frames.

    Args:
        boxes: The tracker's output.
        source: The frames.
        first_frame: What the tracker calls the first one.

    Returns:
        Warnings, with counts and the likely reason.

    Raises:
        ValueError: If the boxes are no pixels, are corners where widths should be, or lie outside
            of the frame for the most part.
    """
    sides = boxes.boxes[:, 2:]
    if np.median(sides.max(axis=1)) <= TINY_SIDE:
        raise ValueError(
            f"{boxes.path}: boxes must be in pixels, but half of the {len(sides):,} are at most "
            f"{TINY_SIDE:g} pixels wide and high, as shares of the frame (0 to 1) are, the first "
            f"one is {boxes.boxes[0].tolist()}"
        )
    # (n,)
    beyond = _share_beyond(boxes.boxes, source.size)
    return [
        *_check_corners(boxes, source, beyond),
        *_check_outside(boxes, source, beyond),
        *_check_reach(boxes, source, first_frame),
    ]


def _check_corners(boxes: TrackBoxes, source: FrameSource, beyond: Column) -> list[str]:
    """Refuse boxes whose sides are corners, or doubt them."""
    if boxes.is_layout_named or not _can_be_corners(boxes.boxes, source.size):
        return []
    text = (
        f"{boxes.path}: the third and fourth number of (nearly) every box exceed the first two, as "
        f"right and bottom do, not width and height; --boxes ltrb reads them so, --boxes ltwh as "
        f"width and height, the first one is {boxes.boxes[0].tolist()}"
    )
    # With corners for sides boxes run out of the frame, or grow as they move.
    if (beyond > OVERFLOW).mean() > OVERFLOW_SHARE or _sides_follow_edges(boxes):
        raise ValueError(text)
    return [text]


def _check_outside(boxes: TrackBoxes, source: FrameSource, beyond: Column) -> list[str]:
    """Refuse boxes that lie outside of the frame for the most part, or doubt them."""
    height, width = source.size
    half, tenth, outside = beyond > 0.5, beyond > 0.1, beyond >= 1
    num_tracks = len(np.unique(boxes.tracks))
    lost = num_tracks - len(np.unique(boxes.tracks[~outside]))
    text = (
        f"{boxes.path}: {half.sum():,} of {len(beyond):,} boxes lie by more than half outside of "
        f"the frames of {source.path}, {width}x{height} pixels (width x height), {tenth.sum():,} "
        f"by more than a tenth, {lost:,} of {num_tracks:,} tracks wholly; "
        f"{_likely_reason(boxes.boxes, source.size)}"
    )
    if outside.mean() > OUTSIDE_SHARE:
        raise ValueError(text)
    is_odd = half.mean() > BEYOND_SHARE or tenth.mean() > PARTLY_SHARE or lost
    return [text] if is_odd else []


def _check_reach(boxes: TrackBoxes, source: FrameSource, first_frame: int) -> list[str]:
    """Return warnings of boxes that use a part of the video only."""
    warnings = []
    right, bottom = _far_corner(boxes.boxes)
    height, width = source.size
    if right <= REACH * width and bottom <= REACH * height:
        warnings.append(
            f"{boxes.path}: boxes reach to {right:.6g}x{bottom:.6g} only in frames of "
            f"{width}x{height} pixels (width x height): are they of a smaller copy of "
            f"{source.path}?"
        )
    last = int(boxes.frames.max()) - first_frame + 1
    if last <= LAST_FRAME * source.num_frames:
        warnings.append(
            f"{boxes.path}: tracks end at frame {last:,} of {source.num_frames:,} in "
            f"{source.path}: are they of a shorter copy, or of every second frame?"
        )
    return warnings


def _share_beyond(ltwh: Boxes, size: tuple[int, int]) -> Column:
    """Return the share of each box's area that lies outside of the frame, (n,)."""
    visible = np.ones(len(ltwh))
    for axis, limit in enumerate(size[::-1]):
        low, side = ltwh[:, axis], ltwh[:, axis + 2]
        visible *= ((low + side).clip(0, limit) - low.clip(0, limit)) / side
    return 1 - visible


def _can_be_corners(ltwh: Boxes, size: tuple[int, int]) -> bool:
    """Return whether the last two numbers can be right and bottom, and hardly sides."""
    exceed = (ltwh[:, 2:] > ltwh[:, :2]).all(axis=1) & (ltwh[:, :2] > 0).any(axis=1)
    inside = _share_beyond(_from_corners(ltwh), size) <= 0.5
    return bool(exceed.mean() >= CORNER_SHARE and inside.mean() >= CORNER_SHARE)


def _from_corners(ltrb: Boxes) -> Boxes:
    return np.concatenate([ltrb[:, :2], (ltrb[:, 2:] - ltrb[:, :2]).clip(min=1e-9)], axis=1)


def _sides_follow_edges(boxes: TrackBoxes) -> bool:
    """Return whether the last two numbers change within tracks as the first two do."""
    order = np.lexsort((boxes.frames, boxes.tracks))
    same = np.diff(boxes.tracks[order]) == 0
    # (m, 4) from box to box of a track
    steps = np.diff(boxes.boxes[order], axis=0)[same]
    apart = np.abs(steps[:, 2:] - steps[:, :2]).sum()
    return bool(np.abs(steps[:, :2]).sum() > 0 and apart < np.abs(steps[:, 2:]).sum())


def _likely_reason(ltwh: Boxes, size: tuple[int, int]) -> str:
    (height, width), (right, bottom) = size, _far_corner(ltwh)
    reach = f"they reach to {right:.6g}x{bottom:.6g}"
    if right <= height * 1.05 and bottom <= width * 1.05:
        return f"{reach}: was the video on its side when it was tracked?"
    return f"{reach}: are they of a larger copy or another video, or is a box not left, top, ...?"


def _far_corner(ltwh: Boxes) -> tuple[float, float]:
    corner = (ltwh[:, :2] + ltwh[:, 2:]).max(axis=0)
    return float(corner[0]), float(corner[1])
