"""Persons that were found in a camera's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass
class Detections:
    """The persons in one frame of a camera.

    Attributes:
        boxes: Left, top, width and height in pixels, edges counted from 0 at the frame's upper left
            corner, (n, 4) float64.
        scores: Confidence of each from 0 to 1, (n,) float64.
        keypoints: x, y and score from 0 to 1 of each joint, integer coordinates at pixel centres,
            (n, 17, 3) float32; None where the detector finds no joints.
        tracks: Who they are in this video, (n,) int64, 0 or more; None before tracking.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    keypoints: npt.NDArray[np.float32] | None = None
    tracks: npt.NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        self.boxes = np.asarray(self.boxes, dtype=np.float64).reshape(-1, 4)
        self.scores = np.asarray(self.scores, dtype=np.float64).reshape(-1)
        if len(self.boxes) != len(self.scores):
            raise ValueError(
                "detections need a score for each box, because trackers start with the sure ones, "
                f"got {len(self.boxes)} boxes and {len(self.scores)} scores"
            )
        if not (np.isfinite(self.boxes).all() and np.isfinite(self.scores).all()):
            raise ValueError("boxes and scores of detections must be finite numbers, got others")
        if (self.boxes[:, 2:] <= 0).any():
            worst = self.boxes[(self.boxes[:, 2:] <= 0).any(axis=1)][0].tolist()
            raise ValueError(
                "boxes of detections must be left, top, width and height, the latter two positive, "
                f"got {worst}"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Detections:
        """Return some of them.

        Args:
            index: Which, as NumPy takes it.
        """
        return Detections(
            self.boxes[index],
            self.scores[index],
            None if self.keypoints is None else self.keypoints[index],
            None if self.tracks is None else self.tracks[index],
        )
