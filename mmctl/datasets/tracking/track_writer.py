"""Crops of tracks and the annotation file that lists them, written beside and then put in place."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.datasets.listings.annotation_file import write_annotation_file
from mmctl.datasets.listings.frame_origins import name_video, round_boxes
from mmctl.datasets.tracking.crop_encoding import encode_crop
from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.identity_map import Identities
from mmctl.datasets.tracking.set_folder import (
    ANNOTATIONS,
    TRACKS,
    UNFINISHED,
    check_folder,
    put_in_place,
    track_table,
)
from mmctl.datasets.tracking.split_choice import SplitChoice
from mmctl.datasets.tracking.track_boxes import TrackBoxes
from mmctl.datasets.tracking.track_fit import check_fit
from mmctl.datasets.tracking.track_plan import PlannedTrack, TrackSettings, plan_tracks
from mmctl.files import write_whole
from mmctl.files.folder_lock import FolderLock


@dataclass(frozen=True)
class Camera:
    """One camera: its number, the tracker's boxes and the frames they lie in."""

    camid: int
    boxes: TrackBoxes
    source: FrameSource


class TrackWriter:
    """Plans the tracklets of some cameras at once, then crops and lists them.

    Args:
        out: Folder of the data set.
        cameras: The cameras, each once.
        settings: What is kept of the tracks.
        identities: Person of each track; None makes every track a person of its own.
        choice: Who trains and who is tested.
        name: Name of the data set.

    Attributes:
        tracks: The planned tracklets that are listed, with ``pids`` and ``splits`` of the same
            length.
        dropped: How many boxes are left out for which reason.
        warnings: What looks as if boxes did not fit their video.

    Raises:
        ValueError: If boxes cannot fit their video, a camera is given twice, a query camera is not
            given, a box lies beyond the end of a video, no tracklet is left, or none is a query
            where some are tested.
    """

    def __init__(
        self,
        out: Path,
        cameras: Sequence[Camera],
        settings: TrackSettings,
        identities: Identities | None,
        choice: SplitChoice,
        name: str,
    ) -> None:
        self.out, self.cameras, self.settings, self.name = out, cameras, settings, name
        twice = [camid for camid, n in Counter(c.camid for c in cameras).items() if n > 1]
        if twice:
            raise ValueError(
                f"each camera must be given once, because its number and a track id name a track, "
                f"got camera {twice[0]} twice"
            )
        camids = [camera.camid for camera in cameras]
        unknown = sorted(set(choice.query_cameras) - set(camids))
        if unknown:
            raise ValueError(
                f"query_cameras must be cameras that are given, {camids}, because their tracklets "
                f"are the queries, got {unknown[0]}"
            )
        self.dropped: Counter[str] = Counter()
        self.warnings: list[str] = []
        planned: list[PlannedTrack] = []
        for camera in cameras:
            self.warnings += check_fit(camera.boxes, camera.source, settings.first_frame)
            tracks, dropped = plan_tracks(camera.camid, camera.boxes, camera.source, settings)
            planned += tracks
            self.dropped += dropped
        if identities is not None:
            self._doubt_identities(identities)
        self.tracks, self.pids = self._identify(planned, identities)
        self.splits = self._choose(choice)

    def write(self, progress: Callable[[int], None] | None = None, overwrite: bool = False) -> None:
        """Write crops, ``tracks.csv`` and ``annotations.json``, and put them in place at the end.

        A finished data set stays until then, so there must be room for both.

        Args:
            progress: Called with the number of crops written.
            overwrite: Whether a finished data set may be replaced.

        Raises:
            ValueError: If another run writes to the folder, or :func:`check_folder` refuses it.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        unfinished = self.out / UNFINISHED
        with FolderLock(self.out):
            # A run that was killed while it put its files in place had all of them.
            if (unfinished / ANNOTATIONS).exists():
                put_in_place(self.out)
            check_folder(self.out, overwrite)
            if (unfinished / "tracking.json").exists() and not overwrite:
                raise ValueError(
                    f"{unfinished} holds unfinished work of track_video.py; run that to its end, "
                    "or --overwrite throws it away"
                )
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                self._write_all(unfinished, progress)
            except Exception:
                shutil.rmtree(unfinished)
                raise
            put_in_place(self.out)

    def entries(self) -> list[dict[str, Any]]:
        """Return the tracklets as the annotation file lists them."""
        videos = {camera.camid: name_video(camera.source.path) for camera in self.cameras}
        return [
            {
                "pid": pid,
                "camid": track.camid,
                "split": split,
                "frames": track.frame_paths(self.settings.first_frame),
                "video": videos[track.camid],
                "track": track.track,
                "frame_numbers": track.positions.tolist(),
                "boxes": round_boxes(track.boxes),
            }
            for track, pid, split in zip(self.tracks, self.pids, self.splits, strict=True)
        ]

    def _doubt_identities(self, identities: Identities) -> None:
        tracked = {
            (camera.camid, track)
            for camera in self.cameras
            for track in np.unique(camera.boxes.tracks).tolist()
        }
        unknown = sorted(set(identities) - tracked)
        if unknown:
            self.warnings.append(
                f"{len(unknown):,} of {len(identities):,} tracks in the identity map are in no "
                f"track file, the first one is track {unknown[0][1]} of camera {unknown[0][0]}: "
                "was it made of other tracks?"
            )

    def _identify(
        self, planned: list[PlannedTrack], identities: Identities | None
    ) -> tuple[list[PlannedTrack], list[int]]:
        if identities is None:
            keys = sorted({(track.camid, track.track) for track in planned})
            identities = {key: number for number, key in enumerate(keys, start=1)}
        known = [track for track in planned if (track.camid, track.track) in identities]
        self.dropped["not in the identity map"] += sum(
            len(track.positions)
            for track in planned
            if (track.camid, track.track) not in identities
        )
        return known, [identities[track.camid, track.track] for track in known]

    def _choose(self, choice: SplitChoice) -> list[str]:
        splits = choice.assign(
            self.pids,
            [track.camid for track in self.tracks],
            [len(track.positions) for track in self.tracks],
        )
        listed = [index for index, split in enumerate(splits) if split is not None]
        self.dropped["nobody's, in a training set"] += sum(
            len(track.positions)
            for track, split in zip(self.tracks, splits, strict=True)
            if split is None
        )
        if not listed:
            reasons = ", ".join(
                f"{number} boxes {why}" for why, number in self.dropped.items() if number
            )
            raise ValueError(f"at least one tracklet must be left to write, got none: {reasons}")
        if choice.mode != "train" and "query" not in splits:
            raise ValueError(
                f"at least one tested person must have a query, got none among {len(listed)} "
                f"tracklets for {choice}"
            )
        self.tracks = [self.tracks[index] for index in listed]
        self.pids = [self.pids[index] for index in listed]
        return [split for split in splits if split is not None]

    def _write_all(self, folder: Path, progress: Callable[[int], None] | None) -> None:
        for track in self.tracks:
            (folder / track.folder).mkdir(parents=True)
        write_whole(folder / TRACKS, track_table(self.entries()))
        for camera in self.cameras:
            self._write_crops(folder, camera, progress)
        write_annotation_file(folder / ANNOTATIONS, {"dataset_name": self.name}, self.entries())

    def _write_crops(
        self, folder: Path, camera: Camera, progress: Callable[[int], None] | None
    ) -> None:
        crops: dict[int, list[tuple[str, list[int]]]] = defaultdict(list)
        for track in self.tracks:
            if track.camid == camera.camid:
                paths = track.frame_paths(self.settings.first_frame)
                for position, path, rectangle in zip(
                    track.positions.tolist(), paths, track.rectangles.tolist(), strict=True
                ):
                    crops[position].append((path, rectangle))
        for position, frame in camera.source.read(sorted(crops)):
            for path, rectangle in crops[position]:
                write_whole(folder / path, encode_crop(frame, rectangle), sync=False)
            if progress is not None:
                progress(len(crops[position]))
