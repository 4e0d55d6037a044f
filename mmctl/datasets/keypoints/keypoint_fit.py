"""Whether keypoints can be what they are said to be: pixels of their frames, scores up to 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_OUTSIDE = 0.25
"""Largest share of joints outside of their frames: estimators put a joint beyond the border here
and there, and boxes cut off legs."""

MAX_STRANGE = 0.05
"""Largest share of persons most of whose joints lie outside, or all of them within a pixel or two.
"""

MAX_HIGH = 0.5
"""Largest share of scores above 1, to which heatmaps may overshoot."""

_FRACTION = 1.5
"""Coordinates up to here, in either direction, are fractions of a frame."""


@dataclass
class KeypointFit:
    """Counts of scored joints, added up block by block.

    Attributes:
        num_persons: Rows with a scored joint.
        num_points: Those of at least three joints, of which nine in ten are at -1.5 to 1.5.
        num_joints: Scored joints.
        num_high: Those of a score above 1.
        highest: The highest score.
        num_sized_persons: Persons in frames of known size.
        num_strangers: Those most of whose joints lie outside.
        num_sized: Scored joints in frames of known size.
        num_outside: Those outside of their frame.
    """

    num_persons: int = 0
    num_points: int = 0
    num_joints: int = 0
    num_high: int = 0
    highest: float = 0.0
    num_sized_persons: int = 0
    num_strangers: int = 0
    num_sized: int = 0
    num_outside: int = 0

    def add(
        self, keypoints: npt.NDArray[np.float32], sizes: npt.NDArray[np.int32] | None = None
    ) -> None:
        """Count rows.

        Args:
            keypoints: x, y, score, (n, 17, 3), finite.
            sizes: Height and width of each frame, (n, 2), zeros where unknown; None if all are.
        """
        scored = keypoints[..., 2] > 0
        count = scored.sum(axis=1)
        near = (scored & (np.abs(keypoints[..., :2]) <= _FRACTION).all(axis=-1)).sum(axis=1)
        self.num_persons += int((count > 0).sum())
        self.num_points += int(((count > 2) & (near >= 0.9 * count)).sum())
        self.num_joints += int(count.sum())
        self.num_high += int((keypoints[..., 2] > 1).sum())
        self.highest = max(self.highest, float(keypoints[..., 2].max(initial=0)))
        if sizes is None:
            return
        known = sizes.all(axis=1)
        # (n, 1, 2) width and height; pixel centres are integers
        limits = sizes[:, None, ::-1]
        beyond = ((keypoints[..., :2] < -0.5) | (keypoints[..., :2] > limits - 0.5)).any(axis=-1)
        count, outside = count[known], (scored & beyond)[known].sum(axis=1)
        self.num_sized_persons += int((count > 0).sum())
        self.num_strangers += int((2 * outside > count).sum())
        self.num_sized += int(count.sum())
        self.num_outside += int(outside.sum())

    def faults(self) -> list[str]:
        """Return what these numbers cannot be, in words."""
        faults = []
        if self.num_points > MAX_STRANGE * self.num_persons:
            faults.append(
                "x and y must be pixels of the stored frame, got fractions of it (from -1.5 to "
                f"1.5) for {self.num_points} of {self.num_persons} persons: write pixels, with "
                "OpenPose --keypoint_scale 0"
            )
        if self.num_high > MAX_HIGH * self.num_joints:
            faults.append(
                f"scores must lie in [0, 1], but {self.num_high} of {self.num_joints} are above 1, "
                f"up to {self.highest:g}: divide them by the largest that the program gives"
            )
        strange = self.num_strangers > MAX_STRANGE * self.num_sized_persons
        if strange or self.num_outside > MAX_OUTSIDE * self.num_sized:
            faults.append(
                f"keypoints must be in pixels of the stored frame, but {self.num_outside} of "
                f"{self.num_sized} joints lie outside of theirs, and most joints of "
                f"{self.num_strangers} of {self.num_sized_persons} persons: are they poses of "
                "whole frames and not of the crops, of frames of another size or order, or x and y "
                "exchanged?"
            )
        return faults
