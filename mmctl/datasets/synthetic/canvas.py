"""A picture together with who owns each of its pixels."""

from __future__ import annotations

from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import Colour

_SHIFT = 4
"""Fraction bits of OpenCV's drawing coordinates: sixteenths of a pixel."""


class Owner(IntEnum):
    """What a pixel shows. A right limb is its left one plus one."""

    BACKGROUND = 0
    TORSO = 1
    PELVIS = 2
    NECK = 3
    HEAD = 4
    HAIR = 5
    LEFT_UPPER_ARM = 10
    RIGHT_UPPER_ARM = 11
    LEFT_FOREARM = 12
    RIGHT_FOREARM = 13
    LEFT_THIGH = 14
    RIGHT_THIGH = 15
    LEFT_SHANK = 16
    RIGHT_SHANK = 17
    LEFT_SHOE = 18
    RIGHT_SHOE = 19
    BAG = 30
    OCCLUDER = 31


class Canvas:
    """A picture that is painted from far to near, and the map of its owners.

    Coordinates are in canvas pixels, x to the right and y down; integers are pixel centres.

    Args:
        image: RGB picture to paint on, (h, w, 3) uint8, contiguous; changed in place.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.image = image
        self.owners: NDArray[np.uint8] = np.zeros(image.shape[:2], np.uint8)
        self.owner_of_all: Owner | None = None

    def polygon(
        self, points: NDArray[np.float64], colour: Colour, owner: Owner | int | None = None
    ) -> None:
        """Fill a polygon.

        Args:
            points: Corners (x, y), (n, 2).
            colour: RGB, 0..255.
            owner: New owner of the pixels; None leaves them to whom they belong (a decoration).
        """
        corners = np.rint(points * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(self.image, [corners], colour, cv2.LINE_AA, _SHIFT)
        if owner is not None:
            # Anti-aliased edges would mix owner numbers into wrong ones.
            cv2.fillPoly(self.owners, [corners], self._owner(owner), cv2.LINE_8, _SHIFT)

    def ellipse(
        self,
        centre: NDArray[np.float64],
        radii: tuple[float, float],
        colour: Colour,
        owner: Owner | int | None = None,
    ) -> None:
        """Fill an upright ellipse with the given (x, y) centre and (x, y) radii."""
        scale = 1 << _SHIFT
        place = (round(float(centre[0]) * scale), round(float(centre[1]) * scale))
        axes = (max(1, round(radii[0] * scale)), max(1, round(radii[1] * scale)))
        cv2.ellipse(self.image, place, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)
        if owner is not None:
            number = self._owner(owner)
            cv2.ellipse(self.owners, place, axes, 0, 0, 360, number, -1, cv2.LINE_8, _SHIFT)

    def _owner(self, owner: Owner | int) -> tuple[int]:
        return (int(owner if self.owner_of_all is None else self.owner_of_all),)


def shade(colour: Colour, factor: float) -> Colour:
    """Return a darker (factor below 1) or brighter colour."""
    red, green, blue = (min(255.0, max(0.0, channel * factor)) for channel in colour)
    return red, green, blue
