"""Things and people in the way of the one a tracklet is about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from mmctl.datasets.synthetic.appearance import Appearance, Colour, draw_group
from mmctl.datasets.synthetic.canvas import Canvas, Owner, shade
from mmctl.datasets.synthetic.figure import View, pose_figure
from mmctl.datasets.synthetic.figure_painting import draw_figure


class ObstacleKind(Enum):
    """What is in the way."""

    POLE = "pole"
    WALL = "wall"
    PASSER_BY = "passer-by"
    BEHIND = "behind"


_KINDS = (
    ObstacleKind.POLE,
    ObstacleKind.WALL,
    ObstacleKind.PASSER_BY,
    ObstacleKind.PASSER_BY,
    ObstacleKind.BEHIND,
)
"""Passers-by in front are twice as likely as any other."""


@dataclass(frozen=True)
class Obstacle:
    """Something in the way during a tracklet; places are in frame widths or heights.

    Attributes:
        kind: What it is.
        place: Centre in the middle frame, in frame widths to the right of the frame's centre.
        speed: Frame widths per frame.
        middle: Index of the frame at which it is at ``place``.
        colour: RGB of a pole or wall.
        top: Upper edge of a wall, in frame heights.
        person: The other person.
        yaw: Turn of the other person, radians.
        phase: Phase of the other person's gait in the first frame, radians.
    """

    kind: ObstacleKind
    place: float
    speed: float
    middle: int
    colour: Colour
    top: float
    person: Appearance
    yaw: float
    phase: float

    def draw_behind(self, canvas: Canvas, view: View, frame: int, phase_step: float) -> None:
        """Paint what stands behind the person of ``view``."""
        if self.kind is ObstacleKind.BEHIND:
            height = canvas.image.shape[0]
            self._draw_person(
                canvas, view, (self._offset(frame), -0.03 * height), frame * phase_step
            )
        canvas.owners[:] = Owner.BACKGROUND

    def draw_in_front(self, canvas: Canvas, view: View, frame: int, phase_step: float) -> None:
        """Paint what stands in front; its pixels belong to no one's keypoints."""
        canvas.owner_of_all = Owner.OCCLUDER
        height, width = canvas.image.shape[:2]
        offset = self._offset(frame)
        if self.kind is ObstacleKind.PASSER_BY:
            # Never exactly in front: such a tracklet would be about the passer-by.
            aside = math.copysign(max(abs(offset), 0.24), offset)
            self._draw_person(canvas, view, (aside, 0.06 * height), frame * phase_step)
        elif self.kind is ObstacleKind.POLE:
            middle = width * (0.5 + 0.7 * offset)
            _block(canvas, (middle - 0.07 * width, middle + 0.07 * width), 0.0, self.colour)
        elif self.kind is ObstacleKind.WALL:
            edge = width * (0.5 + 0.8 * offset)
            span = (-2.0, edge) if self.place > 0 else (edge, width + 2.0)
            _block(canvas, span, self.top * height, self.colour)
        canvas.owner_of_all = None

    def _offset(self, frame: int) -> float:
        return self.place + self.speed * (frame - self.middle)

    def _draw_person(
        self, canvas: Canvas, view: View, shift: tuple[float, float], moved: float
    ) -> None:
        height, width = canvas.image.shape[:2]
        nearer = 1 + 0.9 * shift[1] / height
        foot = (width * (0.5 + shift[0]), view.foot[1] + shift[1])
        theirs = View(self.yaw, view.pitch, foot, view.scale * nearer, view.light_from)
        draw_figure(canvas, pose_figure(self.person, self.phase + moved, theirs))


def draw_obstacle(
    rng: np.random.Generator, camera_yaw: float, num_frames: int, share: float
) -> Obstacle | None:
    """Draw what is in the way of a tracklet, if anything.

    Args:
        rng: Source of randomness.
        camera_yaw: Mean turn of the people of the camera, radians.
        num_frames: Length of the tracklet.
        share: Probability of an obstacle.
    """
    if rng.random() >= share:
        return None
    grey = rng.uniform(40, 180) + rng.normal(0, 18, 3)
    red, green, blue = np.clip(grey, 10, 245)
    return Obstacle(
        kind=_KINDS[rng.integers(len(_KINDS))],
        place=float(rng.uniform(-0.7, 0.7)),
        speed=float(rng.uniform(-0.12, 0.12)) * 8 / max(8, num_frames),
        middle=int(rng.integers(num_frames)),
        colour=(float(red), float(green), float(blue)),
        top=float(rng.uniform(0.45, 0.75)),
        person=draw_group(rng, group=-1)[0],
        yaw=camera_yaw + float(rng.normal(0, 0.3)) + (math.pi if rng.random() < 0.5 else 0.0),
        phase=float(rng.uniform(0, 2 * math.pi)),
    )


def _block(canvas: Canvas, span: tuple[float, float], top: float, colour: Colour) -> None:
    """Paint an upright block from ``top`` to below the frame, with a lit edge."""
    bottom = canvas.image.shape[0] + 2.0
    left, right = span
    face = np.array([(left, top - 2), (right, top - 2), (right, bottom), (left, bottom)])
    canvas.polygon(face, colour, Owner.OCCLUDER)
    depth = 0.03 * canvas.image.shape[0]
    if top > 0:
        ledge = np.array(
            [(left, top - 2), (right, top - 2), (right, top + depth), (left, top + depth)]
        )
        canvas.polygon(ledge, shade(colour, 1.2), Owner.OCCLUDER)
    else:
        third = left + 0.3 * (right - left)
        lit = np.array([(left, top), (third, top), (third, bottom), (left, bottom)])
        canvas.polygon(lit, shade(colour, 1.2), Owner.OCCLUDER)
