"""Which frames of a tracklet make which clip: pure functions of indices.

Convention: a tracklet of S frames has the indices 0 .. S - 1 in time order; the result is always
(M, T) int64, M clips of T frames each, and every row is non-decreasing. A clip that has fewer than
T frames of its own repeats some of them in place (0, 0, 2, 4), never a black frame and never a
jump back in time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def random_frames(num_frames: int, clip_len: int, generator: np.random.Generator) -> IntArray:
    """Draw one clip of ``clip_len`` frames, each frame as likely as any other, in time order.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip, T. Without replacement where S >= T, else with replacement.
        generator: Source of the draws.

    Returns:
        Sorted frame indices, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> random_frames(9, 4, np.random.default_rng(0)).tolist()
        [[2, 4, 5, 7]]
    """
    _check_counts(num_frames, clip_len)
    drawn = generator.choice(num_frames, clip_len, replace=num_frames < clip_len)
    drawn.sort()
    return drawn[None]


def restricted_frames(num_frames: int, clip_len: int, generator: np.random.Generator) -> IntArray:
    """Draw one random frame from each of ``clip_len`` equal chunks of the tracklet.

    Restricted random sampling (Li et al., CVPR 2018). Chunk t holds the frames from
    ``floor(t S / T)`` to ``floor((t + 1) S / T) - 1``; where S < T a chunk without a frame of its
    own takes the frame at its start.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip and number of chunks, T.
        generator: Source of the draws.

    Returns:
        Frame indices in time order, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> restricted_frames(9, 3, np.random.default_rng(0)).tolist()
        [[2, 4, 7]]
    """
    _check_counts(num_frames, clip_len)
    bounds = np.arange(clip_len + 1, dtype=np.int64) * num_frames // clip_len
    starts, ends = bounds[:-1], np.maximum(bounds[1:], bounds[:-1] + 1)
    return generator.integers(starts, ends)[None]


def strided_frames(
    num_frames: int, clip_len: int, generator: np.random.Generator, stride: int = 8
) -> IntArray:
    """Draw one clip of every ``stride``-th frame from a random one on.

    A tracklet of fewer than ``clip_len * stride`` frames gives :func:`random_frames`.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip, T.
        generator: Source of the draws.
        stride: Frames from one of the clip to the next.

    Returns:
        Frame indices in time order, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> strided_frames(13, 4, np.random.default_rng(0), 3).tolist()
        [[1, 4, 7, 10]]
    """
    _check_counts(num_frames, clip_len)
    if num_frames < clip_len * stride:
        return random_frames(num_frames, clip_len, generator)
    start = generator.integers(num_frames - clip_len * stride + 1)
    return (start + stride * np.arange(clip_len, dtype=np.int64))[None]


def consecutive_frames(num_frames: int, clip_len: int, generator: np.random.Generator) -> IntArray:
    """Draw one clip of frames that follow each other.

    A tracklet of fewer than ``clip_len`` frames gives all of them, some repeated in place.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip, T.
        generator: Source of the draws.

    Returns:
        Frame indices in time order, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> consecutive_frames(9, 4, np.random.default_rng(0)).tolist()
        [[5, 6, 7, 8]]
    """
    _check_counts(num_frames, clip_len)
    if num_frames < clip_len:
        return dense_clips(num_frames, clip_len)
    start = generator.integers(num_frames - clip_len + 1)
    return (start + np.arange(clip_len, dtype=np.int64))[None]


def first_strided_frames(num_frames: int, clip_len: int, stride: int = 8) -> IntArray:
    """Take every ``stride``-th frame from the first one on: one deterministic clip.

    A tracklet that is too short for the stride is taken with the largest smaller one that it has
    the frames for; one of fewer than ``clip_len`` frames repeats some in place.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip, T.
        stride: Frames from one of the clip to the next, at most.

    Returns:
        Frame indices in time order, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> first_strided_frames(40, 4, 8).tolist(), first_strided_frames(9, 4, 8).tolist()
        ([[0, 8, 16, 24]], [[0, 2, 4, 6]])
    """
    _check_counts(num_frames, clip_len)
    if num_frames < clip_len:
        return dense_clips(num_frames, clip_len)
    return (min(stride, num_frames // clip_len) * np.arange(clip_len, dtype=np.int64))[None]


def evenly_spaced_frames(num_frames: int, clip_len: int) -> IntArray:
    """Take the middle frame of each of ``clip_len`` equal chunks: one deterministic clip.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip, T.

    Returns:
        Frame indices ``floor((t + 1/2) S / T)``, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> evenly_spaced_frames(9, 3).tolist()
        [[1, 4, 7]]
    """
    _check_counts(num_frames, clip_len)
    return ((2 * np.arange(clip_len, dtype=np.int64) + 1) * num_frames // (2 * clip_len))[None]


def first_of_chunk_frames(num_frames: int, clip_len: int) -> IntArray:
    """Take the first frame of each of ``clip_len`` equal chunks: one deterministic clip.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of the clip, T.

    Returns:
        Frame indices ``floor(t S / T)``, (1, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> first_of_chunk_frames(9, 3).tolist()
        [[0, 3, 6]]
    """
    _check_counts(num_frames, clip_len)
    return (np.arange(clip_len, dtype=np.int64) * num_frames // clip_len)[None]


def interleaved_clips(num_frames: int, clip_len: int) -> IntArray:
    """Deal all frames out to M = ceil(S / T) clips, each of which spans the tracklet.

    Clip m holds the frames m, m + M, m + 2 M, ...; a clip with fewer than T of them is filled by
    repeating its own frames in place.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of each clip, T.

    Returns:
        Frame indices, (M, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> interleaved_clips(7, 3).tolist()
        [[0, 3, 6], [1, 1, 4], [2, 2, 5]]
    """
    _check_counts(num_frames, clip_len)
    num_clips = -(-num_frames // clip_len)
    clips = np.arange(num_clips, dtype=np.int64)
    sizes = -(-(num_frames - clips) // num_clips)
    return clips[:, None] + num_clips * _stretch(sizes, clip_len)


def dense_clips(num_frames: int, clip_len: int) -> IntArray:
    """Cut all frames into M = ceil(S / T) consecutive clips.

    Clip m holds the frames m T .. m T + T - 1; the last one, where it is short, is filled by
    repeating its own frames in place.

    Args:
        num_frames: Frames of the tracklet, S.
        clip_len: Frames of each clip, T.

    Returns:
        Frame indices, (M, T).

    Raises:
        ValueError: If a count is not positive.

    Example:
        >>> dense_clips(7, 3).tolist()
        [[0, 1, 2], [3, 4, 5], [6, 6, 6]]
    """
    _check_counts(num_frames, clip_len)
    starts = np.arange(0, num_frames, clip_len, dtype=np.int64)
    sizes = np.minimum(num_frames - starts, clip_len)
    return starts[:, None] + _stretch(sizes, clip_len)


def count_distinct_frames(indices: IntArray) -> npt.NDArray[np.float32]:
    """Count the distinct frames of each clip: the weights of an average over clips.

    Args:
        indices: Frame indices, (M, T), in any order.

    Returns:
        Number of distinct frames of each clip, (M,).

    Example:
        >>> count_distinct_frames(dense_clips(7, 3)).tolist()
        [3.0, 3.0, 1.0]
    """
    return np.array([len(set(row)) for row in indices.tolist()], dtype=np.float32)


RANDOM_MODES: dict[str, Callable[..., IntArray]] = {
    "random": random_frames,
    "restricted": restricted_frames,
    "strided": strided_frames,
    "consecutive": consecutive_frames,
}
"""Sampling modes that draw, by their name in a config."""

FIXED_MODES: dict[str, Callable[..., IntArray]] = {
    "evenly": evenly_spaced_frames,
    "interleaved": interleaved_clips,
    "dense": dense_clips,
    "first-strided": first_strided_frames,
    "first-of-chunk": first_of_chunk_frames,
}
"""Deterministic sampling modes, by their name in a config."""


def _stretch(sizes: IntArray, clip_len: int) -> IntArray:
    """Spread ``sizes[m]`` positions evenly over ``clip_len`` slots, (M, T)."""
    return np.arange(clip_len, dtype=np.int64) * sizes[:, None] // clip_len


def _check_counts(num_frames: int, clip_len: int) -> None:
    for name, value in (("num_frames", num_frames), ("clip_len", clip_len)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1 to make a clip, got {value}")
