"""The joints of other programs by name, and how they become COCO's 17."""

from __future__ import annotations

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
_FEET = (
    *("left_big_toe", "left_small_toe", "left_heel"),
    *("right_big_toe", "right_small_toe", "right_heel"),
)

JOINT_ORDERS: dict[int, tuple[str, ...]] = {
    17: KEYPOINTS,
    18: ("nose", "neck", *_ARMS, *_RIGHT_LEG, *_LEFT_LEG, *_FACE),
    25: ("nose", "neck", *_ARMS, "mid_hip", *_RIGHT_LEG, *_LEFT_LEG, *_FACE, *_FEET),
}
"""Orders by their number of joints: COCO's, OpenPose's COCO model (and AlphaPose's 18 joints),
OpenPose's BODY_25."""


def to_coco(joints: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pick COCO's 17 joints, in COCO's order.

    Args:
        joints: x, y and score of each joint in an order of :data:`JOINT_ORDERS`, (17 | 18 | 25, 3).

    Returns:
        x, y, score, (17, 3).

    Raises:
        ValueError: If there is no order of that many joints.
    """
    if len(joints) not in JOINT_ORDERS:
        raise ValueError(
            "a person must have 17 joints (COCO), 18 (OpenPose's COCO model, AlphaPose) or 25 "
            f"(OpenPose's BODY_25), got {len(joints)}"
        )
    order = JOINT_ORDERS[len(joints)]
    return joints[[order.index(name) for name in KEYPOINTS]]
