"""The boxes of another program's tracker in the place of a detector: nothing is detected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.label_folder import read_label_folder
from mmctl.datasets.tracking.mot_file import read_mot_file
from mmctl.datasets.tracking.track_boxes import TrackBoxes
from mmctl.datasets.tracking.track_fit import check_fit
from mmctl.models.detectors.detector import Detector, Frame
from mmctl.registry import DETECTORS
from mmctl.structures import Detections


@DETECTORS.register_module()
class MotFile(Detector):
    """Boxes and tracks from a file, or a folder of labels, that belongs to the video.

    Args:
        first_frame: What the tracker calls the first frame of the video.
        layout: ``'ltwh'`` or ``'ltrb'``, what the four numbers of a box are; None lets a check
            doubt the former.
        classes: The classes of objects that are persons, where there are several.
        skip_missing_frames: Whether boxes beyond the end of the video are left out; otherwise they
            are an error.

    Raises:
        ValueError: If ``first_frame`` is negative.
    """

    has_tracks = True

    def __init__(
        self,
        first_frame: int = 1,
        layout: str | None = None,
        classes: Sequence[int] | None = None,
        skip_missing_frames: bool = False,
    ) -> None:
        if first_frame < 0:
            raise ValueError(f"first_frame must be at least 0, got {first_frame}")
        self.first_frame, self.layout = first_frame, layout
        self.classes = None if classes is None else list(classes)
        self.skip_missing_frames = skip_missing_frames
        self._boxes: TrackBoxes | None = None
        self._order = self._positions = np.zeros(0, np.int64)

    def start(self, source: FrameSource, tracks: Path | None) -> list[str]:
        """Read the file and compare it with the video.

        Raises:
            ValueError: If there is none, it is malformed, or it is of another video.
        """
        if tracks is None:
            raise ValueError(
                f"MotFile needs the tracks of {source.path}: give a track file for each video"
            )
        if tracks.is_dir():
            boxes = read_label_folder(tracks, source, self.first_frame, self.classes)
        else:
            boxes = read_mot_file(tracks, self.first_frame, self.layout, self.classes)
        warnings = check_fit(boxes, source, self.first_frame)
        positions = boxes.frames - self.first_frame
        last = int(positions.argmax())
        if not self.skip_missing_frames and not source.has_frame(int(positions[last])):
            raise ValueError(
                f"{boxes.place(last)}: frame {boxes.frames[last]} is beyond the end of "
                f"{source.path}, which has {source.num_frames} frames, the first one called "
                f"{self.first_frame}; are the tracks of another video?"
            )
        self._boxes, self._order = boxes, np.argsort(positions, kind="stable")
        self._positions = positions[self._order]
        return warnings

    def detect(self, frames: Sequence[Frame], positions: Sequence[int]) -> list[Detections]:
        """Return what the file says of each position."""
        assert self._boxes is not None
        assert len(frames) == len(positions)
        found = []
        for position in positions:
            first, end = np.searchsorted(self._positions, [position, position + 1])
            index = self._order[first:end]
            found.append(
                Detections(
                    self._boxes.boxes[index],
                    self._boxes.confidences[index],
                    None,
                    self._boxes.tracks[index],
                )
            )
        return found

    def finish(self, source: FrameSource) -> Counter[str]:
        """Compare the end of the tracks with that of the video.

        Raises:
            ValueError: If the video has ended before its tracks.
        """
        assert self._boxes is not None
        left_out = Counter(self._boxes.left_out)
        missing = int((self._positions >= source.num_frames).sum())
        if missing and not self.skip_missing_frames:
            raise ValueError(
                f"{self._boxes.path}: tracks go on to frame {self._positions[-1] + 1} of "
                f"{source.path}, which cannot be decoded beyond its first {source.num_frames}; are "
                "they of another video? Where it was cut off, skip_missing_frames leaves out the "
                f"{missing:,} boxes beyond"
            )
        left_out["beyond the end of the video"] = missing
        return left_out

    def origin(self) -> dict[str, Any]:
        """Return how files are read."""
        return {
            "type": type(self).__name__,
            "first_frame": self.first_frame,
            "layout": self.layout,
            "classes": self.classes,
            "skip_missing_frames": self.skip_missing_frames,
        }
