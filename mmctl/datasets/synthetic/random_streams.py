"""Independent random numbers for everything that is drawn.

Each tracklet, group of people and camera has its own generator, derived from the seed and from
what it is. So any part of a data set can be drawn alone, in any order, by any worker, and comes
out the same.
"""

from __future__ import annotations

import numpy as np

SPLITS = ("train", "test")
"""Splits in the order of the rows of ``keypoints.npy``."""

STREET_PARTS = ("group", "camera", "scene", "walk", "sensor")
"""What is drawn of a street at random."""

_GROUP, _CAMERA, _LENGTH, _QUERY, _FOLD, _STREET, _SHIFT, _MISTAKE = range(
    len(SPLITS), len(SPLITS) + 8
)


def tracklet_stream(
    seed: int, split: str, pid: int, camid: int, number: int
) -> np.random.Generator:
    """Return the generator of one tracklet's pictures.

    Args:
        seed: Seed of the data set.
        split: 'train' or 'test'.
        pid: Person, -1 for junk, 0 for a distractor.
        camid: Camera, from 1.
        number: Number of the tracklet of this person in this camera, from 1.
    """
    return _stream(seed, SPLITS.index(split), pid + 1, camid, number)


def length_stream(seed: int, split: str, pid: int, camid: int, number: int) -> np.random.Generator:
    """Return the generator of one tracklet's number of frames (see :func:`tracklet_stream`)."""
    return _stream(seed, _LENGTH, SPLITS.index(split), pid + 1, camid, number)


def group_stream(seed: int, group: int) -> np.random.Generator:
    """Return the generator of the looks of one confuser group."""
    return _stream(seed, _GROUP, group)


def camera_stream(seed: int, camid: int) -> np.random.Generator:
    """Return the generator of one camera's light, place and background."""
    return _stream(seed, _CAMERA, camid)


def shifted_camera_stream(seed: int, camid: int) -> np.random.Generator:
    """Return the generator of the camera that the test split's camera moves towards."""
    return _stream(seed, _SHIFT, camid)


def mistake_stream(seed: int, split: str, pid: int, camid: int, number: int) -> np.random.Generator:
    """Return the generator of the mistakes in one tracklet's keypoints."""
    return _stream(seed, _MISTAKE, SPLITS.index(split), pid + 1, camid, number)


def query_stream(seed: int, pid: int, camid: int) -> np.random.Generator:
    """Return the generator that chooses the query among a person's tracklets in a camera."""
    return _stream(seed, _QUERY, pid, camid)


def fold_stream(seed: int, fold: int) -> np.random.Generator:
    """Return the generator that halves the people in one fold."""
    return _stream(seed, _FOLD, fold)


def street_stream(seed: int, part: str, *numbers: int) -> np.random.Generator:
    """Return the generator of one part of a street, whose people are in no other drawn set.

    Args:
        seed: Seed of the street.
        part: One of :data:`STREET_PARTS`.
        numbers: Which group, camera or person; of the sensor, which camera and frame.
    """
    return _stream(seed, _STREET, STREET_PARTS.index(part), *numbers)


def _stream(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(key))
