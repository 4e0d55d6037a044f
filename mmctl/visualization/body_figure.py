"""A standing person seen from the front, on whom numbers of joints and parts are drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mmctl.structures import KEYPOINT_EDGES

# x to the right and y upwards; the person faces us, so that its left is on our right.
_RIGHT_HALF = {
    2: (-0.06, 1.74), 4: (-0.15, 1.71), 6: (-0.30, 1.42), 8: (-0.46, 1.12), 10: (-0.54, 0.84),
    12: (-0.18, 0.90), 14: (-0.21, 0.50), 16: (-0.23, 0.08),
}  # fmt: skip


def _joints() -> NDArray[np.float64]:
    places = np.zeros((17, 2))
    places[0] = (0.0, 1.66)
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


def draw_body(axes: Axes, colour: str = "#d0d0d0", width: float = 3) -> None:
    """Draw the skeleton, and say which side is which.

    Args:
        axes: Where; gets equal scales and no frame.
        colour: Of bones and head.
        width: Of the bones in points.
    """
    for first, second in KEYPOINT_EDGES:
        pair = JOINTS[[first, second]]
        axes.plot(*pair.T, color=colour, lw=width, solid_capstyle="round", zorder=1)
    axes.set_xlim(-0.8, 0.8)
    axes.set_ylim(-0.08, 1.9)
    axes.set_aspect("equal")
    axes.axis("off")
