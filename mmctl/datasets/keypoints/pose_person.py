"""The numbers of one person in another program's file, as x, y and score of COCO's joints."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.keypoints.joint_orders import find_places, match_names, to_coco
from mmctl.structures import NUM_KEYPOINTS

HIDDEN_SCORE = 0.5
"""Score of a joint that is labelled but hidden, between one that is seen (1) and one that is not
labelled (0): its place is known, and what shows there is somebody or something else."""

_VISIBILITIES = (0, 1, 2)
"""COCO's marks: not labelled, hidden, visible."""


@dataclass(frozen=True)
class Person:
    """One person that a program found in a frame.

    Attributes:
        frame: Path or name of the frame, with or without its extension.
        joints: x, y, score of COCO's joints, (17, 3) float32; scores may be above 1.
        score: How sure the program is; the mean score of the joints where it does not say.
        place: Where it was read, for messages.
        frame_size: Height and width of the frame, where the program says it.
    """

    frame: str
    joints: NDArray[np.float32]
    score: float
    place: str
    frame_size: tuple[int, int] | None = None


def read_person(
    place: str,
    frame: str,
    values: Any,
    *,
    scores: Any = None,
    names: Sequence[str] | None = None,
    score: Any = None,
    frame_size: tuple[int, int] | None = None,
    is_labelled: bool = False,
) -> Person:
    """Read a person; an empty list is one without joints.

    Args:
        place: Where it stands, for messages.
        frame: Path or name of the frame.
        values: x, y and score of each joint, or x and y where ``scores`` are given, flat or nested.
            Third numbers that are all 0, 1 or 2, and one of them 2, are COCO's visibilities.
        scores: The score of each joint.
        names: The joints' names; None: there are as many as in a known order.
        score: How sure the program is, a number or a list of one.
        frame_size: Height and width of the frame.
        is_labelled: Whether the third numbers must be visibilities.

    Raises:
        ValueError: If it breaks a rule; place, rule and value are named.
    """
    try:
        joints = _read_joints(values, scores, names)
    except ValueError as error:
        what = "x, y and score" if scores is None else "x and y"
        raise ValueError(
            f"{place}: the keypoints must be {what} of each joint: {error}; they are "
            f"{_shorten(values)}"
        ) from error
    marks = joints[:, 2]
    are_marks = bool(np.isin(marks, _VISIBILITIES).all())
    # A program may be sure of all that it finds: 0 and 1 alone are scores where nobody says else.
    if are_marks and (is_labelled or (marks == 2).any()):
        joints[:, 2] = np.select([marks == 2, marks == 1], [1.0, HIDDEN_SCORE], 0.0)
    elif is_labelled:
        raise ValueError(
            f"{place}: the third number of a joint must be COCO's visibility 0, 1 or 2, or the "
            f"entry must have a 'score' if it is a score, got {joints[:, 2].tolist()}"
        )
    joints[:, 2] = joints[:, 2].clip(min=0)
    if isinstance(score, list) and len(score) == 1:  # some versions of AlphaPose
        score = score[0]
    if score is None:
        score = float(joints[:, 2].mean())
    elif not _is_finite(score):
        raise ValueError(f"{place}: 'score' must be a finite number, got {_shorten(score)}")
    return Person(frame, joints, float(score), place, frame_size)


def _read_joints(values: Any, scores: Any, names: Sequence[str] | None) -> NDArray[np.float32]:
    if values == []:
        return np.zeros((NUM_KEYPOINTS, 3), np.float32)
    joints = _read_table(values, 3 if scores is None else 2)
    if scores is not None:
        column = _read_table(scores, 1)
        if len(column) != len(joints):
            raise ValueError(f"{len(joints)} of them have {len(column)} scores")
        joints = np.hstack([joints, column])
    if names is not None and len(names) != len(joints):
        raise ValueError(f"the file names {len(names)} joints, and there are {len(joints)}")
    places = find_places(len(joints)) if names is None else match_names(tuple(names))
    joints = to_coco(joints, places)
    if not np.isfinite(joints).all():
        raise ValueError("all numbers must be finite")
    return joints


def _read_table(values: Any, width: int) -> NDArray[np.float32]:
    """Return the rows of a flat or nested list of numbers."""
    if not isinstance(values, list):
        raise ValueError(f"they must be a list, got {type(values).__name__}")
    if any(isinstance(value, list) for value in values):
        lengths = {len(value) if isinstance(value, list) else 0 for value in values}
        if lengths != {width}:
            raise ValueError(f"each must be a list of {width}, got other lengths")
        values = list(chain.from_iterable(values))
    if len(values) % width:
        raise ValueError(f"there must be {width} numbers for each, got {len(values)} in all")
    if not set(map(type, values)) <= {int, float}:
        odd = next(value for value in values if type(value) not in (int, float))
        raise ValueError(f"they must be numbers, got {_shorten(odd)}")
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 becomes inf
            return np.array(values, dtype=np.float32).reshape(-1, width)
    except OverflowError as error:
        raise ValueError("all numbers must be finite") from error


def _is_finite(value: Any) -> bool:
    """Return whether a value is a number that fits into a float."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False


def _shorten(value: Any) -> str:
    """Return a value for a message: all numbers of a person, but not all digits of a huge one."""
    shortened = reprlib.Repr()
    shortened.maxlist = 3 * NUM_KEYPOINTS
    return shortened.repr(value)
