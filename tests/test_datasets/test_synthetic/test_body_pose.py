from __future__ import annotations

import math

import numpy as np
import pytest

from mmctl.datasets.synthetic.body_pose import walking_pose
from mmctl.structures import FLIP_ORDER

PHASES = np.linspace(0, 2 * math.pi, 16, endpoint=False)
BONES = [(11, 13, 0.245), (13, 15, 0.235), (12, 14, 0.245), (14, 16, 0.235)]


@pytest.mark.parametrize("phase", PHASES)
def test_legs_keep_their_length_and_the_lowest_foot_stands_on_the_ground(phase: float) -> None:
    pose = walking_pose(1.1, 1.0, 1.0, phase)
    for first, second, length in BONES:
        bone = pose.keypoints[first] - pose.keypoints[second]
        assert np.linalg.norm(bone) == pytest.approx(1.1 * length)
    lowest = min(pose.heels[:, 1].min(), pose.toes[:, 1].min())
    assert lowest == pytest.approx(0.02 * 1.1)


@pytest.mark.parametrize("phase", PHASES)
def test_half_a_cycle_later_left_and_right_have_changed_places(phase: float) -> None:
    now = walking_pose(1.0, 1.1, 0.9, phase).keypoints
    later = walking_pose(1.0, 1.1, 0.9, phase + math.pi).keypoints
    mirrored = later[list(FLIP_ORDER)] * (-1, 1, 1)
    np.testing.assert_allclose(now, mirrored, atol=1e-12)


def test_arms_swing_against_the_legs() -> None:
    forward = walking_pose(1.0, 1.0, 1.0, math.pi / 2).keypoints[:, 2]
    assert forward[15] > forward[16] + 0.2  # the left foot is in front
    assert forward[10] > forward[9] + 0.1  # with the right hand


def test_joints_are_in_the_order_of_a_body() -> None:
    up = walking_pose(1.0, 1.0, 1.0, 0.3).keypoints[:, 1]
    assert up[1] > up[0] > up[5] > up[7] > up[9]
    assert up[5] > up[11] > up[13] > up[15] > 0
    assert 0.9 < up[1] < 1.0


def test_left_joints_are_on_the_left() -> None:
    left = walking_pose(1.0, 1.0, 1.0, 2.0).keypoints[:, 0]
    assert (left[1::2] > 0).all()
    assert (left[2::2] < 0).all()


def test_a_longer_stride_takes_the_feet_further_apart() -> None:
    short, long = (
        np.ptp(walking_pose(1.0, 1.0, stride, math.pi / 2).keypoints[[15, 16], 2])
        for stride in (0.85, 1.15)
    )
    assert long > 1.2 * short
