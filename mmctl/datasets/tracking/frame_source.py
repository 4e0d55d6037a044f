"""Frames of a camera in order, from a video file or from a folder of pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mmctl.datasets.transforms.load_frames import decode_frame

Frame = npt.NDArray[np.uint8]

_PICTURES = (".bmp", ".jpeg", ".jpg", ".png")


class FrameSource:
    """Frames by their position, counted from 0.

    Attributes:
        path: The video or folder.
        num_frames: How many frames there are; a video's header may be wrong about it.
        size: Height and width of every frame.
    """

    path: Path
    num_frames: int
    size: tuple[int, int]

    def has_frame(self, position: int) -> bool:
        """Return whether there is a frame at a position."""
        return position < self.num_frames

    def read(self, positions: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        """Yield the frames (RGB) at increasing positions.

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
        files = [file for file in path.iterdir() if file.suffix.lower() in _PICTURES]
        if not files:
            raise ValueError(f"folder {path} must hold frames ({', '.join(_PICTURES)}), got none")
        self.files = _sort_by_number(path, files)
        self.num_frames = len(self.files)
        first = decode_frame(self.files[0].read_bytes(), str(self.files[0]))
        self.size = (first.shape[0], first.shape[1])

    def read(self, positions: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        """Yield the frames at increasing positions."""
        for position in positions:
            file = self.files[position]
            frame = decode_frame(file.read_bytes(), str(file))
            self.check_size(f"frame {file}", frame)
            yield position, frame


class VideoSource(FrameSource):
    """A video file that OpenCV can decode, read from its start to the last frame needed.

    Raises:
        ValueError: If OpenCV cannot decode its first frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        capture = cv2.VideoCapture(str(path))
        decoded, frame = capture.read()
        if not decoded:
            raise ValueError(f"video {path} cannot be decoded by OpenCV, not even its first frame")
        self.size = (frame.shape[0], frame.shape[1])
        self.num_frames = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()

    def has_frame(self, position: int) -> bool:
        """Return whether there is a frame at a position; counts where the header has too few."""
        if position >= self.num_frames:
            self.num_frames = self._count()
        return position < self.num_frames

    def read(self, positions: Sequence[int]) -> Iterator[tuple[int, Frame]]:
        """Yield the frames at increasing positions; those between are skipped undecoded."""
        capture = cv2.VideoCapture(str(self.path))
        try:
            at = 0
            for position in positions:
                while at < position and capture.grab():
                    at += 1
                decoded, frame = capture.read()
                if not decoded:
                    raise ValueError(
                        f"video {self.path} must have {positions[-1] + 1} frames for these tracks, "
                        f"but it cannot be decoded beyond its first {at}"
                    )
                at += 1
                rgb = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8)
                self.check_size(f"frame {position} (from 0) of {self.path}", rgb)
                yield position, rgb
        finally:
            capture.release()

    def _count(self) -> int:
        capture = cv2.VideoCapture(str(self.path))
        count = 0
        while capture.grab():
            count += 1
        capture.release()
        return count


def open_source(path: Path) -> FrameSource:
    """Open a video file or a folder of frames.

    Raises:
        FileNotFoundError: If there is neither.
        ValueError: If it holds no frames, or not all of them.
    """
    if path.is_dir():
        return FolderSource(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; it must be a video or a folder of frames")
    return VideoSource(path)


def _sort_by_number(folder: Path, files: list[Path]) -> list[Path]:
    """Sort by the last number in each name, which must count without a gap."""
    numbered = []
    for file in files:
        digits = re.findall(r"\d+", file.stem)
        if not digits:
            raise ValueError(
                f"{file} must have a number in its name, because frames are sorted by number"
            )
        numbered.append((int(digits[-1]), file))
    numbered.sort()
    for (before, _), (after, file) in pairwise(numbered):
        if after != before + 1:
            raise ValueError(
                f"{folder} must hold every frame once, because boxes find theirs by counting, but "
                f"{file.name} follows number {before}"
            )
    return [file for _, file in numbered]
