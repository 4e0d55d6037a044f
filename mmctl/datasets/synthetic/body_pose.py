"""The walking body: where its joints are at each phase of the gait."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmctl.structures import NUM_KEYPOINTS

NOSE, LEFT_EYE, LEFT_EAR, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE = (
    *(0, 1, 3, 5, 7, 9, 11, 13, 15),
)
"""COCO indices; the right joint follows its left one."""

HIP_HEIGHT = 0.52
SHOULDER_HEIGHT = 0.815
_THIGH, _SHANK, _UPPER_ARM, _FOREARM = 0.245, 0.235, 0.165, 0.15

_LEFT = np.array([1.0, 0.0, 0.0])

STEP_LENGTH = 0.85
"""Way of a whole gait cycle (two steps) in body heights."""


@dataclass(frozen=True)
class BodyPose:
    """Joints in the body's frame: (left, up, forward) in average body heights, ground at 0.

    Attributes:
        keypoints: The 17 COCO keypoints, (17, 3).
        hands: Left and right hand, (2, 3).
        heels: Left and right heel, (2, 3).
        toes: Left and right tip of the foot, (2, 3).
        lift: Height by which the whole body is raised above its rest position.
        stature: Height of the body, 1 is average.
    """

    keypoints: NDArray[np.float64]
    hands: NDArray[np.float64]
    heels: NDArray[np.float64]
    toes: NDArray[np.float64]
    lift: float
    stature: float

    def at(self, left: float, up: float, forward: float) -> NDArray[np.float64]:
        """Return a point of the trunk or head given in rest position of an average body."""
        return np.array([left, up + self.lift, forward]) * self.stature


def walking_pose(stature: float, build: float, stride: float, phase: float) -> BodyPose:
    """Return the pose at one moment of walking.

    Thighs swing like a sine, knees bend while their leg swings forward, arms swing against the
    legs, shoulders turn against the hips, and the lowest part of the feet is on the ground.

    Args:
        stature: Height of the body, 1 is average.
        build: Width of the body, 1 is average.
        stride: Length of the step, 1 is average.
        phase: Phase of the gait in radians; at pi / 2 the left leg is foremost.
    """
    keypoints = np.zeros((NUM_KEYPOINTS, 3))
    hands, heels, toes = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
    swing = 0.48 * stride
    for side, sign in ((0, 1.0), (1, -1.0)):
        moment = phase + side * math.pi
        leg = _leg(sign * 0.062 * math.sqrt(build), swing, moment)
        arm = _arm(sign * 0.1 * math.sqrt(build), sign, swing, moment)
        for first, joint in zip((LEFT_HIP, LEFT_KNEE, LEFT_ANKLE), leg[:3], strict=True):
            keypoints[first + side] = joint
        for first, joint in zip((LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST), arm[:3], strict=True):
            keypoints[first + side] = joint
        heels[side], toes[side], hands[side] = leg[3], leg[4], arm[3]
        keypoints[LEFT_EYE + side] = (sign * 0.02, 0.935, 0.054)
        keypoints[LEFT_EAR + side] = (sign * 0.044, 0.922, 0.012)
    keypoints[NOSE] = (0, 0.915, 0.072)
    lift = 0.02 - min(heels[:, 1].min(), toes[:, 1].min())
    for points in (keypoints, hands, heels, toes):
        points[:, 1] += lift
        points *= stature
    return BodyPose(keypoints, hands, heels, toes, lift, stature)


def _leg(left: float, swing: float, moment: float) -> list[NDArray[np.float64]]:
    """Return hip, knee, ankle, heel and toe of one leg."""
    thigh = swing * math.sin(moment) + 0.05
    shank = thigh - 0.12 - 0.8 * max(0.0, math.cos(moment)) ** 1.5
    # The foot follows the shank: toes up when the heel strikes, heel up when the toes push off.
    sole = 0.12 + 0.75 * shank
    hip = np.array([left, HIP_HEIGHT, 0.0])
    knee = hip + _THIGH * _hanging(thigh)
    ankle = knee + _SHANK * _hanging(shank)
    ahead = np.array([0.0, math.sin(sole), math.cos(sole)])
    below = np.array([0.0, -math.cos(sole), math.sin(sole)])
    return [
        hip,
        knee,
        ankle,
        ankle - 0.03 * ahead + 0.02 * below,
        ankle + 0.1 * ahead + 0.022 * below,
    ]


def _arm(left: float, sign: float, swing: float, moment: float) -> list[NDArray[np.float64]]:
    """Return shoulder, elbow, wrist and hand of one arm."""
    upper = -0.75 * swing * math.sin(moment) - 0.03
    lower = upper + 0.25 + 0.4 * max(0.0, math.sin(upper + 0.2))
    turn = -0.13 * math.sin(moment)
    shoulder = np.array([left, SHOULDER_HEIGHT, 0.015 + abs(left) * turn])
    elbow = shoulder + _UPPER_ARM * (_hanging(upper) + sign * 0.16 * _LEFT)
    wrist = elbow + _FOREARM * (_hanging(lower) + sign * 0.03 * _LEFT)
    return [shoulder, elbow, wrist, wrist + 0.18 * (wrist - elbow)]


def _hanging(angle: float) -> NDArray[np.float64]:
    """Return the unit vector that hangs down, swung forward by ``angle``."""
    return np.array([0.0, -math.cos(angle), math.sin(angle)])
