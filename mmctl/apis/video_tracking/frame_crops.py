"""Which persons of a frame get a crop, and what is known of each crop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmctl.apis.video_tracking.crop_rows import ROW, Rows
from mmctl.datasets.frame_quality import (
    combine_ratings,
    rate_borders,
    rate_heights,
    rate_keypoints,
    rate_overlaps,
    rate_sharpness,
)
from mmctl.datasets.tracking.crop_places import CropPlaces, move_into_crops
from mmctl.datasets.tracking.track_plan import TrackSettings
from mmctl.models.detectors.detector import Frame
from mmctl.structures import Detections

IntArray = npt.NDArray[np.int64]


def choose_boxes(
    found: Detections, rectangles: IntArray, settings: TrackSettings, dropped: Counter[str]
) -> IntArray:
    """Return which persons of a frame get a crop.

    Args:
        found: The persons.
        rectangles: Left, top, right and bottom of what is visible of each, (n, 4).
        settings: What is kept.
        dropped: Counts the others by the reason.
    """
    # (n, 2) width and height
    sides = rectangles[:, 2:] - rectangles[:, :2]
    least = settings.min_confidence
    keep = np.ones(len(found), dtype=bool)
    for reason, wrong in (
        (f"confidence below {least:g}", found.scores < least),
        ("outside of the frame", (sides <= 0).any(axis=1)),
        ("too small", (sides[:, ::-1] < settings.min_size).any(axis=1)),
    ):
        dropped[reason] += int((keep & wrong).sum())
        keep &= ~wrong
    return np.flatnonzero(keep)


def rate_crops(frame: Frame, found: Detections, rectangles: IntArray, keep: IntArray) -> Rows:
    """Say of each crop of a frame whose it is and how good.

    Args:
        frame: The frame, RGB.
        found: All persons in it, with tracks.
        rectangles: Left, top, right and bottom of what is visible of each, (n, 4).
        keep: Who gets a crop, (m,).

    Returns:
        A row for each crop, in which piece, position and time are missing.
    """
    chosen, visible = found.select(keep), rectangles[keep]
    assert chosen.tracks is not None
    rows = np.zeros(len(keep), ROW)
    rows["track"], rows["box"] = chosen.tracks, chosen.boxes
    crops = [frame[top:bottom, left:right] for left, top, right, bottom in visible.tolist()]
    if chosen.keypoints is not None:
        # (m, 2) height and width
        sizes = (visible[:, 2:] - visible[:, :2])[:, ::-1]
        places = CropPlaces(visible[:, :2].astype(np.float64), np.ones((len(keep), 2)), sizes)
        rows["keypoints"] = move_into_crops(chosen.keypoints, places)
    # Who has no crop may stand before somebody who has.
    overlaps = rate_overlaps(found.boxes)[keep]
    rows["quality"] = _rate(chosen, crops, (frame.shape[0], frame.shape[1]), overlaps)
    return rows


def _rate(
    found: Detections, crops: Sequence[Frame], size: tuple[int, int], overlaps: np.ndarray
) -> np.ndarray:
    """Return the quality of each crop of a frame, (n,)."""
    ratings = [
        rate_heights(found.boxes[:, 3]),
        rate_borders(found.boxes, size),
        overlaps,
        np.array([rate_sharpness(crop) for crop in crops]),
    ]
    if found.keypoints is not None:
        ratings += rate_keypoints(found.keypoints)
    return combine_ratings(*[rating.clip(0, 1) for rating in ratings])
