"""Arms and legs: tapered, shaded on the side away from the light."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import Bag, Colour, Pattern
from mmctl.datasets.synthetic.body_pose import (
    LEFT_ANKLE,
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
)
from mmctl.datasets.synthetic.canvas import Canvas, Owner, shade
from mmctl.datasets.synthetic.figure import Figure

_FAR_SHADE = 0.8
"""Limbs on the far side are in the shade of the body."""

_SIDE_SHADE = 0.84
"""The half of a limb away from the light."""

_STRIP = np.array([[0.95], [0.25]])
"""Edges of that half, in radii from the middle of the limb."""

_HALF_CIRCLE = np.linspace(-math.pi / 2, math.pi / 2, 7)[:, None]
_SINES, _COSINES = np.sin(_HALF_CIRCLE), np.cos(_HALF_CIRCLE)

Span = tuple[NDArray[np.float64], NDArray[np.float64]]
Radii = tuple[float, float]


def draw_leg(canvas: Canvas, figure: Figure, side: int, *, is_far: bool) -> None:
    """Paint one leg: shank, shoe, then the thigh over the shank.

    Args:
        canvas: Where to paint.
        figure: Whose leg.
        side: 0 left, 1 right.
        is_far: Whether the leg is on the far side of the body.
    """
    looks, points = figure.appearance, figure.keypoints
    light = _FAR_SHADE if is_far else 1.0
    legs, shoes = shade(looks.colour_of("legs"), light), shade(looks.colour_of("shoes"), light)
    hip, knee, ankle = (points[first + side] for first in (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE))
    skin = shade(looks.skin, light)
    wide = figure.length(looks.build)
    calf = (0.034 * wide, 0.02 * wide) if looks.shorts else (0.042 * wide, 0.031 * wide)
    shank_owner, shoe_owner = Owner.LEFT_SHANK + side, Owner.LEFT_SHOE + side
    lower = skin if looks.shorts else legs
    _limb(canvas, figure, (knee, ankle), calf, lower, shank_owner)
    _shoe(canvas, figure, side, shoes, shoe_owner)
    thigh = (0.056 * wide, 0.046 * wide)
    _limb(canvas, figure, (hip, knee), thigh, legs, Owner.LEFT_THIGH + side)


def _shoe(canvas: Canvas, figure: Figure, side: int, colour: Colour, owner: int) -> None:
    """Paint a shoe with its shaft around the ankle and a dark sole."""
    knee, ankle = figure.keypoints[LEFT_KNEE + side], figure.keypoints[LEFT_ANKLE + side]
    heel = figure.project(figure.pose.heels[side])
    toe = figure.project(figure.pose.toes[side])
    thick = figure.length(1.0)
    shaft = ankle + 0.14 * (knee - ankle)
    _limb(canvas, figure, (shaft, heel), (0.029 * thick, 0.027 * thick), colour, owner)
    _limb(canvas, figure, (heel, toe), (0.026 * thick, 0.021 * thick), colour, owner)
    down = np.array([0.0, 0.018 * thick])
    sole = _outline((heel + down, toe + down), (0.008 * thick, 0.008 * thick))
    canvas.polygon(sole, shade(colour, 0.45), owner)


def draw_arm(canvas: Canvas, figure: Figure, side: int, *, is_far: bool) -> None:
    """Paint one arm: hand (with a bag), forearm, then the sleeve over it.

    Args:
        canvas: Where to paint.
        figure: Whose arm.
        side: 0 left, 1 right.
        is_far: Whether the arm is on the far side of the body.
    """
    looks, points = figure.appearance, figure.keypoints
    light = _FAR_SHADE if is_far else 1.0
    skin, sleeve = shade(looks.skin, light), shade(looks.colour_of("sleeves"), light)
    joints = (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST)
    shoulder, elbow, wrist = (points[first + side] for first in joints)
    hand = figure.project(figure.pose.hands[side])
    wide, forearm = figure.length(looks.build), Owner.LEFT_FOREARM + side
    if looks.bag is Bag.HAND and looks.bag_side == side:
        _hand_bag(canvas, figure, hand, shade(looks.accessory, light))
    _limb(canvas, figure, (wrist, hand), (0.019 * wide, 0.021 * wide), skin, forearm)
    bare = looks.short_sleeves
    radii = (0.025 * wide, 0.018 * wide) if bare else (0.029 * wide, 0.023 * wide)
    _limb(canvas, figure, (elbow, wrist), radii, skin if bare else sleeve, forearm)
    upper = (0.038 * wide, 0.03 * wide)
    _limb(canvas, figure, (shoulder, elbow), upper, sleeve, Owner.LEFT_UPPER_ARM + side)
    if looks.pattern is Pattern.JACKET:
        band = (shoulder + 0.62 * (elbow - shoulder), shoulder + 0.8 * (elbow - shoulder))
        across = _normal(*band) * upper[1] * np.array([[1.0], [-1.0]])
        canvas.polygon(
            np.concatenate([band[0] + across, band[1] - across]), shade(looks.accessory, light)
        )


def _hand_bag(canvas: Canvas, figure: Figure, hand: NDArray[np.float64], colour: Colour) -> None:
    """Paint a bag hanging from the hand, seen flat from the side and thin from the front."""
    unit = figure.length(1.0)
    half = (0.06 * abs(figure.heading) + 0.032 * abs(figure.facing)) * unit
    top, bottom = 0.035 * unit, 0.14 * unit
    handle = np.array([[-0.5 * half, top], [0.0, -0.005 * unit], [0.5 * half, top]])
    body = np.array([[-half, top], [half, top], [1.12 * half, bottom], [-1.12 * half, bottom]])
    canvas.polygon(hand + handle, shade(colour, 0.7), Owner.BAG)
    canvas.polygon(hand + body, colour, Owner.BAG)
    flap = np.array([[-half, top], [half, top], [half, 0.065 * unit], [-half, 0.065 * unit]])
    canvas.polygon(hand + flap, shade(colour, 0.78))


def _limb(
    canvas: Canvas, figure: Figure, span: Span, radii: Radii, colour: Colour, owner: int
) -> None:
    """Paint a tapered, round-ended limb and its half in the shade."""
    canvas.polygon(_outline(span, radii), colour, owner)
    start, end = span
    across = _normal(start, end)
    if across[0] * figure.view.light_from > 0:
        across = -across
    begins, ends = start + across * radii[0] * _STRIP, end + across * radii[1] * _STRIP[::-1]
    canvas.polygon(np.concatenate([begins, ends]), shade(colour, _SIDE_SHADE))


def _outline(span: Span, radii: Radii) -> NDArray[np.float64]:
    """Return the corners (n, 2) of a tapered limb with round ends."""
    start, end = span
    across = _normal(start, end)
    along = np.array([across[1], -across[0]])
    cap = _SINES * across + _COSINES * along
    return np.concatenate([end + radii[1] * cap, start - radii[0] * cap])


def _normal(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit vector across a limb; a limb seen end on is taken to hang down."""
    along = end - start
    norm = math.hypot(along[0], along[1])
    if norm < 1e-6:
        return np.array([-1.0, 0.0])
    return np.array([-along[1], along[0]]) / norm
