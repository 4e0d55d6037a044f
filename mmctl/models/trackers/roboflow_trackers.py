"""ByteTrack, SORT and OC-SORT as the Apache-2.0 library ``trackers`` of Roboflow has them."""

from __future__ import annotations

import inspect
from importlib import metadata
from typing import Any, ClassVar

import numpy as np

from mmctl.models.trackers.tracker import Tracker
from mmctl.registry import TRACKERS
from mmctl.structures import Detections

_OURS = ("self", "frame_rate", "state_estimator_class", "iou")


class RoboflowTracker(Tracker):
    """A tracker of the library, which is asked for when a video starts.

    Args:
        **options: Arguments of the library's tracker but for the frame rate, which is the video's,
            as ``track_activation_threshold=0.5`` or ``lost_track_buffer=60``.

    Raises:
        ImportError: If the library is not installed; the message has the command.
        ValueError: If an option is unknown.
    """

    ALGORITHM: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        self._class = getattr(_import_library(), self.ALGORITHM)
        known = [name for name in inspect.signature(self._class).parameters if name not in _OURS]
        for name in options:
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has no option {name!r}; known are {', '.join(known)}"
                )
        self.options = options
        self._tracker: Any = None

    def start(self, frame_rate: float) -> None:
        """Begin anew.

        Raises:
            ValueError: If the library refuses an option's value.
        """
        try:
            self._tracker = self._class(frame_rate=frame_rate, **self.options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"options of {type(self).__name__} are wrong: {error}") from error

    def update(self, detections: Detections, time: float | None) -> Detections:
        """Return the tracked persons of the next frame, in the order of their tracks."""
        import supervision

        assert self._tracker is not None
        corners = detections.boxes.copy()
        corners[:, 2:] += corners[:, :2]
        given = supervision.Detections(
            xyxy=corners,
            confidence=detections.scores,
            class_id=np.zeros(len(corners), dtype=int),
            data={"index": np.arange(len(corners))},
        )
        tracked = self._tracker.update(given, timestamp=time)
        ids = np.asarray(tracked.tracker_id, dtype=np.int64).reshape(-1)
        index = np.asarray(tracked.data.get("index", []), dtype=np.int64).reshape(-1)
        order = np.argsort(ids, kind="stable")
        order = order[ids[order] >= 0]
        found = detections.select(index[order])
        found.tracks = ids[order]
        return found

    def origin(self) -> dict[str, Any]:
        """Return the options and the library's version."""
        version = metadata.version("trackers")
        return {"type": type(self).__name__, "options": self.options, "trackers": version}


@TRACKERS.register_module()
class ByteTrack(RoboflowTracker):
    """ByteTrack: sure boxes first, then the unsure ones keep tracks alive."""

    ALGORITHM = "ByteTrackTracker"


@TRACKERS.register_module()
class SORT(RoboflowTracker):
    """SORT: a Kalman filter and overlaps."""

    ALGORITHM = "SORTTracker"


@TRACKERS.register_module()
class OCSORT(RoboflowTracker):
    """OC-SORT: SORT that looks back at what it saw after an occlusion."""

    ALGORITHM = "OCSORTTracker"


def _import_library() -> Any:
    try:
        import trackers
    except ImportError as error:
        raise ImportError(
            "tracking needs Roboflow's trackers (Apache-2.0), which cannot be imported "
            f"({error}): pip install 'mmctl[track]', or pip install trackers; boxes that a tracker "
            "has made already need none (detector MotFile)"
        ) from error
    return trackers
