"""Frames of a camera in order, from a video file or from a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mmctl.datasets.frame_decoding import decode_frame
from mmctl.datasets.listings.frame_folders import last_numbers, list_names
from mmctl.files import check_regular, read_bytes

Frame = npt.NDArray[np.uint8]

_PICTURES = (".bmp", ".jpeg", ".jpg", ".png")

_QUIET = "-8"
"""FFmpeg's complaints name no file, and what they are about is said here by name."""


class FrameSource:
    """Frames by their position, counted from 0.

    Attributes:
        path: The video or folder.
        num_frames: How many frames there are; a video's header may be wrong about it.
        frame_rate: Frames per second as the header says, 0 where nothing does.
        size: Height and width of every frame.
    """

    path: Path
    num_frames: int
    frame_rate: float = 0.0
    size: tuple[int, int]

    def has_frame(self, position: int) -> bool:
        """Return whether there is a frame at a position."""
        return position < self.num_frames

    def position_of(self, stem: str) -> int | None:  # noqa: ARG002
        """Return the position of the frame whose file has a name, where frames have files."""
        return None

    def count_readable(self) -> int:
        """Count the frames that are there, whatever a header says, and believe that from now on."""
        return self.num_frames

    def read(self, positions: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        """Yield the frames (RGB) at increasing positions.

        Raises:
            ValueError: If a frame cannot be read or has another size than the first one.
        """
        raise NotImplementedError

    def scan(self, stride: int = 1) -> Iterator[tuple[int, float | None, Frame]]:
        """Yield every ``stride``-th frame (RGB) to the end, with its position and its time.

        Times are seconds since the first frame by the clock of the file and never fall; None where
        there is no clock. At the end ``num_frames`` is what was there, whatever a header says.

        Raises:
            ValueError: If a frame cannot be read or has another size than the first one.
        """
        raise NotImplementedError

    def check_size(self, name: str, frame: Frame) -> None:
        """Refuse a frame of another size, in which the boxes would lie elsewhere."""
        if frame.shape[:2] != self.size:
            raise ValueError(
                f"{name} must be {self.size[0]}x{self.size[1]} pixels (height x width) like the "
                f"first frame, because boxes are in pixels, got {frame.shape[0]}x{frame.shape[1]}"
            )


class FolderSource(FrameSource):
    """A folder of pictures; the first one by number is the first frame.

    Raises:
        ValueError: If there is no picture, or numbers are missing or double: positions are
            counted, so all frames after a gap would be taken for others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        names = [name for name in list_names(path, ("",)) if name.lower().endswith(_PICTURES)]
        if not names:
            raise ValueError(f"folder {path} must hold frames ({', '.join(_PICTURES)}), got none")
        self.files = _sort_by_number(path, [path / name for name in names])
        self.num_frames = len(self.files)
        self._positions = {file.stem: position for position, file in enumerate(self.files)}
        first = _read_picture(self.files[0])
        self.size = (first.shape[0], first.shape[1])

    def position_of(self, stem: str) -> int | None:
        """Return the position of the picture with a name."""
        return self._positions.get(stem)

    def read(self, positions: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        """Yield the frames at increasing positions."""
        for position in positions:
            file = self.files[position]
            frame = _read_picture(file)
            self.check_size(f"frame {file}", frame)
            yield position, frame

    def scan(self, stride: int = 1) -> Iterator[tuple[int, float | None, Frame]]:
        """Yield every ``stride``-th picture; pictures have no times."""
        for position, frame in self.read(range(0, self.num_frames, stride)):
            yield position, None, frame


class VideoSource(FrameSource):
    """A video file that OpenCV can decode, read from its start to the last frame needed.

    Frames are upright: where the file says that the camera was held on its side, as phones do, they
    are turned as players turn them. OpenCV's versions differ in what they do unasked.

    Raises:
        ValueError: If OpenCV cannot decode its first frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _open_video(path) as capture:
            decoded, frame = capture.read()
            if not decoded:
                raise ValueError(
                    f"video {path} cannot be decoded by OpenCV, not even its first frame"
                )
            self.size = (frame.shape[0], frame.shape[1])
            # Streams without container have no such number.
            self.num_frames = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
            self.frame_rate = capture.get(cv2.CAP_PROP_FPS)

    def has_frame(self, position: int) -> bool:
        """Return whether there is a frame at a position; counts where the header has too few."""
        if position >= self.num_frames:
            self.count_readable()
        return position < self.num_frames

    def count_readable(self) -> int:
        """Count the frames that can be decoded one after the other."""
        with _open_video(self.path) as capture:
            self.num_frames = 0
            while capture.grab():
                self.num_frames += 1
        return self.num_frames

    def read(self, positions: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        """Yield the frames at increasing positions; those between are skipped undecoded."""
        with _open_video(self.path) as capture:
            at = 0
            for position in positions:
                while at < position and capture.grab():
                    at += 1
                decoded, frame = capture.read()
                if not decoded:
                    raise ValueError(
                        f"video {self.path} must have {positions[-1] + 1} frames for these tracks, "
                        f"but it cannot be decoded beyond its first {at}; --skip-missing-frames "
                        "leaves out the boxes of the others"
                    )
                at += 1
                rgb = _to_rgb(frame)
                self.check_size(f"frame {position} (from 0) of {self.path}", rgb)
                yield position, rgb

    def scan(self, stride: int = 1) -> Iterator[tuple[int, float | None, Frame]]:
        """Yield every ``stride``-th frame until nothing more can be decoded."""
        at, start, time = 0, 0.0, 0.0
        with _open_video(self.path) as capture:
            while capture.grab():
                clock = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                start = clock if at == 0 else start
                time = max(time, clock - start)
                is_told = at == 0 or time > 0
                if at % stride == 0:
                    decoded, frame = capture.retrieve()
                    if not decoded:
                        break
                    rgb = _to_rgb(frame)
                    self.check_size(f"frame {at} (from 0) of {self.path}", rgb)
                    yield at, time if is_told else None, rgb
                at += 1
        self.num_frames = at


def open_source(path: Path) -> FrameSource:
    """Open a video file or a folder of frames.

    Raises:
        FileNotFoundError: If there is neither.
        ValueError: If it holds no frames, or not all of them.
    """
    if path.is_dir():
        return FolderSource(path)
    return VideoSource(check_regular(path, "video or folder of frames"))


@contextmanager
def _open_video(path: Path) -> Iterator[cv2.VideoCapture]:
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _QUIET)
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    try:
        yield capture
    finally:
        capture.release()


def _to_rgb(frame: npt.NDArray[Any]) -> Frame:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _read_picture(file: Path) -> Frame:
    return decode_frame(read_bytes(file, "frame"), str(file))


def _sort_by_number(folder: Path, files: list[Path]) -> list[Path]:
    """Sort by the last number in each name, which must count without a gap."""
    numbers = last_numbers(folder, [file.name for file in files])
    numbered = sorted(zip(numbers, files, strict=True))
    for (before, earlier), (after, file) in pairwise(numbered):
        if after != before + 1:
            raise ValueError(
                f"{folder} must hold every frame once, because boxes find theirs by counting, but "
                f"{earlier.name} (frame {before}) is followed by {file.name} (frame {after})"
            )
    return [file for _, file in numbered]
