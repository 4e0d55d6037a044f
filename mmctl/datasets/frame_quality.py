"""How well a frame of a tracklet shows its person, and which frames are taken for that.

Every rating lies in 0 .. 1, higher is better. The quality of a frame is the geometric mean of the
ratings that are known, so that one very bad rating is not made up for by the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FULL_HEIGHT = 128.0
"""Pixels from which more height shows no more to a network of the usual input size."""

CUT = 0.5
"""Rating of a box at the border: the frame does not say how much of the person lies beyond."""

VISIBLE_SCORE = 0.3
"""Score from which a joint counts as seen."""

SHARP_VARIANCE = 100.0
"""Variance of the Laplacian (grey values of 128x64 pixels) that is rated 0.5."""

LEAST_WEIGHT = 1e-3
"""Weight of a frame of no quality at all: weights must not add up to zero."""

_SIZE = (64, 128)  # width and height that sharpness is compared at
_BORDER = 1.0


def rate_heights(heights: npt.ArrayLike) -> FloatArray:
    """Rate heights in pixels: :data:`FULL_HEIGHT` and more are 1.

    Args:
        heights: Height of each person's box, (S,).
    """
    return np.clip(np.asarray(heights, dtype=np.float64) / FULL_HEIGHT, 0, 1)


def rate_borders(boxes: npt.ArrayLike, size: tuple[int, int]) -> FloatArray:
    """Rate how much of each box the camera's frame shows.

    Args:
        boxes: Left, top, width and height in pixels, (S, 4); they may reach beyond the frame.
        size: Height and width of the camera's frame.

    Returns:
        Share of the area inside of the frame, times :data:`CUT` where an edge is within a pixel of
        the border or beyond it, (S,).
    """
    left, top, width, height = np.asarray(boxes, dtype=np.float64).reshape(-1, 4).T
    right, bottom = left + width, top + height
    inside = (right.clip(0, size[1]) - left.clip(0, size[1])) * (
        bottom.clip(0, size[0]) - top.clip(0, size[0])
    )
    touches = (
        (np.minimum(left, top) < _BORDER)
        | (right > size[1] - _BORDER)
        | (bottom > size[0] - _BORDER)
    )
    return inside / (width * height) * np.where(touches, CUT, 1.0)


def rate_overlaps(boxes: npt.ArrayLike) -> FloatArray:
    """Rate how free each box of one frame is of the others.

    Args:
        boxes: All boxes of the frame: left, top, width and height in pixels, (n, 4).

    Returns:
        One less the greatest share of a box's area that one other box covers, (n,).
    """
    ltwh = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    corner, sides = ltwh[:, :2], ltwh[:, 2:]
    low = np.maximum(corner[:, None], corner)
    high = np.minimum((corner + sides)[:, None], corner + sides)
    # (n, n) area that two boxes share
    shared = (high - low).clip(0).prod(axis=2)
    np.fill_diagonal(shared, 0)
    return 1 - shared.max(axis=1, initial=0) / sides.prod(axis=1)


def rate_keypoints(keypoints: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Rate what an estimator found.

    Args:
        keypoints: x, y and score from 0 to 1 of each joint, (S, K, 3).

    Returns:
        Mean score of the joints, (S,), and share of joints that are seen, (S,).
    """
    scores = np.clip(np.asarray(keypoints, dtype=np.float64)[..., 2], 0, 1)
    return scores.mean(axis=1), (scores >= VISIBLE_SCORE).mean(axis=1)


def rate_sharpness(frame: npt.NDArray[np.uint8]) -> float:
    """Rate the sharpness of a person's crop.

    Args:
        frame: The crop, (h, w, 3), RGB.

    Returns:
        v / (v + :data:`SHARP_VARIANCE`) of the variance v of the Laplacian at one size.
    """
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if grey.shape != _SIZE[::-1]:
        grey = cv2.resize(grey, _SIZE, interpolation=cv2.INTER_AREA)
    deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1]
    variance = float(deviation[0, 0]) ** 2
    return variance / (variance + SHARP_VARIANCE)


def combine_ratings(*ratings: npt.ArrayLike | None) -> FloatArray:
    """Return the quality of each frame from what is known of it.

    Args:
        ratings: Ratings of the frames, (S,) each; None, and NaN for a single frame, is unknown.

    Returns:
        The geometric mean of the known ratings, (S,), from 0 to 1; NaN where none is known.

    Raises:
        ValueError: If no rating is given, or a rating is outside of 0 .. 1.

    Example:
        >>> combine_ratings([1.0, 0.5], None, [0.25, np.nan]).tolist()
        [0.5, 0.5]
    """
    given = [np.asarray(rating, dtype=np.float64) for rating in ratings if rating is not None]
    if not given:
        raise ValueError("the quality of a frame needs at least one rating, got none")
    table = np.stack(given)
    if (table < 0).any() or (table > 1).any():
        wrong = table[(table < 0) | (table > 1)][0]
        raise ValueError(f"a rating must lie in 0 to 1, as all of them do, got {wrong}")
    known = ~np.isnan(table)
    count = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(known, np.log(table), 0.0).sum(axis=0)
        return np.where(count > 0, np.exp(logs / count), np.nan).round(12)


@dataclass(frozen=True)
class FrameChoice:
    """Which frames of a tracklet are used, and how much each counts.

    The default uses all frames alike, as a test does.

    Attributes:
        min_quality: Frames of a lower quality are left out; where all are, the best one stays.
        weighted: Whether a clip counts by the quality of its frames, and not by their number.

    Raises:
        ValueError: If ``min_quality`` is not in 0 .. 1.
    """

    min_quality: float = 0.0
    weighted: bool = False

    def __post_init__(self) -> None:
        is_number = isinstance(self.min_quality, (int, float)) and math.isfinite(self.min_quality)
        if not is_number or not 0 <= self.min_quality <= 1:
            raise ValueError(
                "min_quality must be a number from 0 to 1, as qualities are, got "
                f"{self.min_quality!r}"
            )

    @property
    def is_default(self) -> bool:
        """Whether all frames are used alike, so that no quality need be known beforehand."""
        return self == FrameChoice()

    def choose(self, quality: FloatArray) -> npt.NDArray[np.int64]:
        """Return the frames that are used, rising; at least one.

        Args:
            quality: Quality of each frame, (S,); NaN, an unknown one, is never left out.
        """
        kept = np.flatnonzero(~(quality < self.min_quality))
        return kept if len(kept) else np.array([np.argmax(quality)])

    def weigh(self, quality: FloatArray) -> FloatArray | None:
        """Return the weight of each frame, None where all count alike.

        Args:
            quality: Quality of each frame, (S,); an unknown one counts 1.
        """
        if not self.weighted:
            return None
        return np.where(np.isnan(quality), 1.0, quality).clip(min=LEAST_WEIGHT)


def mean_quality(quality: Sequence[float] | FloatArray) -> float | None:
    """Return the mean of the known qualities of some frames, None if none is known.

    Args:
        quality: Quality of each frame, (S,), NaN where unknown.
    """
    values = np.asarray(quality, dtype=np.float64)
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
