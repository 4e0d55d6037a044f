"""What a tracker must do; registered in ``TRACKERS``."""

from __future__ import annotations

from typing import Any

from mmctl.structures import Detections


class Tracker:
    """Gives the persons of a video's frames, one after the other, their tracks."""

    def start(self, frame_rate: float) -> None:
        """Forget everything: another video begins.

        Args:
            frame_rate: Frames per second that will come, as far as the video says.
        """
        raise NotImplementedError

    def update(self, detections: Detections, time: float | None) -> Detections:
        """Return those of the next frame's persons that have a track, with it.

        Args:
            detections: The persons in the next frame; it may be nobody.
            time: Seconds since the video's start, None where nobody knows them.
        """
        raise NotImplementedError

    def origin(self) -> dict[str, Any]:
        """Return what decides its results, for the record of a run: plain values."""
        return {"type": type(self).__name__}
