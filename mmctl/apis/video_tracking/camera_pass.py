"""One pass over one video: detect, track, crop, rate; then the list of its tracklets."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import numpy as np

from mmctl.apis.video_tracking.camera_list import CameraVideo, format_utc
from mmctl.apis.video_tracking.crop_rows import Rows, read_tracklets
from mmctl.apis.video_tracking.detection_blocks import DetectionBlocks
from mmctl.apis.video_tracking.frame_crops import choose_boxes, rate_crops
from mmctl.datasets.listings.frame_origins import name_video, round_boxes
from mmctl.datasets.tracking.crop_encoding import encode_crop
from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.set_folder import CROPS
from mmctl.datasets.tracking.track_plan import TrackSettings, clip_boxes, crop_folder
from mmctl.files import open_atomically, read_json, write_whole
from mmctl.models.detectors import Detector
from mmctl.models.detectors.detector import Frame
from mmctl.models.trackers import Tracker
from mmctl.structures import Detections

LEAST_BLOCK = 64
"""Frames whose detections are kept together: the most that a killed run detects again, or one
batch if that is larger."""

SHORT_SHARE = 0.95
"""A video that gives fewer of its frames than this was cut off, as a rule."""

_RATE = 30.0
_RATES = (0.1, 480.0)
_DECIMALS = 6

Item = tuple[int, float | None, Frame]


class CameraPass:
    """The work on one video.

    Args:
        folder: Where unfinished work is kept.
        camera: The video.
        source: Its frames.
        detector: Finds the persons, or has them.
        tracker: Follows them; None where the detector has tracks.
        settings: What is kept.
        batch_size: Frames that the detector gets at a time.
    """

    def __init__(
        self,
        folder: Path,
        camera: CameraVideo,
        source: FrameSource,
        detector: Detector,
        tracker: Tracker | None,
        settings: TrackSettings,
        batch_size: int,
    ) -> None:
        self.folder, self.camera, self.source = folder, camera, source
        self.detector, self.tracker = detector, tracker
        self.settings, self.batch_size = settings, batch_size
        self.work = folder / f"camera{camera.camera}"
        self.dropped: Counter[str] = Counter()
        self._pieces: dict[int, tuple[int, int]] = {}
        self._folders: set[str] = set()

    @property
    def keypoints(self) -> Path:
        """Keypoints of the listed crops, float32 (n, 17, 3) without header."""
        return self.work / "keypoints"

    @property
    def num_wanted(self) -> int:
        """How many frames are used, as far as the header says."""
        return -(-self.source.num_frames // self.settings.stride)

    def read_result(self) -> dict[str, Any] | None:
        """Return what a finished pass has found, None if it is not finished."""
        try:
            return read_json(self.work / "done.json", "result")
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        """Remove what tracking has made; detections stay."""
        (self.work / "done.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder / CROPS / self._crops.name, ignore_errors=True)

    @property
    def _crops(self) -> Path:
        return self.folder / CROPS / f"camera{self.camera.camera}"

    def run(self, report: Callable[[int], None]) -> None:
        """Do all of it.

        Args:
            report: Called with the number of frames that were done.

        Raises:
            ValueError: If a frame has another size than the first one, or a detector or tracker
                gives something else than it must.
        """
        self.forget()
        self.work.mkdir(parents=True, exist_ok=True)
        self.detector.start(self.source, _path(self.camera.tracks))
        announced = self.source.num_frames
        if self.tracker is not None:
            self.tracker.start(_sane_rate(self.source.frame_rate) / self.settings.stride)
        with (self.work / "rows").open("wb") as rows:
            for batch, found in self._detections():
                for item, detections in zip(batch, found, strict=True):
                    self._cut(item, self._track(detections, item[1]), rows)
                report(len(batch))
        self.dropped += self.detector.finish(self.source)
        self._finish(self._doubt_length(announced))

    def _detections(self) -> Iterator[tuple[list[Item], list[Detections]]]:
        """Yield frames, a batch at a time, with what is in them."""
        frames = self.source.scan(self.settings.stride)
        size = self.batch_size * math.ceil(LEAST_BLOCK / self.batch_size)
        blocks = None if self.detector.has_tracks else DetectionBlocks(self.work / "detections")
        for number in itertools.count():
            stored = (blocks.read(number) if blocks is not None else None) or []
            found: list[Detections] = []
            block = itertools.islice(frames, size)
            while batch := list(itertools.islice(block, self.batch_size)):
                first, end = len(found), len(found) + len(batch)
                new = stored[first:end] if len(stored) >= end else self._detect(batch)
                found += new
                yield batch, new
            if not found:
                return
            if blocks is not None and len(stored) < len(found):
                blocks.write(number, found)

    def _detect(self, batch: list[Item]) -> list[Detections]:
        found = self.detector.detect([frame for _, _, frame in batch], [at for at, _, _ in batch])
        if len(found) != len(batch):
            raise ValueError(
                f"{type(self.detector).__name__} must return the detections of each frame, got "
                f"{len(found)} for {len(batch)} frames"
            )
        for one in found:
            if (one.keypoints is None) == self.detector.has_keypoints:
                raise ValueError(
                    f"{type(self.detector).__name__} says has_keypoints="
                    f"{self.detector.has_keypoints}, so its detections must "
                    f"{'have' if self.detector.has_keypoints else 'not have'} keypoints"
                )
        return found

    def _track(self, found: Detections, time: float | None) -> Detections:
        tracked = found if self.tracker is None else self.tracker.update(found, time)
        if tracked.tracks is None or len(np.unique(tracked.tracks)) != len(tracked):
            raise ValueError(
                f"{type(self.tracker or self.detector).__name__} must give each person of a frame "
                f"a track of its own, got {tracked.tracks} for {len(tracked)} persons"
            )
        if self.tracker is not None:
            self.dropped["without a track"] += len(found) - len(tracked)
        return tracked

    def _cut(self, item: Item, found: Detections, file: IO[bytes]) -> None:
        """Write the crops of a frame, and a row for each."""
        position, time, frame = item
        rectangles = clip_boxes(found.boxes, self.source.size)
        keep = choose_boxes(found, rectangles, self.settings, self.dropped)
        if not len(keep):
            return
        rows = rate_crops(frame, found, rectangles, keep)
        rows["position"] = position
        rows["time"] = np.nan if time is None else time
        for row, rectangle in zip(rows, rectangles[keep].tolist(), strict=True):
            row["piece"] = self._piece(int(row["track"]), position)
            folder = crop_folder(self.camera.camera, int(row["track"]), int(row["piece"]))
            if folder not in self._folders:
                (self.folder / folder).mkdir(parents=True, exist_ok=True)
                self._folders.add(folder)
            path = self.folder / folder / _name(position)
            write_whole(path, encode_crop(frame, rectangle), sync=False)
        file.write(rows.tobytes())

    def _piece(self, track: int, position: int) -> int:
        """Return the number of the piece of a track that a crop belongs to."""
        last, piece = self._pieces.get(track, (position, 1))
        stride = self.settings.stride
        # With a stride, frames between two used ones are not lost ones.
        if ((position - last) // stride - 1) * stride > self.settings.max_gap:
            piece += 1
        self._pieces[track] = position, piece
        return piece

    def _doubt_length(self, announced: int) -> list[str]:
        there = self.source.num_frames
        if there >= SHORT_SHARE * announced:
            return []
        return [
            f"{self.source.path}: {there:,} frames could be decoded, its header announces "
            f"{announced:,}: it was cut off, or its frames come at changing intervals"
        ]

    def _finish(self, warnings: list[str]) -> None:
        """List the tracklets that are long enough, and remove the crops of the others."""
        entries = []
        with open_atomically(self.keypoints, "wb") as file:
            for rows in read_tracklets(self.work / "rows"):
                folder = crop_folder(self.camera.camera, int(rows[0]["track"]), rows[0]["piece"])
                if len(rows) < self.settings.min_length:
                    self.dropped["too short a tracklet"] += len(rows)
                    shutil.rmtree(self.folder / folder)
                    continue
                entries.append(self._list(rows, folder))
                if self.detector.has_keypoints:
                    file.write(rows["keypoints"].tobytes())
        result = {
            "entries": entries,
            "dropped": dict(self.dropped),
            "num_frames": self.source.num_frames,
            "warnings": warnings,
        }
        write_whole(self.work / "done.json", json.dumps(result).encode())
        (self.work / "rows").unlink()

    def _list(self, rows: Rows, folder: str) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "camid": self.camera.camera,
            "frames": [f"{folder}/{_name(position)}" for position in rows["position"].tolist()],
            "video": name_video(self.source.path),
            "track": int(rows[0]["track"]),
            "frame_numbers": rows["position"].tolist(),
        }
        if not np.isnan(rows["time"]).any():
            entry["times"] = rows["time"].round(_DECIMALS).tolist()
            if self.camera.moment is not None:
                first = timedelta(seconds=entry["times"][0])
                entry["start"] = format_utc(self.camera.moment + first)
        entry["boxes"] = round_boxes(rows["box"])
        entry["quality"] = rows["quality"].round(_DECIMALS).tolist()
        return entry


def _name(position: int) -> str:
    return f"{position:06d}.jpg"


def _sane_rate(rate: float) -> float:
    """Return a frame rate, or the usual one where a header has none that can be."""
    return rate if _RATES[0] <= rate <= _RATES[1] else _RATE


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
