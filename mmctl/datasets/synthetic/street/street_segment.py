"""A stretch of one camera's video with its truth: what a process draws at a time."""

from __future__ import annotations

import io
import os
import shutil
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.street.mp4_segments import read_segment
from mmctl.datasets.synthetic.street.street_frame import FrameTruth, StreetPainter
from mmctl.datasets.synthetic.street.street_settings import StreetSettings
from mmctl.datasets.synthetic.street.walks import Visit, plan_visits
from mmctl.files import TEMPORARY_SUFFIX, DiskFullError, write_whole

SEGMENT_FRAMES = 250
"""Frames of a segment; the last one of a video may have fewer."""

_CODEC = "mp4v"
"""MPEG-4 part 2, which every build of OpenCV writes and reads."""

_LEAST_FREE = 1 << 20


@dataclass(frozen=True)
class Segment:
    """Which frames of which camera.

    Attributes:
        camid: Camera, from 1.
        first: First frame, from 0.
        end: Frame after the last one.
    """

    camid: int
    first: int
    end: int

    @property
    def name(self) -> str:
        """Beginning of its files' names."""
        return f"camera{self.camid}_{self.first:08d}"

    def video(self, folder: Path) -> Path:
        """Return the path of its frames."""
        return folder / f"{self.name}.mp4"

    def truth(self, folder: Path) -> Path:
        """Return the path of its truth."""
        return folder / f"{self.name}.npz"

    def is_whole(self, folder: Path) -> bool:
        """Return whether both files are there with all of its frames."""
        if not self.truth(folder).is_file() or not self.video(folder).is_file():
            return False
        try:
            return len(read_segment(self.video(folder)).sizes) == self.end - self.first
        except ValueError:
            return False


@dataclass(frozen=True, eq=False)
class SegmentTruth:
    """The people of all frames of a segment, in the order of frames and tracks.

    Attributes:
        frames: Frame of each person, from 0, (n,) int32.
        people: What is true of them, n rows.
    """

    frames: NDArray[np.int32]
    people: FrameTruth


def plan_segments(settings: StreetSettings) -> list[Segment]:
    """Return the segments of all cameras, camera by camera."""
    total = settings.num_frames
    return [
        Segment(camid, first, min(total, first + SEGMENT_FRAMES))
        for camid in range(1, settings.cameras + 1)
        for first in range(0, total, SEGMENT_FRAMES)
    ]


def write_segment(settings: StreetSettings, segment: Segment, folder: Path) -> Segment:
    """Draw a segment and write its truth, then its video: with that it is whole.

    Raises:
        DiskFullError: If the disk is full.
        ValueError: If OpenCV cannot write such a video.
    """
    painter = StreetPainter(settings, segment.camid, _visits(settings)[segment.camid])
    truths = []
    target = segment.video(folder)
    temporary = folder / f".{segment.name}.{socket.gethostname()}-{os.getpid()}.mp4"
    size = (settings.size[1], settings.size[0])
    codec = cv2.VideoWriter.fourcc(*_CODEC)
    writer = cv2.VideoWriter(str(temporary), cv2.CAP_FFMPEG, codec, settings.fps, size)
    try:
        if not writer.isOpened():
            raise _cannot_write(folder, settings)
        for index in range(segment.first, segment.end):
            frame, truth = painter.draw(index)
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
            truths.append(truth)
        writer.release()
        _check_video(temporary, len(truths), settings)
        write_whole(segment.truth(folder), _pack(segment, truths), sync=False)
        os.replace(temporary, target)
    finally:
        writer.release()
        temporary.unlink(missing_ok=True)
    return segment


def read_truth(segment: Segment, folder: Path) -> SegmentTruth:
    """Read the truth of a segment."""
    with np.load(segment.truth(folder)) as arrays:
        names = ("tracks", "boxes", "areas", "visible", "keypoints")
        return SegmentTruth(arrays["frames"], FrameTruth(*(arrays[name] for name in names)))


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes were writing."""
    for pattern in (".camera*.mp4", f".*{TEMPORARY_SUFFIX}"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _visits(settings: StreetSettings) -> dict[int, list[Visit]]:
    return plan_visits(settings)


def _pack(segment: Segment, truths: list[FrameTruth]) -> bytes:
    counts = [len(truth.tracks) for truth in truths]
    frames = np.repeat(np.arange(segment.first, segment.end, dtype=np.int32), counts)
    names = ("tracks", "boxes", "areas", "visible", "keypoints")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(t, name) for t in truths]) for name in names
    }
    buffer = io.BytesIO()
    np.savez(buffer, frames=frames, **columns)
    return buffer.getvalue()


def _check_video(path: Path, count: int, settings: StreetSettings) -> None:
    """Look whether all frames are in a file: OpenCV is silent about a full disk."""
    try:
        written = len(read_segment(path).sizes)
    except (ValueError, FileNotFoundError):
        written = -1
    if written != count:
        free = shutil.disk_usage(path.parent).free
        if free < max(_LEAST_FREE, count * settings.size[0] * settings.size[1] // 8):
            raise DiskFullError(
                f"the disk is full ({free / 2**20:.1f} MiB free): could not write a part of the "
                f"video in {path.parent}. What is drawn is kept: free some space and run the same "
                "command again"
            )
        raise _cannot_write(path.parent, settings)


def _cannot_write(folder: Path, settings: StreetSettings) -> ValueError:
    height, width = settings.size
    return ValueError(
        f"OpenCV {cv2.__version__} must be able to write MP4 videos ({_CODEC}, {width}x{height}, "
        f"{settings.fps:g} frames/s) with FFmpeg, as opencv-python does, but could not in {folder}"
    )
