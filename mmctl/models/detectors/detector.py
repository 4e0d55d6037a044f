"""What a detector of persons must do; registered in ``DETECTORS``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.structures import Detections

Frame = npt.NDArray[np.uint8]


class Detector:
    """Finds the persons in frames.

    Attributes:
        has_keypoints: Whether its detections have keypoints.
        has_tracks: Whether its detections have tracks, so that they need no tracker.
    """

    has_keypoints: bool = False
    has_tracks: bool = False

    def start(self, source: FrameSource, tracks: Path | None) -> list[str]:  # noqa: ARG002
        """Get ready for a video; called before its first frame, and to check it beforehand.

        Args:
            source: The video.
            tracks: The file of tracks that belongs to it, where one is given.

        Returns:
            Warnings.

        Raises:
            ValueError: If a file is given, which most detectors have no use for.
        """
        if tracks is not None:
            raise ValueError(
                f"track file {tracks} is read by the detector MotFile alone, because "
                f"{type(self).__name__} finds the persons itself"
            )
        return []

    def detect(self, frames: Sequence[Frame], positions: Sequence[int]) -> list[Detections]:
        """Find the persons.

        Args:
            frames: Frames of the video, RGB, (H, W, 3) each.
            positions: Their positions in the video, from 0.

        Returns:
            What is in each frame.
        """
        raise NotImplementedError

    def finish(self, source: FrameSource) -> Counter[str]:  # noqa: ARG002
        """Be told that a video is at its end.

        Args:
            source: The video; its ``num_frames`` is what was there.

        Returns:
            How many boxes were left out for which reason.
        """
        return Counter()

    def origin(self) -> dict[str, Any]:
        """Return what decides its results, for the record of a run: plain values."""
        return {"type": type(self).__name__}
