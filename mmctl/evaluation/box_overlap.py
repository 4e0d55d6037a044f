"""How much boxes overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def overlap(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of each pair of boxes.

    Args:
        first: Left, top, width, height, (n, 4); sides are positive.
        second: The same of others, (m, 4).

    Returns:
        (n, m), 0 to 1.
    """
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    ends = [boxes[:, :2] + boxes[:, 2:] for boxes in (first, second)]
    end = np.minimum(ends[0][:, None], ends[1][None])
    common = (end - corner).clip(min=0).prod(axis=2)
    areas = [boxes[:, 2:].prod(axis=1) for boxes in (first, second)]
    return np.asarray(common / (areas[0][:, None] + areas[1][None] - common), np.float64)
