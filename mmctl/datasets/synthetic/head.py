"""Head, face, hair and cap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import HairStyle
from mmctl.datasets.synthetic.body_pose import LEFT_EAR, LEFT_EYE, NOSE
from mmctl.datasets.synthetic.canvas import Canvas, Owner, shade
from mmctl.datasets.synthetic.figure import Figure

_EYES = (48.0, 36.0, 32.0)


def draw_head(canvas: Canvas, figure: Figure) -> None:
    """Paint skull, face and hair or cap."""
    skin = figure.appearance.skin
    centre, radius = _centre(figure), figure.length(0.057)
    width = radius * (0.78 + 0.12 * abs(figure.heading))
    canvas.ellipse(centre, (width, radius * 1.12), skin, Owner.HEAD)
    if figure.facing > -0.35:
        _draw_face(canvas, figure, radius)
    if figure.appearance.hair_style is HairStyle.CAP:
        _draw_cap(canvas, figure, centre, radius)
    else:
        _draw_hair(canvas, figure, centre, radius)
    if abs(figure.heading) > 0.5:
        ear = figure.keypoints[LEFT_EAR + (1 if figure.heading > 0 else 0)]
        canvas.ellipse(ear, (radius * 0.16, radius * 0.24), shade(skin, 0.86), Owner.HEAD)


def draw_long_hair(canvas: Canvas, figure: Figure) -> None:
    """Paint the hair that falls on the shoulders, for people who wear it long."""
    if figure.appearance.hair_style is not HairStyle.LONG:
        return
    centre, radius = _centre(figure), figure.length(0.057)
    behind = np.array([-0.42 * figure.heading * radius, 0.0])
    outline = np.array(
        [(-0.92, -0.3), (0.92, -0.3), (1.02, 0.9), (0.85, 2.05), (-0.85, 2.05), (-1.02, 0.9)]
    )
    narrow = 1.0 - 0.35 * abs(figure.heading)
    corners = centre + behind + outline * radius * (narrow, 1.0)
    canvas.polygon(corners, shade(figure.appearance.hair, 0.92), Owner.HAIR)


def _centre(figure: Figure) -> NDArray[np.float64]:
    return figure.project(figure.pose.at(0.0, 0.932, 0.018))


def _draw_face(canvas: Canvas, figure: Figure, radius: float) -> None:
    """Paint the nose, which stands out in a side view, and eyes and mouth."""
    skin = figure.appearance.skin
    nose = figure.keypoints[NOSE]
    stick_out = np.array([-0.1 * figure.heading * radius, 0.0])
    canvas.ellipse(nose + stick_out, (radius * 0.17, radius * 0.2), shade(skin, 0.9), Owner.HEAD)
    for side in (0, 1):
        eye = figure.keypoints[LEFT_EYE + side]
        if figure.nearness[LEFT_EYE + side] > 0.015:
            canvas.ellipse(eye, (radius * 0.15, radius * 0.11), _EYES, Owner.HEAD)
    if figure.facing > 0.2:
        mouth = nose + np.array([-0.3 * figure.heading, 0.42]) * radius
        lips = (skin[0] * 0.85, skin[1] * 0.6, skin[2] * 0.6)
        canvas.ellipse(mouth, (radius * 0.26, radius * 0.07), lips, Owner.HEAD)


def _draw_hair(canvas: Canvas, figure: Figure, centre: NDArray[np.float64], radius: float) -> None:
    """Paint hair that shows a forehead in front and covers the head behind."""
    turned = (1.0 - figure.facing) / 2.0
    thick = 0.84 if figure.appearance.hair_style is HairStyle.SHAVED else 1.0
    middle = np.array([-0.36 * figure.heading, -0.66 + 0.5 * turned]) * radius
    radii = (0.86 * thick * radius, (0.52 + 0.46 * turned) * thick * radius)
    canvas.ellipse(centre + middle, radii, figure.appearance.hair, Owner.HAIR)
    if figure.appearance.hair_style is not HairStyle.SHAVED:
        top = np.array([-0.08 * figure.heading, -0.82]) * radius
        canvas.ellipse(
            centre + top, (0.74 * radius, 0.42 * radius), figure.appearance.hair, Owner.HAIR
        )


def _draw_cap(canvas: Canvas, figure: Figure, centre: NDArray[np.float64], radius: float) -> None:
    """Paint a cap in the accessory colour, with its peak in front and hair below behind."""
    colour = figure.appearance.accessory
    if figure.facing < 0.5:
        nape = np.array([-0.3 * figure.heading, 0.05]) * radius
        half = 0.8 - 0.25 * abs(figure.heading)
        canvas.ellipse(
            centre + nape, (half * radius, 0.5 * radius), figure.appearance.hair, Owner.HAIR
        )
    crown = np.array([-0.05 * figure.heading, -0.62]) * radius
    canvas.ellipse(centre + crown, (0.9 * radius, 0.62 * radius), colour, Owner.HAIR)
    if figure.facing > -0.4:
        peak = np.array([0.72 * figure.heading, -0.42]) * radius
        reach = 0.55 + 0.2 * max(0.0, figure.facing)
        canvas.ellipse(
            centre + peak, (reach * radius, 0.17 * radius), shade(colour, 0.72), Owner.HAIR
        )
