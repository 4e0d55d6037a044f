"""Which boxes of a tracker become which tracklets."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmctl.datasets.tracking.crop_places import whole_edges
from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.track_boxes import TrackBoxes

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrackSettings:
    """What is kept of a track, and how it is cut.

    Attributes:
        first_frame: What the tracker calls the first frame: 1 in the MOT Challenge.
        stride: Only every stride-th frame of the video is used.
        min_confidence: Boxes below it are left out.
        min_size: Least height and width in pixels of what is visible of a box.
        max_gap: A track that is lost for more frames than this becomes two tracklets.
        min_length: Least number of crops of a tracklet.
        skip_missing_frames: Whether boxes in frames that the video does not have, or that cannot be
            decoded at its end, are left out; otherwise they are an error.

    Raises:
        ValueError: If a value is out of range.
    """

    first_frame: int = 1
    stride: int = 1
    min_confidence: float = 0.0
    min_size: tuple[int, int] = (32, 16)
    max_gap: int = 30
    min_length: int = 4
    skip_missing_frames: bool = False

    def __post_init__(self) -> None:
        for name, least in (("first_frame", 0), ("stride", 1), ("max_gap", 0), ("min_length", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if math.isnan(self.min_confidence):
            raise ValueError(
                f"min_confidence must be a number, because nothing is below {self.min_confidence}"
            )
        if min(self.min_size) < 1:
            raise ValueError(
                f"min_size must be a positive height and width in pixels, got {self.min_size}"
            )


def crop_folder(camid: int, track: int, piece: int) -> str:
    """Return the folder of a tracklet's crops, relative to the data set's.

    Args:
        camid: The camera.
        track: The tracker's number.
        piece: Number of the piece of the track, from 1.
    """
    return f"crops/camera{camid}/track{track:06d}_{piece}"


@dataclass(frozen=True)
class PlannedTrack:
    """A tracklet before it is cropped.

    Attributes:
        camid: The camera.
        track: The tracker's id.
        piece: Number of the piece of the track, from 1.
        positions: Frames in the video, from 0, (n,).
        rectangles: Left, top, right and bottom in whole pixels, the latter two exclusive, (n, 4).
        boxes: What the tracker says: left, top, width and height in pixels, (n, 4).
    """

    camid: int
    track: int
    piece: int
    positions: IntArray
    rectangles: IntArray
    boxes: npt.NDArray[np.float64]

    @property
    def folder(self) -> str:
        """Folder of the crops, relative to the data set's."""
        return crop_folder(self.camid, self.track, self.piece)

    def frame_paths(self, first_frame: int) -> list[str]:
        """Paths of the crops, named by the tracker's frame numbers."""
        numbers = (self.positions + first_frame).tolist()
        return [f"{self.folder}/{number:06d}.jpg" for number in numbers]


def plan_tracks(
    camid: int, boxes: TrackBoxes, source: FrameSource, settings: TrackSettings
) -> tuple[list[PlannedTrack], Counter[str]]:
    """Filter the boxes, clip them to the frame, and cut tracks where they were lost.

    Args:
        camid: The camera.
        boxes: The tracker's output.
        source: The camera's frames.
        settings: What is kept.

    Returns:
        The tracklets by track and time, and how many boxes were left out for which reason.

    Raises:
        ValueError: If a box is in a frame that the video does not have; file and line are named.
    """
    positions = boxes.frames - settings.first_frame
    if settings.skip_missing_frames:
        missing = positions >= source.count_readable()
    else:
        missing = np.zeros(len(positions), dtype=bool)
        _check_end(boxes, positions, source)
    rectangles = clip_boxes(boxes.boxes, source.size)
    keep, dropped = _filter_boxes(boxes, positions, rectangles, missing, settings)
    # By track, then by time
    order = np.lexsort((positions, boxes.tracks))
    order = order[keep[order]]
    tracks = boxes.tracks[order]
    planned: list[PlannedTrack] = []
    pieces: Counter[int] = Counter()
    ends = (np.diff(tracks) != 0) | _is_gap(positions[order], settings)
    for piece in np.split(order, 1 + np.flatnonzero(ends)):
        if len(piece) < settings.min_length:
            dropped["too short a tracklet"] += len(piece)
            continue
        track = int(boxes.tracks[piece[0]])
        pieces[track] += 1
        planned.append(
            PlannedTrack(
                camid,
                track,
                pieces[track],
                positions[piece],
                rectangles[piece],
                boxes.boxes[piece],
            )
        )
    return planned, dropped


def _check_end(boxes: TrackBoxes, positions: IntArray, source: FrameSource) -> None:
    last = int(positions.argmax())
    if not source.has_frame(int(positions[last])):
        raise ValueError(
            f"{boxes.place(last)}: frame {boxes.frames[last]} is beyond the end of {source.path}, "
            f"which has {source.num_frames} frames, the first one called "
            f"{boxes.frames[last] - positions[last]}; where the video was cut off, "
            "--skip-missing-frames leaves such boxes out"
        )


def _filter_boxes(
    boxes: TrackBoxes,
    positions: IntArray,
    rectangles: IntArray,
    missing: npt.NDArray[np.bool_],
    settings: TrackSettings,
) -> tuple[npt.NDArray[np.bool_], Counter[str]]:
    """Return which boxes are kept, and how many are not for which reason."""
    # (n, 2) width and height
    sides = rectangles[:, 2:] - rectangles[:, :2]
    dropped = Counter(boxes.left_out)
    keep = np.ones(len(positions), dtype=bool)
    for reason, wrong in (
        ("beyond the end of the video", missing),
        ("between strides", positions % settings.stride != 0),
        (
            f"confidence below {settings.min_confidence:g}",
            boxes.confidences < settings.min_confidence,
        ),
        ("outside of the frame", (sides <= 0).any(axis=1)),
        ("too small", (sides[:, ::-1] < settings.min_size).any(axis=1)),
    ):
        dropped[reason] += int((keep & wrong).sum())
        keep &= ~wrong
    return keep, dropped


def _is_gap(positions: IntArray, settings: TrackSettings) -> npt.NDArray[np.bool_]:
    # With a stride, frames between two used ones are not lost ones.
    lost = (np.diff(positions) // settings.stride - 1) * settings.stride
    return lost > settings.max_gap


def clip_boxes(boxes: npt.NDArray[np.float64], size: tuple[int, int]) -> IntArray:
    """Round edges to whole pixels and clip them; pixel j covers [j, j + 1).

    Args:
        boxes: Left, top, width and height in pixels, (n, 4).
        size: Height and width of the frame.

    Returns:
        Left, top, right and bottom, the latter two exclusive, (n, 4).
    """
    limits = np.array([size[1], size[0], size[1], size[0]])
    return whole_edges(boxes).clip(0, limits)
