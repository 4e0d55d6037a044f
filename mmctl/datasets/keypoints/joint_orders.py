"""The joints of other programs, by name or by number, and how they become COCO's 17."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmctl.structures import KEYPOINTS

_ARMS = (
    *("right_shoulder", "right_elbow", "right_wrist"),
    *("left_shoulder", "left_elbow", "left_wrist"),
)
_RIGHT_LEG = ("right_hip", "right_knee", "right_ankle")
_LEFT_LEG = ("left_hip", "left_knee", "left_ankle")
_FACE = ("right_eye", "left_eye", "right_ear", "left_ear")


JOINT_ORDERS: dict[int, tuple[str, ...]] = {
    18: ("nose", "neck", *_ARMS, *_RIGHT_LEG, *_LEFT_LEG, *_FACE),
    25: ("nose", "neck", *_ARMS, "mid_hip", *_RIGHT_LEG, *_LEFT_LEG, *_FACE),
    **dict.fromkeys((17, 26, 133, 136), KEYPOINTS),
}
"""Orders by their number of joints: OpenPose's COCO model (and AlphaPose's 18 joints), OpenPose's
BODY_25, and those that begin with COCO's own: COCO, Halpe with 26 and 136 joints, COCO-WholeBody.
"""

_MAX_SHOWN = 5

Places = tuple[int, ...]
"""Where each of COCO's joints stands in an order, -1 where it does not."""


def _spellings() -> dict[str, str]:
    """Return COCO's names by ``leftknee``, ``lknee``, ``kneeleft`` and ``kneel``."""
    spellings: dict[str, str] = {}
    for name in KEYPOINTS:
        side, _, joint = name.rpartition("_")
        for short in (side, side[:1]):
            spellings |= {short + joint: name, joint + short: name}
    return spellings


_SPELLINGS = _spellings()
_SIDED = (
    r"(big|small|little)?toes?(base)?|heel|foot(index)?|hand(root)?|palm|thumb|index|pinky|eyeinner|"
    r"(fore|index|middle|ring|pinky|little)(finger)?|eyeouter|eyebrow|mouth|clavicle|collar|neck"
)
_OTHERS = re.compile(
    rf"(left|right|l|r)({_SIDED})\d*|({_SIDED})\d*(left|right|l|r)|(top|bottom)(of)?head|"
    r"head(top|bottom|cent(er|re))?|(upper)?neck(base)?|mid(dle)?(hip|shoulder)|hips?|pelvis|root|"
    r"hipcent(er|re)|cent(er|re)hip|thorax|(mid)?spine\d*|chest|sternum|belly|torso|chin|jaw|"
    r"mouth|face\d+|background"
)
"""Joints of other orders that are none of COCO's, for sure."""


def find_places(count: int) -> Places:
    """Return where COCO's joints stand in the order that has so many.

    Raises:
        ValueError: If there is no order of that many joints in :data:`JOINT_ORDERS`.
    """
    if count not in JOINT_ORDERS:
        raise ValueError(
            "a person whose joints are not named must have 17 of them (COCO), 18 (OpenPose's COCO "
            "model, AlphaPose), 25 (OpenPose's BODY_25), 26 or 136 (Halpe) or 133 "
            f"(COCO-WholeBody), got {count}"
        )
    return tuple(map(JOINT_ORDERS[count].index, KEYPOINTS))


@lru_cache(maxsize=64)
def match_names(names: Sequence[str]) -> Places:
    """Return where COCO's joints stand in an order whose joints are named.

    ``left_knee``, ``Left Knee``, ``LKnee``, ``lknee`` and ``knee_l`` are one joint. Joints of other
    orders (neck, toes, face, ...) are known and left out.

    Args:
        names: A name for each joint, a tuple.

    Raises:
        ValueError: If a name is unknown, two are of one joint, or none is of COCO's.
    """
    found: dict[str, list[int]] = {}
    unknown = []
    for place, name in enumerate(names):
        plain = re.sub(r"[\W_]", "", name.lower())
        if plain in _SPELLINGS:
            found.setdefault(_SPELLINGS[plain], []).append(place)
        elif not _OTHERS.fullmatch(plain):
            unknown.append(name)
    if unknown or not found:
        shown = ", ".join(name[:40] for name in (unknown or names)[:_MAX_SHOWN])
        raise ValueError(
            f"joints must be named as COCO's ({', '.join(KEYPOINTS[:2])}, ... "
            f"{KEYPOINTS[-1]}) or be known as none of them, got {len(unknown or names)} others: "
            f"{shown}"
        )
    for joint, places in found.items():
        if len(places) > 1:
            twice = " and ".join(names[place][:40] for place in places)
            raise ValueError(f"{joint} must be one joint, got {twice}")
    return tuple(found.get(name, [-1])[0] for name in KEYPOINTS)


def to_coco(joints: NDArray[np.float32], places: Places) -> NDArray[np.float32]:
    """Pick COCO's 17 joints, in COCO's order.

    Args:
        joints: x, y and score of each joint, (n, 3).
        places: Where COCO's joints are.

    Returns:
        x, y, score, (17, 3); zeros where there is no such joint.
    """
    return np.concatenate([joints, np.zeros((1, 3), joints.dtype)])[list(places)]
