"""The tracklets of several videos in one data set, resumable at any moment."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.apis.video_tracking.camera_list import CameraVideo, check_once
from mmctl.apis.video_tracking.camera_pass import CameraPass
from mmctl.apis.video_tracking.run_record import (
    describe_difference,
    make_record,
    read_record,
    write_record,
)
from mmctl.datasets.keypoints.keypoint_file import write_stored_blocks
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, hash_frame_list
from mmctl.datasets.listings.annotation_file import write_annotation_file
from mmctl.datasets.tracking.frame_source import FolderSource, open_source
from mmctl.datasets.tracking.set_folder import (
    ANNOTATIONS,
    KEYPOINTS,
    RECORD,
    TRACKS,
    UNFINISHED,
    check_folder,
    put_in_place,
    track_table,
)
from mmctl.datasets.tracking.track_plan import TrackSettings
from mmctl.files import FolderLock, write_whole
from mmctl.models.detectors import Detector
from mmctl.models.trackers import Tracker
from mmctl.structures import NUM_KEYPOINTS

Report = Callable[[int, int], None]

_ROWS = 4096
_ROW_BYTES = NUM_KEYPOINTS * 3 * 4


@dataclass
class TrackingResult:
    """What a run has made.

    Attributes:
        entries: The tracklets as the annotation file lists them; empty where an earlier run had
            finished.
        dropped: How many boxes are left out for which reason.
        num_frames: Frames in each video.
        num_used: Frames of each that were looked at, every so-many-th one.
        warnings: What looks wrong.
        was_finished: Whether an earlier run of the same command had finished.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    num_frames: list[int] = field(default_factory=list)
    num_used: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    was_finished: bool = False


class VideoTracking:
    """Makes a data set of the persons in videos.

    Videos are looked at, and track files read, before the long work starts.

    Args:
        out: Folder of the data set.
        cameras: The videos.
        detector: Finds the persons.
        tracker: Follows them; None for a detector that has tracks.
        settings: What is kept; ``first_frame`` has no meaning here.
        batch_size: Frames that the detector gets at a time.

    Raises:
        FileNotFoundError: If a video does not exist.
        ValueError: If a camera or video is there twice, a video cannot be opened, a track file is
            of another video, or there is a tracker too many or too few.
    """

    def __init__(
        self,
        out: Path,
        cameras: Sequence[CameraVideo],
        detector: Detector,
        tracker: Tracker | None,
        settings: TrackSettings,
        batch_size: int = 4,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        if detector.has_tracks != (tracker is None):
            has = "has tracks itself" if detector.has_tracks else "finds persons and no tracks"
            raise ValueError(
                f"{type(detector).__name__} {has}, so it needs "
                f"{'no tracker' if detector.has_tracks else 'a tracker'}, got "
                f"{type(tracker).__name__ if tracker else 'none'}"
            )
        if not cameras:
            raise ValueError("at least one video must be given, got none")
        check_once(cameras)
        self.out, self.detector = out, detector
        self.unfinished = out / UNFINISHED
        self.warnings: list[str] = []
        self.passes = [self._open(camera, tracker, settings, batch_size) for camera in cameras]
        self.record = make_record(cameras, detector, tracker, settings, batch_size)

    def _open(
        self,
        camera: CameraVideo,
        tracker: Tracker | None,
        settings: TrackSettings,
        batch_size: int,
    ) -> CameraPass:
        source = open_source(Path(camera.video))
        if camera.start is not None and isinstance(source, FolderSource):
            raise ValueError(
                f"a start needs a video with a clock, because the pictures in {camera.video} do "
                f"not say how far apart they were taken, got {camera.start!r}"
            )
        tracks = None if camera.tracks is None else Path(camera.tracks)
        self.warnings += self.detector.start(source, tracks)
        return CameraPass(
            self.unfinished, camera, source, self.detector, tracker, settings, batch_size
        )

    def is_finished(self) -> bool:
        """Return whether the folder holds what this run would make."""
        record = read_record(self.out / RECORD)
        return (self.out / ANNOTATIONS).exists() and record == self.record

    def run(self, report: Report | None = None, overwrite: bool = False) -> TrackingResult:
        """Do what is left, and put the data set in place.

        Args:
            report: Called with the number of frames that are done and how many there are.
            overwrite: Whether a finished data set, or unfinished work of another command, may be
                replaced.

        Returns:
            What was made.

        Raises:
            ValueError: If the folder holds something else or is in use, or no tracklet is left.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        with FolderLock(self.out):
            # A run that was killed while it put its files in place had all of them.
            if (self.unfinished / ANNOTATIONS).exists():
                put_in_place(self.out)
            if self.is_finished() and not overwrite:
                return TrackingResult(warnings=self.warnings, was_finished=True)
            check_folder(self.out, overwrite)
            self._prepare(overwrite)
            self._run_passes(report)
            result = self._collect()
            self._write(result)
            put_in_place(self.out)
        return result

    def _prepare(self, overwrite: bool) -> None:
        """Keep what an earlier run of the same command has done, and only that."""
        path = self.unfinished / Path(RECORD).name
        old = read_record(path)
        if old is not None and old["detection"] != self.record["detection"]:
            if not overwrite:
                difference = describe_difference(old["detection"], self.record["detection"])
                raise ValueError(
                    f"{self.unfinished} holds unfinished work of another command ({difference}); "
                    "run that one to its end, or --overwrite starts anew"
                )
            old = None
        if old is None:
            shutil.rmtree(self.unfinished, ignore_errors=True)
            self.unfinished.mkdir()
        elif old != self.record:
            # What was detected stays.
            for one in self.passes:
                one.forget()
        write_record(path, self.record)

    def _run_passes(self, report: Report | None) -> None:
        counts = [one.num_wanted for one in self.passes]
        done = [0] * len(counts)
        for index, one in enumerate(self.passes):
            if one.read_result() is None:

                def advance(number: int, index: int = index) -> None:
                    done[index] += number
                    counts[index] = max(counts[index], done[index])
                    if report is not None:
                        report(sum(done), sum(counts))

                one.run(advance)
            # Headers may be wrong.
            counts[index] = done[index] = done[index] or counts[index]
            if report is not None:
                report(sum(done), sum(counts))

    def _collect(self) -> TrackingResult:
        total = TrackingResult(warnings=list(self.warnings))
        for one in self.passes:
            result = one.read_result()
            assert result is not None
            total.entries += result["entries"]
            total.dropped.update(result["dropped"])
            total.num_frames.append(result["num_frames"])
            total.num_used.append(len(range(0, result["num_frames"], one.settings.stride)))
            total.warnings += result["warnings"]
        if not total.entries:
            reasons = ", ".join(f"{n:,} boxes {why}" for why, n in total.dropped.items() if n)
            raise ValueError(
                f"at least one tracklet must be left to write, got none in "
                f"{sum(total.num_used):,} frames: {reasons or 'nobody was found'}"
            )
        return total

    def _write(self, result: TrackingResult) -> None:
        """Write everything but the crops, the list last."""
        info = (self.unfinished / RECORD).parent
        shutil.rmtree(info, ignore_errors=True)
        info.mkdir()
        names = [frame for entry in result.entries for frame in entry["frames"]]
        if self.detector.has_keypoints:
            origin = self.detector.origin()
            header = ArrayHeader(
                kind="keypoints",
                num_frames=len(names),
                frame_list_sha256=hash_frame_list(names),
                estimator=f"{origin['type']}, with the boxes",
                checkpoint=origin.get("weights"),
                weights_sha256=origin.get("sha256"),
            )
            write_stored_blocks(self.unfinished / KEYPOINTS, self._keypoint_blocks(), header)
        write_record(self.unfinished / RECORD, self.record)
        write_whole(self.unfinished / TRACKS, track_table(result.entries))
        metainfo = {"dataset_name": self.out.resolve().name}
        write_annotation_file(self.unfinished / ANNOTATIONS, metainfo, result.entries)

    def _keypoint_blocks(self) -> Iterator[np.ndarray]:
        for one in self.passes:
            with one.keypoints.open("rb") as file:
                while content := file.read(_ROWS * _ROW_BYTES):
                    yield np.frombuffer(content, np.float32).reshape(-1, NUM_KEYPOINTS, 3)
