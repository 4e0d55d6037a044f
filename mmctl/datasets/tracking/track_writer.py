"""Crops of tracks and the annotation file that lists them, written last and whole."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.identity_map import Identities
from mmctl.datasets.tracking.mot_file import TrackBoxes
from mmctl.datasets.tracking.split_choice import SplitChoice
from mmctl.datasets.tracking.track_plan import PlannedTrack, TrackSettings, plan_tracks
from mmctl.files import write_whole

ANNOTATIONS, TRACKS, CROPS = "annotations.json", "tracks.csv", "crops"
_JPEG_QUALITY = 95


def check_folder(out: Path, overwrite: bool = False) -> None:
    """Refuse to replace what must not be lost; what a killed run has left is replaced.

    Args:
        out: Folder of the data set.
        overwrite: Whether a finished data set may be replaced.

    Raises:
        ValueError: If the folder holds a finished data set, or crops of something else.
    """
    if (out / ANNOTATIONS).exists() and not overwrite:
        raise ValueError(
            f"{out} holds a finished data set ({ANNOTATIONS}); --overwrite replaces it"
        )
    if (out / CROPS).exists() and not (out / TRACKS).exists():
        raise ValueError(
            f"{out / CROPS} must not be there yet, because it would be replaced, and without "
            f"{TRACKS} beside it it is not this program's; choose another folder"
        )


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

    Raises:
        ValueError: If a camera is given twice, a query camera is not given, a box lies beyond the
            end of a video, no tracklet is left, or none is a query where some are tested.
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
        planned: list[PlannedTrack] = []
        for camera in cameras:
            tracks, dropped = plan_tracks(camera.camid, camera.boxes, camera.source, settings)
            planned += tracks
            self.dropped += dropped
        self.tracks, self.pids = self._identify(planned, identities)
        self.splits = self._choose(choice)

    def write(self, progress: Callable[[int], None] | None = None) -> None:
        """Write ``tracks.csv``, the crops and, last of all, ``annotations.json``.

        Args:
            progress: Called with the number of crops written.
        """
        (self.out / ANNOTATIONS).unlink(missing_ok=True)
        shutil.rmtree(self.out / CROPS, ignore_errors=True)
        self.out.mkdir(parents=True, exist_ok=True)
        write_whole(self.out / TRACKS, self._table().encode())
        for track in self.tracks:
            (self.out / track.folder).mkdir(parents=True)
        for camera in self.cameras:
            self._write_crops(camera, progress)
        content = {"metainfo": {"dataset_name": self.name}, "tracklets": self.entries()}
        write_whole(self.out / ANNOTATIONS, (json.dumps(content, indent=1) + "\n").encode())

    def entries(self) -> list[dict[str, Any]]:
        """Return the tracklets as the annotation file lists them."""
        return [
            {
                "pid": pid,
                "camid": track.camid,
                "split": split,
                "frames": track.frame_paths(self.settings.first_frame),
            }
            for track, pid, split in zip(self.tracks, self.pids, self.splits, strict=True)
        ]

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
            reasons = ", ".join(f"{number} boxes {why}" for why, number in self.dropped.items())
            raise ValueError(f"at least one tracklet must be left to write, got none: {reasons}")
        if choice.mode != "train" and "query" not in splits:
            raise ValueError(
                f"at least one tested person must have a query, got none among {len(listed)} "
                f"tracklets for {choice}"
            )
        self.tracks = [self.tracks[index] for index in listed]
        self.pids = [self.pids[index] for index in listed]
        return [split for split in splits if split is not None]

    def _write_crops(self, camera: Camera, progress: Callable[[int], None] | None) -> None:
        crops: dict[int, list[tuple[str, list[int]]]] = defaultdict(list)
        for track in self.tracks:
            if track.camid == camera.camid:
                paths = track.frame_paths(self.settings.first_frame)
                for position, path, rectangle in zip(
                    track.positions.tolist(), paths, track.rectangles.tolist(), strict=True
                ):
                    crops[position].append((path, rectangle))
        for position, frame in camera.source.read(sorted(crops)):
            for path, (left, top, right, bottom) in crops[position]:
                crop = np.ascontiguousarray(frame[top:bottom, left:right, ::-1])
                options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
                encoded, content = cv2.imencode(".jpg", crop, options)
                assert encoded
                write_whole(self.out / path, content.tobytes(), sync=False)
            if progress is not None:
                progress(len(crops[position]))

    def _table(self) -> str:
        """Return a line for each tracklet: what a person who labels identities needs."""
        buffer = io.StringIO()
        table = csv.writer(buffer, lineterminator="\n")
        table.writerow(
            ["camera", "track_id", "pid", "split", "first_frame", "last_frame", "crops", "folder"]
        )
        for track, pid, split in zip(self.tracks, self.pids, self.splits, strict=True):
            ends = (track.positions[[0, -1]] + self.settings.first_frame).tolist()
            row = [track.camid, track.track, pid, split, *ends, len(track.positions), track.folder]
            table.writerow(row)
        return buffer.getvalue()
