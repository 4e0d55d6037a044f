"""Mistakes of a keypoint estimator, laid over an array of exact keypoints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mmctl.structures import FLIP_ORDER, KEYPOINTS, NUM_KEYPOINTS

Keypoints = NDArray[np.float32]

LEFT_HIP = KEYPOINTS.index("left_hip")

MISTAKES = {"visible": 0.015, "hidden": 0.04, "swap": 0.1, "lost": 0.02}
"""Standard deviation of a joint's place along each axis, in frame heights, where it is visible and
where it is hidden; share of frames with exchanged sides; probability that a joint is lost."""

SWAP_SPAN = 4
"""Mean number of frames after which an estimator makes up its mind anew about left and right."""


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


def reveal_joints(keypoints: Keypoints, prob: float, rng: np.random.Generator) -> Keypoints:
    """Show hidden joints, each with the same probability: a joint of score 0 gets score 1.

    Args:
        keypoints: x, y in pixels and score, (F, 17, 3), with the places of hidden joints.
        prob: Probability that a hidden joint of a frame is shown.
        rng: Source of randomness.

    Returns:
        The keypoints that an estimator gives which sees through bodies, (F, 17, 3).

    Raises:
        ValueError: If ``prob`` is no probability.
    """
    _check_probability(prob)
    shown = keypoints.copy()
    hidden = (shown[..., 2] == 0) & (rng.random(shown.shape[:2]) < prob)
    # Zeros stand for joints that nobody knows, as in frames without a person.
    shown[hidden & shown[..., :2].any(axis=-1), 2] = 1
    return shown


def estimate_joints(
    keypoints: Keypoints, size: tuple[int, int], strength: float, rng: np.random.Generator
) -> Keypoints:
    """Return the joints of a tracklet as a trained estimator finds them.

    An estimator gives every joint a place and a score, also one that it does not see: it guesses
    that from the rest of the body, less exactly and less surely. Its errors last for some frames,
    and in some spans it takes the left for the right arm or leg.

    Args:
        keypoints: Exact x, y in pixels and visibility, 1 or 0, (t, 17, 3).
        size: Height and width of the frames.
        strength: Factor on the spreads and probabilities of :data:`MISTAKES`.
        rng: Source of randomness.

    Returns:
        (t, 17, 3); the scores are 0 to 1.
    """
    height, width = size
    num_frames = len(keypoints)
    found = _swap_limbs(keypoints, min(0.5, strength * MISTAKES["swap"]), rng)
    is_visible = found[..., 2] > 0
    known = found[..., :2].any(axis=-1)
    spread = strength * height * np.where(is_visible, MISTAKES["visible"], MISTAKES["hidden"])
    lasting = rng.standard_normal((1, NUM_KEYPOINTS, 2))
    passing = rng.standard_normal((num_frames, NUM_KEYPOINTS, 2))
    found[..., :2] += spread[..., None] * (lasting + passing) / np.sqrt(2)
    scores = np.where(is_visible, *(rng.normal(m, 0.1, is_visible.shape) for m in (0.85, 0.5)))
    is_lost = rng.random(is_visible.shape) < strength * MISTAKES["lost"]
    inside = np.all((found[..., :2] > -0.5) & (found[..., :2] < (width - 0.5, height - 0.5)), -1)
    found[..., 2] = np.where(known & inside & ~is_lost, scores.clip(0.05, 1), 0)
    return found


def _swap_limbs(keypoints: Keypoints, share: float, rng: np.random.Generator) -> Keypoints:
    """Exchange the sides of head and arms, and of the legs, in spans of frames of each."""
    named = keypoints.copy()
    for joints in (np.arange(LEFT_HIP), np.arange(LEFT_HIP, NUM_KEYPOINTS)):
        is_swapped = rng.random() < share
        for frame in named:
            if rng.random() < 1 / SWAP_SPAN:
                is_swapped = rng.random() < share
            if is_swapped:
                frame[joints] = frame[np.array(FLIP_ORDER)[joints]]
    return named


NOISES: dict[str, Callable[[Keypoints, float, np.random.Generator], Keypoints]] = {
    "jitter": jitter_joints,
    "drop": drop_joints,
    "swap": swap_sides,
    "reveal": reveal_joints,
}
"""Kinds of noise by name: functions of keypoints, level and generator."""


def _check_probability(prob: float) -> None:
    if not 0 <= prob <= 1:
        raise ValueError(f"prob is a probability and must be 0 to 1, got {prob}")
