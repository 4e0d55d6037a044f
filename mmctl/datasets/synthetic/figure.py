"""A person as a camera sees it: the body in the picture plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import Appearance
from mmctl.datasets.synthetic.body_pose import BodyPose, walking_pose


@dataclass(frozen=True)
class View:
    """From where and how large a person is seen (orthographic).

    Attributes:
        yaw: Turn of the body in radians: 0 faces the camera, pi / 2 walks to the right.
        pitch: Slope of the ground in the picture: how much lower a nearer point appears.
        foot: Canvas pixel (x, y) of the ground below the body.
        scale: Canvas pixels per average body height.
        light_from: -1 if light comes from the left of the picture, 1 from the right.
    """

    yaw: float
    pitch: float
    foot: tuple[float, float]
    scale: float
    light_from: int = 1


@dataclass(frozen=True)
class Figure:
    """One person at one moment in one view."""

    appearance: Appearance
    pose: BodyPose
    view: View

    @cached_property
    def facing(self) -> float:
        """1 for a face seen from the front, 0 from the side, -1 from behind."""
        return math.cos(self.view.yaw)

    @cached_property
    def heading(self) -> float:
        """1 for walking to the right of the picture, -1 to the left."""
        return math.sin(self.view.yaw)

    @cached_property
    def keypoints(self) -> NDArray[np.float64]:
        """Canvas pixels of the 17 keypoints, (17, 2)."""
        return self.project(self.pose.keypoints)

    @cached_property
    def nearness(self) -> NDArray[np.float64]:
        """Distance of each keypoint from the body's axis towards the camera, (17,), in heights."""
        return self.depth(self.pose.keypoints)

    def depth(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how much nearer than the body's axis points (..., 3) are, in heights."""
        return self.facing * points[..., 2] - self.heading * points[..., 0]

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the canvas pixels (..., 2) of body points (..., 3)."""
        return points @ self._projection + self.view.foot

    @cached_property
    def _projection(self) -> NDArray[np.float64]:
        """Canvas pixels (x, y) per height to the left, up and forward, (3, 2)."""
        pitch = self.view.pitch
        left, forward = (self.facing, -pitch * self.heading), (self.heading, pitch * self.facing)
        return np.array([left, (0.0, -1.0), forward]) * self.view.scale

    def length(self, heights: float) -> float:
        """Return a length on the body, given in heights of an average person, in canvas pixels."""
        return heights * self.pose.stature * self.view.scale

    def width(self, half_width: float, half_depth: float) -> float:
        """Return the seen half width of an elliptic section of the body, in canvas pixels."""
        seen = math.hypot(half_width * self.facing, half_depth * self.heading)
        return self.length(seen * self.appearance.build)


def pose_figure(appearance: Appearance, phase: float, view: View) -> Figure:
    """Return a person at one phase of its gait (radians) in a view."""
    body = walking_pose(appearance.stature, appearance.build, appearance.stride, phase)
    return Figure(appearance, body, view)
