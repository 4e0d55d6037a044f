"""Neck, torso, pelvis and back pack."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import Bag, Pattern
from mmctl.datasets.synthetic.canvas import Canvas, Owner, shade
from mmctl.datasets.synthetic.figure import Figure

Sections = NDArray[np.float64]

_TORSO: Sections = np.array(
    [
        (0.852, 0.040, 0.036),
        (0.842, 0.068, 0.042),
        (0.826, 0.104, 0.048),
        (0.790, 0.104, 0.062),
        (0.730, 0.096, 0.068),
        (0.630, 0.084, 0.058),
        (0.550, 0.091, 0.064),
        (0.485, 0.098, 0.068),
    ]
)
"""Elliptic sections of the torso garment, neck to hem: (up, half width, half depth) in heights."""

_PELVIS: Sections = np.array(
    [(0.560, 0.088, 0.060), (0.500, 0.096, 0.066), (0.450, 0.090, 0.060), (0.430, 0.060, 0.045)]
)

_SIDE_SHADE = 0.84
"""The side of the trunk away from the light."""

_LEAN = 0.06
"""Forward lean of the trunk: heights forward per height above the hips."""


def draw_neck(canvas: Canvas, figure: Figure) -> None:
    """Paint the neck, in the shade of the chin."""
    top, bottom = _axis(figure, 0.90), _axis(figure, 0.835)
    half = np.array([figure.length(0.027), 0.0])
    corners = np.array([top - half, top + half, bottom + 1.15 * half, bottom - 1.15 * half])
    canvas.polygon(corners, shade(figure.appearance.skin, 0.84), Owner.NECK)


def draw_pelvis(canvas: Canvas, figure: Figure) -> None:
    """Paint what joins the legs, in the colour of the trousers."""
    colour = figure.appearance.colour_of("legs")
    canvas.polygon(_silhouette(figure, _PELVIS), colour, Owner.PELVIS)
    edge = -figure.view.light_from
    canvas.polygon(_silhouette(figure, _PELVIS, (0.3 * edge, edge)), shade(colour, _SIDE_SHADE))


def draw_torso(canvas: Canvas, figure: Figure) -> None:
    """Paint the torso garment with its shade and pattern, and the straps of a back pack."""
    looks = figure.appearance
    colour = looks.colour_of("torso")
    canvas.polygon(_silhouette(figure, _TORSO), colour, Owner.TORSO)
    edge = -figure.view.light_from
    canvas.polygon(_silhouette(figure, _TORSO[2:], (0.45 * edge, edge)), shade(colour, _SIDE_SHADE))
    if looks.pattern is Pattern.STRIPES:
        for top in (0.775, 0.695, 0.615, 0.535):
            canvas.polygon(_silhouette(figure, _between(top, top - 0.036)), looks.accessory)
    if looks.pattern is Pattern.JACKET and figure.facing > 0.15:
        middle = 0.55 * figure.heading
        opening = (max(-0.97, middle - 0.26), min(0.97, middle + 0.26))
        canvas.polygon(_silhouette(figure, _between(0.845, 0.49), opening), looks.accessory)
    if looks.bag is Bag.BACKPACK and figure.facing > 0.15:
        for inner in (-0.62, 0.42):
            straps = _silhouette(figure, _between(0.84, 0.62), (inner, inner + 0.2))
            canvas.polygon(straps, shade(looks.accessory, 0.8))


def draw_backpack(canvas: Canvas, figure: Figure) -> None:
    """Paint a back pack with a pocket."""
    colour = shade(figure.appearance.accessory, 0.94)
    centre = figure.project(figure.pose.at(0.0, 0.71, -0.085))
    half = figure.width(0.078, 0.052)
    tall = figure.length(0.115)
    outline = [(-1, -0.75), (-0.7, -1), (0.7, -1), (1, -0.75), (1, 0.9), (0.8, 1), (-0.8, 1)]
    outline.append((-1, 0.9))
    corners = np.array(outline) * (half, tall) + centre
    canvas.polygon(corners, colour, Owner.BAG)
    if figure.facing < 0:
        pocket = np.array([(-0.65, 0.1), (0.65, 0.1), (0.65, 0.75), (-0.65, 0.75)])
        canvas.polygon(pocket * (half, tall) + centre, shade(colour, 0.78))


def _axis(figure: Figure, up: float) -> NDArray[np.float64]:
    """Return the canvas pixel of the trunk's axis at a height."""
    return figure.project(figure.pose.at(0.0, up, _LEAN * (up - 0.52)))


def _between(top: float, bottom: float) -> Sections:
    """Return the torso's sections from one height down to another."""
    inside = _TORSO[(_TORSO[:, 0] < top) & (_TORSO[:, 0] > bottom), 0]
    heights = np.concatenate([[top], inside, [bottom]])
    rising = _TORSO[::-1]
    columns = [np.interp(heights, rising[:, 0], rising[:, column]) for column in (1, 2)]
    return np.stack([heights, *columns], 1)


def _silhouette(
    figure: Figure, sections: Sections, span: tuple[float, float] = (-1.0, 1.0)
) -> NDArray[np.float64]:
    """Return the outline (2 n, 2) of stacked elliptic sections.

    Args:
        figure: Whose trunk.
        sections: (up, half width, half depth) of n sections in heights, (n, 3).
        span: Left and right edge, -1 and 1 being those of the body.
    """
    up, lean = sections[:, 0], _LEAN * (sections[:, 0] - 0.52)
    axis = figure.project(
        np.stack([np.zeros_like(up), up + figure.pose.lift, lean], 1) * figure.pose.stature
    )
    seen = np.hypot(sections[:, 1] * figure.facing, sections[:, 2] * figure.heading)
    half = np.stack([seen * figure.length(figure.appearance.build), np.zeros_like(up)], 1)
    return np.concatenate([axis + span[0] * half, (axis + span[1] * half)[::-1]])
