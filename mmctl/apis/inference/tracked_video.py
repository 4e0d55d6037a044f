"""Tracklets out of a video and a tracker's boxes, in one pass and in bounded memory."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mmengine.logging import print_log

from mmctl.apis.inference.crop_spool import CropSpool
from mmctl.apis.inference.given_keypoints import Keypoints, check_keypoints, open_keypoints
from mmctl.apis.inference.tracklet_item import TrackletItem
from mmctl.datasets.frame_quality import rate_borders, rate_overlaps
from mmctl.datasets.listings.frame_origins import name_video, parse_utc
from mmctl.datasets.tracking import TrackSettings, open_source, read_label_folder, read_mot_file
from mmctl.datasets.tracking.crop_encoding import encode_crop
from mmctl.datasets.tracking.frame_source import Frame, FrameSource
from mmctl.datasets.tracking.track_boxes import TrackBoxes
from mmctl.datasets.tracking.track_fit import check_fit
from mmctl.datasets.tracking.track_plan import PlannedTrack, plan_tracks


@dataclass(frozen=True)
class TrackedVideo:
    """A video, or a folder of frames, with the output of a tracker.

    Attributes:
        video: The video file or folder.
        tracks: The track file, or folder of labels, as tools/dataset_converters/convert_mot.py
            reads them.
        camera: Number of the camera; None: unknown.
        settings: What is kept of the tracks.
        boxes: What four numbers without header are, ``'ltwh'`` or ``'ltrb'``.
        classes: Classes that are persons, where there are several.
        keypoints: Keypoints of the boxes in pixels of the video, in the order of the track file,
            (n, 17, 3), or the ``.npy`` file of such.
        start: When the video began, ISO 8601 in UTC as ``2024-05-31T12:30:00Z``; None: unknown.
    """

    video: str | Path
    tracks: str | Path
    camera: int | None = None
    settings: TrackSettings = field(default_factory=TrackSettings)
    boxes: str | None = None
    classes: tuple[int, ...] | None = None
    keypoints: Any = None
    start: str | None = None

    def __post_init__(self) -> None:
        if self.start is not None and parse_utc(self.start) is None:
            raise ValueError(
                f"start must be a time in UTC, as 2024-05-31T12:30:00Z, got {self.start[:60]!r}"
            )


@dataclass
class _OpenTrack:
    """A track whose end has not been seen: crops, what boxes tell, seconds (None: unknown)."""

    crops: CropSpool = field(default_factory=CropSpool)
    ratings: list[list[float]] = field(default_factory=list)
    times: list[float | None] = field(default_factory=list)


class VideoTracklets:
    """The tracklets of a tracked video, by the time of their end.

    Args:
        tracked: The video and its tracks.

    Raises:
        FileNotFoundError: If video or tracks do not exist.
        ValueError: If the video cannot be opened, a line of the tracks breaks a rule, or the tracks
            cannot be those of this video.

    Attributes:
        planned: The tracklets.
        dropped: How many boxes are left out for which reason.
    """

    def __init__(self, tracked: TrackedVideo) -> None:
        self.tracked, settings = tracked, tracked.settings
        self.source = open_source(Path(tracked.video))
        self.boxes = _read_boxes(tracked, self.source)
        for warning in check_fit(self.boxes, self.source, settings.first_frame):
            print_log(warning, "current", logging.WARNING)
        planned, self.dropped = plan_tracks(tracked.camera or 0, self.boxes, self.source, settings)
        if self.dropped.total():
            print_log(f"{self.source.path}: {self.describe_dropped()} left out", "current")
        if not planned:
            raise ValueError(
                f"{self.boxes.path} must leave at least one tracklet in {self.source.path}, got "
                f"none: {self.describe_dropped()}"
            )
        self.planned = sorted(planned, key=lambda t: (t.positions[-1], t.track, t.piece))
        self.keypoints: Keypoints | None = None
        if tracked.keypoints is not None:
            given = open_keypoints(tracked.keypoints)
            self.keypoints = check_keypoints(given, len(self.boxes.frames), str(self.boxes.path))

    def __len__(self) -> int:
        return len(self.planned)

    @property
    def num_frames(self) -> int:
        """Crops of all tracklets."""
        return sum(len(track.positions) for track in self.planned)

    def first(self) -> TrackletItem:
        """Return the first one, without its crops: no frame is decoded for it."""
        empty = _OpenTrack(ratings=[[1.0, 1.0]] * len(self.planned[0].positions))
        return self._to_item(0, empty)

    def identify(self) -> str:
        """Return a hash of the plan, the video's name and size, and the keypoints."""
        path = Path(self.tracked.video)
        known = [path.name, path.stat().st_size if path.is_file() else self.source.num_frames]
        digest = hashlib.sha256(repr([*known, self.tracked.camera]).encode())
        for track in self.planned:
            digest.update(f"{track.track} {track.piece}".encode())
            digest.update(track.positions.tobytes() + track.rectangles.tobytes())
        if self.keypoints is not None:
            digest.update(self.keypoints.tobytes())
        return digest.hexdigest()

    def describe_dropped(self) -> str:
        """Return how many boxes are left out, and why."""
        return ", ".join(
            f"{number:,} boxes {why}" for why, number in self.dropped.items() if number
        )

    def items(self, start: int = 0) -> Iterator[TrackletItem]:
        """Yield the tracklets as they end; crops of those before are not made.

        Args:
            start: The first one.

        Raises:
            ValueError: If a frame cannot be decoded.
        """
        wanted: dict[int, list[int]] = defaultdict(list)
        for index in range(start, len(self.planned)):
            for position in self.planned[index].positions.tolist():
                wanted[position].append(index)
        tracks: dict[int, _OpenTrack] = {}
        for position, time, frame in self._read(wanted):
            ratings = self._rate_boxes(position)
            for index in wanted[position]:
                track, planned = tracks.setdefault(index, _OpenTrack()), self.planned[index]
                slot = len(track.crops)
                track.crops.append(encode_crop(frame, planned.rectangles[slot].tolist()))
                track.ratings.append(ratings[planned.track])
                track.times.append(time)
                if slot + 1 == len(planned.positions):
                    yield self._to_item(index, tracks.pop(index))

    def _read(self, wanted: Collection[int]) -> Iterator[tuple[int, float | None, Frame]]:
        """Yield the frames at some positions with their times."""
        last = max(wanted, default=-1)
        read = -1
        for position, time, frame in self.source.scan(self.tracked.settings.stride):
            read = position
            if position in wanted:
                yield position, time, frame
            if position >= last:
                return
        raise ValueError(
            f"video {self.source.path} must have {last + 1} frames for these tracks, but it cannot "
            f"be decoded beyond its first {read + 1}; skip_missing_frames (--skip-missing-frames) "
            "leaves out the boxes of the others"
        )

    def _rate_boxes(self, position: int) -> dict[int, list[float]]:
        """Return what the boxes of a frame tell of its persons, border and overlap, by track."""
        rows = self._rows_of_frames.get(position, np.empty(0, np.int64))
        boxes = self.boxes.boxes[rows]
        ratings = np.stack([rate_borders(boxes, self.source.size), rate_overlaps(boxes)], axis=1)
        return dict(zip(self.boxes.tracks[rows].tolist(), ratings.tolist(), strict=True))

    @cached_property
    def _rows_of_frames(self) -> dict[int, npt.NDArray[np.int64]]:
        """Rows of the boxes in each frame of the video."""
        positions = self.boxes.frames - self.tracked.settings.first_frame
        order = np.argsort(positions, kind="stable")
        starts = np.flatnonzero(np.diff(positions[order], prepend=-1))
        groups = np.split(order, starts[1:])
        return {int(positions[group[0]]): group for group in groups if len(group)}

    def _to_item(self, index: int, track: _OpenTrack) -> TrackletItem:
        planned, numbers = self.planned[index], self.planned[index].positions
        name = f"track {planned.track} (piece {planned.piece}) of {self.source.path}"
        labels: dict[str, Any] = {"tracklet_id": index}
        if self.tracked.camera is not None:
            labels["camid"] = self.tracked.camera
        rows = self._rows_of(planned)
        keypoints = None
        if self.keypoints is not None:
            keypoints = _to_crops(self.keypoints[rows], planned.rectangles)
        origin: dict[str, Any] = {
            "video": name_video(self.source.path),
            "track": planned.track,
            "frame_numbers": numbers,
            "boxes": self.boxes.boxes[rows],
            **self._times(track.times),
        }
        first = self.tracked.settings.first_frame
        return TrackletItem(
            name,
            track.crops,
            [f"frame {number + first} of {name}" for number in numbers.tolist()],
            labels,
            origin,
            keypoints,
            "none" if keypoints is None else "call",
            np.array(track.ratings),
        )

    def _times(self, times: list[float | None]) -> dict[str, Any]:
        """Return seconds of the frames, and when the first one was taken, where they are known."""
        known = [time for time in times if time is not None]
        if len(known) < len(times) or not known:
            return {}
        began = None if self.tracked.start is None else parse_utc(self.tracked.start)
        if began is None:
            return {"times": np.array(known)}
        # Brings trackers along, which most calls need not wait for.
        from mmctl.apis.video_tracking.camera_list import format_utc

        start = format_utc(began + timedelta(seconds=known[0]))
        return {"times": np.array(known), "start": start}

    def _rows_of(self, planned: PlannedTrack) -> npt.NDArray[np.int64]:
        """Return the rows of a tracklet's boxes, (n,)."""
        rows = np.flatnonzero(self.boxes.tracks == planned.track)
        positions = self.boxes.frames[rows] - self.tracked.settings.first_frame
        order = np.argsort(positions)
        return rows[order][np.searchsorted(positions[order], planned.positions)]


def _to_crops(keypoints: Keypoints, rectangles: npt.NDArray[np.int64]) -> Keypoints:
    """Move joints from frames into crops, which are cut at whole pixels; outside the score is 0."""
    moved = keypoints.copy()
    moved[..., :2] -= rectangles[:, None, :2]
    # (n, 1, 2) width and height; the centre of the first pixel is 0
    sides = (rectangles[:, 2:] - rectangles[:, :2])[:, None]
    outside = ((moved[..., :2] < -0.5) | (moved[..., :2] > sides - 0.5)).any(axis=2)
    moved[outside, 2] = 0
    return moved


def _read_boxes(tracked: TrackedVideo, source: FrameSource) -> TrackBoxes:
    path, first = Path(tracked.tracks), tracked.settings.first_frame
    if path.is_dir():
        return read_label_folder(path, source, first, tracked.classes)
    return read_mot_file(path, first, tracked.boxes, tracked.classes)
