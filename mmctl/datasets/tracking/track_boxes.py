"""What a tracker says about one camera, in pixels of the camera's frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class TrackBoxes:
    """The boxes of one file or folder.

    Attributes:
        path: Where they are from.
        lines: Number of each box's line, from 1; 0 where every frame has a file of its own, (n,).
        frames: Frame numbers as the tracker counts, (n,).
        tracks: Track ids, (n,).
        boxes: Left, top, width and height in pixels, (n, 4).
        confidences: Confidence of each box; 1 where it has none, (n,).
        is_layout_named: Whether a header or the user says what the four numbers of a box are.
        left_out: How many boxes of the file are not here for which reason.
    """

    path: Path
    lines: npt.NDArray[np.int64]
    frames: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    confidences: npt.NDArray[np.float64]
    is_layout_named: bool = False
    left_out: Counter[str] = field(default_factory=Counter)

    def place(self, index: int) -> str:
        """Return where a box stands, for messages."""
        line = int(self.lines[index])
        return f"{self.path}, line {line}" if line else f"{self.path}"

    def check_tracks(self) -> TrackBoxes:
        """Return these boxes, or refuse a track that is in two places of a frame.

        Raises:
            ValueError: If a track has two boxes in a frame; both are named.
        """
        order = np.lexsort((self.tracks, self.frames))
        frames, tracks = self.frames[order], self.tracks[order]
        twice = np.flatnonzero((frames[1:] == frames[:-1]) & (tracks[1:] == tracks[:-1]))
        if len(twice):
            first, second = order[twice[0] : twice[0] + 2]
            earlier = f"line {self.lines[first]}" if self.lines[first] else "another line"
            raise ValueError(
                f"{self.place(second)}: a track has one box in a frame, but {earlier} has frame "
                f"{self.frames[first]} of track {self.tracks[first]}, too"
            )
        return self
