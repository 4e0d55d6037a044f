"""Mistakes of a keypoint estimator, laid over an array of exact keypoints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mmctl.structures import FLIP_ORDER

Keypoints = NDArray[np.float32]


def jitter_joints(keypoints: Keypoints, std: float, rng: np.random.Generator) -> Keypoints:
    """Move every joint by a Gaussian step; scores stay.

    Args:
        keypoints: x, y in pixels and score, (F, 17, 3).
        std: Standard deviation of the step along each axis in pixels.
        rng: Source of randomness.

    Returns:
        The keypoints an inaccurate estimator would give, (F, 17, 3); some may be outside the frame.

    Raises:
        ValueError: If ``std`` is negative or not finite.
    """
    if not 0 <= std < np.inf:
        raise ValueError(
            f"std is a spread in pixels and must be finite and not negative, got {std}"
        )
    moved = keypoints.copy()
    # Float64 draws make the same steps whatever the array's own precision.
    moved[..., :2] += std * rng.standard_normal(moved[..., :2].shape)
    return moved


def drop_joints(keypoints: Keypoints, prob: float, rng: np.random.Generator) -> Keypoints:
    """Lose joints, each with the same probability: their score becomes 0, their place stays.

    Args:
        keypoints: x, y in pixels and score, (F, 17, 3).
        prob: Probability that a joint of a frame is lost.
        rng: Source of randomness.

    Returns:
        The keypoints an estimator with misses would give, (F, 17, 3).

    Raises:
        ValueError: If ``prob`` is no probability.
    """
    _check_probability(prob)
    kept = keypoints.copy()
    kept[rng.random(kept.shape[:2]) < prob, 2] = 0
    return kept


def swap_sides(keypoints: Keypoints, prob: float, rng: np.random.Generator) -> Keypoints:
    """Take left for right in some frames: all joints of both sides change their names.

    Args:
        keypoints: x, y in pixels and score, (F, 17, 3).
        prob: Probability that a frame is swapped; at 0.5 the sides are a matter of chance.
        rng: Source of randomness.

    Returns:
        The keypoints an estimator that confuses the sides would give, (F, 17, 3).

    Raises:
        ValueError: If ``prob`` is no probability.
    """
    _check_probability(prob)
    named = keypoints.copy()
    swapped = rng.random(len(named)) < prob
    named[swapped] = named[swapped][:, list(FLIP_ORDER)]
    return named


NOISES: dict[str, Callable[[Keypoints, float, np.random.Generator], Keypoints]] = {
    "jitter": jitter_joints,
    "drop": drop_joints,
    "swap": swap_sides,
}
"""Kinds of noise by name: functions of keypoints, level and generator."""


def _check_probability(prob: float) -> None:
    if not 0 <= prob <= 1:
        raise ValueError(f"prob is a probability and must be 0 to 1, got {prob}")
