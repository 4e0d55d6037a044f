"""A standing person seen from the front, on whom numbers of joints and parts are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import NDArray

from mmctl.structures import KEYPOINT_EDGES

# x to the right and y upwards; the person faces us, so that its left is on our right.
_RIGHT_HALF = {
    2: (-0.10, 1.74), 4: (-0.22, 1.68), 6: (-0.34, 1.34), 8: (-0.50, 1.06), 10: (-0.58, 0.78),
    12: (-0.20, 0.84), 14: (-0.23, 0.46), 16: (-0.25, 0.06),
}  # fmt: skip

_HEAD, _HEAD_RADIUS, _LAST_OF_HEAD = (0.0, 1.68), 0.25, 4


def _joints() -> NDArray[np.float64]:
    places = np.zeros((17, 2))
    places[0] = (0.0, 1.62)
    for right, (x, y) in _RIGHT_HALF.items():
        places[right], places[right - 1] = (x, y), (-x, y)
    return places


JOINTS = _joints()
"""Places of the COCO-17 joints, (17, 2)."""


def node_places(parts: Sequence[Sequence[int]] | None) -> NDArray[np.float64]:
    """Return where the nodes of a scale stand: joints, or the middle of the joints of each part.

    Args:
        parts: Joints of each part; ``None``: the joints themselves.

    Returns:
        (N, 2). Two parts of one place are moved apart.
    """
    if parts is None:
        return JOINTS.copy()
    return np.array([JOINTS[list(part)].mean(axis=0) for part in parts])


def draw_body(axes: Axes, colour: str = "#d4d4d4", width: float = 3) -> None:
    """Draw the bones below the head, and the head as a circle.

    Args:
        axes: Where; gets equal scales and no frame.
        colour: Of bones and head.
        width: Of the bones in points.
    """
    for first, second in KEYPOINT_EDGES:
        if min(first, second) > _LAST_OF_HEAD:
            pair = JOINTS[[first, second]]
            axes.plot(*pair.T, color=colour, lw=width, solid_capstyle="round", zorder=1)
    neck = [JOINTS[[5, 6]].mean(axis=0)[1], _HEAD[1] - _HEAD_RADIUS]
    axes.plot([0, 0], neck, color=colour, lw=width, zorder=1)
    axes.add_patch(Circle(_HEAD, _HEAD_RADIUS, fc="none", ec=colour, lw=width, zorder=1))
    axes.set_xlim(-0.8, 0.8)
    axes.set_ylim(-0.14, 1.98)
    axes.set_aspect("equal")
    axes.axis("off")


def name_sides(axes: Axes) -> None:
    """Write below a body which side is which: that of the person, who faces us."""
    for x, side in ((-0.42, "right"), (0.42, "left")):
        axes.text(x, -0.06, side, ha="center", va="top", size=7, color="#777777")
