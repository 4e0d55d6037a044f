"""Which keypoints a frame shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.body_pose import LEFT_EAR, LEFT_EYE, NOSE
from mmctl.datasets.synthetic.canvas import Owner
from mmctl.datasets.synthetic.figure import Figure
from mmctl.structures import NUM_KEYPOINTS

Joints = tuple[tuple[int, ...], ...]

_HEAD = (Owner.HEAD, Owner.HAIR)


def _limb_owners() -> Joints:
    """Return the owners of each of the 17 keypoints that show it rather than cover it."""
    owners: list[tuple[int, ...]] = [_HEAD] * 5
    upper_arm, forearm = Owner.LEFT_UPPER_ARM, Owner.LEFT_FOREARM
    thigh, shank, shoe = Owner.LEFT_THIGH, Owner.LEFT_SHANK, Owner.LEFT_SHOE
    trunk = (Owner.TORSO, Owner.PELVIS)
    arm: Joints = ((upper_arm, Owner.TORSO), (upper_arm, forearm), (forearm,))
    leg: Joints = ((thigh, *trunk), (thigh, shank), (shank, shoe))
    for joint in arm + leg:
        owners += [_of_side(joint, side) for side in (0, 1)]
    return tuple(owners)


def _of_side(owners: tuple[int, ...], side: int) -> tuple[int, ...]:
    """Return left-limb owners as those of a side; the trunk has no sides."""
    return tuple(owner + side if owner >= Owner.LEFT_UPPER_ARM else owner for owner in owners)


KEYPOINT_OWNERS = _limb_owners()
"""Owners of the pixel of each visible keypoint, by keypoint."""

_MIN_NEARNESS = np.full(NUM_KEYPOINTS, -np.inf)
_MIN_NEARNESS[NOSE] = -0.012
_MIN_NEARNESS[LEFT_EYE : LEFT_EYE + 2] = 0.005
_MIN_NEARNESS[LEFT_EAR : LEFT_EAR + 2] = -0.025
_MIN_NEARNESS[[5, 6]] = -0.05
_MIN_NEARNESS[[11, 12]] = -0.03
"""Joints on the trunk and head are hidden by it when they are farther than this (in heights)."""


def visible_keypoints(figure: Figure, owners: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which keypoints of a painted person can be seen.

    A keypoint is visible if its pixel shows a part it belongs to, and no trunk or head of its own
    lies between it and the camera.

    Args:
        figure: The painted person.
        owners: Owners of the canvas after everything was painted, (h, w).

    Returns:
        (17,) bool.
    """
    height, width = owners.shape
    seen = figure.nearness > _MIN_NEARNESS
    columns, rows = np.rint(figure.keypoints).astype(int).T
    for index in np.flatnonzero(seen):
        row, column = rows[index], columns[index]
        inside = 0 <= row < height and 0 <= column < width
        seen[index] = inside and int(owners[row, column]) in KEYPOINT_OWNERS[index]
    return seen
