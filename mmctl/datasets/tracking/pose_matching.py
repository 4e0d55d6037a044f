"""Whose pose is it: the persons of a whole frame and the boxes that lie in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

Array = npt.NDArray[Any]

MIN_INSIDE = 0.5
"""Least share of a person's joints that lie within the person's box."""

MIN_OVERLAP = 0.2
"""Least overlap (intersection over union) of the box and the rectangle around the joints."""


def match_poses(keypoints: Array, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Give each box of a frame at most one person, and each person at most one box.

    A person may belong to a box that has at least :data:`MIN_INSIDE` of the joints in it and
    overlaps the rectangle around them by :data:`MIN_OVERLAP`; of all ways to pair them, that whose
    overlaps add up to the most is taken.

    Args:
        keypoints: x, y, score of the persons in pixels of the frame, integers at pixel centres,
            (m, 17, 3); joints of score 0 do not count.
        boxes: Left, top, width and height in pixels of the frame, (n, 4).

    Returns:
        The person of each box, -1 where there is none, (n,).
    """
    matched = np.full(len(boxes), -1, dtype=np.int64)
    if not len(keypoints) or not len(boxes):
        return matched
    inside, overlaps = rate_pairs(keypoints, boxes)
    values = np.where((inside >= MIN_INSIDE) & (overlaps >= MIN_OVERLAP), overlaps, 0)
    persons, places = linear_sum_assignment(values, maximize=True)
    is_pair = values[persons, places] > 0
    matched[places[is_pair]] = persons[is_pair]
    return matched


def rate_pairs(keypoints: Array, boxes: npt.NDArray[np.float64]) -> tuple[Array, Array]:
    """Return which share of each person's joints lies in each box, and the overlap of the two.

    Args:
        keypoints: As in :func:`match_poses`.
        boxes: Likewise.

    Returns:
        Share and intersection over union, (m, n) each.
    """
    seen = keypoints[..., 2] > 0
    # (m, 17, 2) measured from the frame's edge, as boxes are
    points = keypoints[..., :2].astype(np.float64) + 0.5
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    within = ((points[:, :, None] >= low) & (points[:, :, None] <= high)).all(axis=-1)
    counts = seen.sum(axis=1)
    inside = (within & seen[:, :, None]).sum(axis=1) / counts.clip(min=1)[:, None]
    first = np.where(seen[..., None], points, np.inf).min(axis=1)
    last = np.where(seen[..., None], points, -np.inf).max(axis=1)
    first[counts == 0], last[counts == 0] = 0, 0
    common = np.minimum(last[:, None], high) - np.maximum(first[:, None], low)
    shared = common.clip(min=0).prod(axis=-1)
    areas = (last - first).prod(axis=-1)[:, None] + (high - low).prod(axis=-1)
    return inside, shared / (areas - shared)
