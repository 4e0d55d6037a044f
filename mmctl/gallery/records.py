"""What the gallery takes: one record for each tracklet."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.files import shorten
from mmctl.gallery.moments import EARLIEST, LATEST

Vector = npt.NDArray[np.float32]

_LARGEST = 2**63 - 1
_LONGEST_TEXT = 4096
_UNIT_TOLERANCE = 2e-3
"""How far the length of a feature may be from 1: float16 moves it by 5e-4 at most."""


@dataclass(frozen=True)
class TrackletRecord:
    """A tracklet with its feature, on its way into a gallery.

    Attributes:
        feature: Unit vector, (C,).
        camera: Number of the camera; None if unknown.
        video: Name of the video; '' if unknown.
        track: Number of the track in it; None if unknown.
        first_frame: First frame in the video, from 0; None if unknown.
        last_frame: Last frame.
        start: When the first frame was taken, microseconds since 1970 in UTC; None if unknown.
        end: When the last one was taken.
        first_time: Seconds of the first frame since the video's start; None if unknown.
        last_time: Seconds of the last one.
        num_frames: Frames that the feature was made of.
        crop: Path of a frame to show, within ``crop_root``; '' if there is none.
        crop_root: The folder that crops are in.
        quality: Mean quality of the frames, 0 to 1; None if unknown.
        norm: Length of the feature before it became a unit vector; None if unknown.
        pid: Person, where the record's origin knows; None if unknown.
        name: What the tracklet is called.
    """

    feature: Vector
    camera: int | None = None
    video: str = ""
    track: int | None = None
    first_frame: int | None = None
    last_frame: int | None = None
    start: int | None = None
    end: int | None = None
    first_time: float | None = None
    last_time: float | None = None
    num_frames: int = 0
    crop: str = ""
    crop_root: str = ""
    quality: float | None = None
    norm: float | None = None
    pid: int | None = None
    name: str = ""

    @cached_property
    def id(self) -> str:
        """The tracklet's id: a repeated run gives the same one, and so replaces its row."""
        name = self.name if self.track is None else ""
        return tracklet_id(self.camera, self.video, self.track, self.first_frame, name)


@dataclass(frozen=True)
class RecordSet(Sequence[TrackletRecord]):
    """Tracklets whose features are of one model.

    Attributes:
        records: The tracklets.
        model: Hash of the model (weights, config and preprocessing).
        feature: What the features are, in words; '' if nobody says.
    """

    records: Sequence[TrackletRecord]
    model: str
    feature: str = ""

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: Any) -> Any:
        return self.records[index]

    def take(self, rows: Iterable[int]) -> RecordSet:
        """Return some of them."""
        return RecordSet([self.records[row] for row in rows], self.model, self.feature)


def tracklet_id(
    camera: int | None, video: str, track: int | None, first_frame: int | None, name: str = ""
) -> str:
    """Return the id of a tracklet, 32 hexadecimal digits.

    Args:
        camera: Its camera.
        video: Its video.
        track: Its track.
        first_frame: Its first frame: a tracker may begin to number anew.
        name: What it is called, where no track tells it from others.
    """
    text = json.dumps([camera, video, track, first_frame, name])
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def check_record(record: TrackletRecord, width: int, place: str) -> None:
    """Check a record before it is written.

    Args:
        record: The record.
        width: Numbers in a feature of this gallery.
        place: Which record, for the message.

    Raises:
        ValueError: If a field breaks a rule; it is named with the value.
    """
    check_unit(record.feature, width, f"{place}: feature")
    for name in ("camera", "track", "first_frame", "last_frame"):
        _check_number(getattr(record, name), 0, _LARGEST, f"{place}: {name}")
    for name in ("start", "end"):
        _check_number(getattr(record, name), EARLIEST, LATEST, f"{place}: {name}")
    check_pid(record.pid, f"{place}: pid")
    if type(record.num_frames) is not int or not 0 <= record.num_frames <= _LARGEST:
        _refuse(f"{place}: num_frames", "a whole number of 0 or more", record.num_frames)
    for name in ("first_time", "last_time", "quality", "norm"):
        _check_real(getattr(record, name), f"{place}: {name}")
    for name in ("video", "crop", "crop_root", "name"):
        check_text(getattr(record, name), f"{place}: {name}")
    if leaves_folder(record.crop):
        rule = "a path within crop_root, without '..', so that no page shows other files"
        _refuse(f"{place}: crop", rule, record.crop)
    for first, last in (("first_frame", "last_frame"), ("start", "end")):
        pair = getattr(record, first), getattr(record, last)
        if None not in pair and pair[0] > pair[1]:
            raise ValueError(f"{place}: {last} must not be before {first}, got {pair}")


def check_unit(feature: Any, width: int | None, place: str) -> None:
    """Raise unless a feature is a finite unit vector of a width.

    Args:
        feature: The feature, or several of them, (..., C).
        width: Its numbers; None: any.
        place: What it is, for the message.

    Raises:
        ValueError: If it is none.
    """
    is_array = isinstance(feature, np.ndarray) and feature.dtype.kind == "f" and feature.ndim > 0
    if not is_array or (width is not None and feature.shape[-1] != width):
        found = f"{feature.dtype} {feature.shape}" if is_array else shorten(feature)
        raise ValueError(f"{place} must be {width or 'C'} floating point numbers, got {found}")
    wide = np.asarray(feature, np.float64)
    lengths = np.sqrt(np.einsum("...c,...c->...", wide, wide)).ravel()
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _UNIT_TOLERANCE))
    if len(wrong):
        row = f" in row {wrong[0]}" if feature.ndim > 1 else ""
        raise ValueError(
            f"{place} must have length 1, because similarities are products, got "
            f"{lengths[wrong[0]]:.6g}{row}"
        )


def check_pid(pid: Any, place: str) -> None:
    """Raise unless a person's number is one, -1 (junk), 0 (nobody) or None (unknown)."""
    _check_number(pid, -1, _LARGEST, place)


def check_text(text: Any, place: str) -> None:
    """Raise unless a text can be kept and shown."""
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT or "\0" in text:
        _refuse(place, f"text of at most {_LONGEST_TEXT:,} characters without zeros", text)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{place} must be text that UTF-8 can say, got {shorten(text)}: its character "
            f"{error.start} is half of one"
        ) from None


def leaves_folder(path: str) -> bool:
    """Return whether a path names something outside of the folder that it is in."""
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def _check_number(value: Any, lowest: int, largest: int, place: str) -> None:
    if value is not None and (type(value) is not int or not lowest <= value <= largest):
        _refuse(place, f"a whole number from {lowest} to {largest}, or unknown", value)


def _check_real(value: Any, place: str) -> None:
    if value is not None and (type(value) is not float or not math.isfinite(value)):
        _refuse(place, "a finite number, or unknown", value)


def _refuse(place: str, rule: str, value: Any) -> None:
    raise ValueError(f"{place} must be {rule}, got {shorten(value)}")
