"""Where the frames of a listed tracklet are from: video, track, time, box and quality."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.files import shorten

MAX_ID = 2**63 - 1
"""The greatest number of a person, camera, track, frame or row."""

ORIGIN_KEYS = ("video", "track", "frame_numbers", "times", "start", "boxes", "quality")
"""Optional keys of a tracklet, see docs/en/datasets.md."""

_TYPES = {
    "frame_numbers": np.int64,
    "times": np.float64,
    "boxes": np.float64,
    "quality": np.float64,
}

_UTC = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+]00:00)"
)


def check_origins(place: str, entry: Mapping[str, Any]) -> None:
    """Check the keys of :data:`ORIGIN_KEYS` that a tracklet has.

    Args:
        place: File and tracklet, for messages.
        entry: The tracklet; its ``frames`` are checked already.

    Raises:
        ValueError: If one breaks a rule; place, key, rule and value are named.
    """
    for key in ORIGIN_KEYS:
        if key in entry:
            _CHECKS[key](f"{place}: {key!r}", entry[key], len(entry["frames"]))


def origins_as_arrays(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tracklet has of :data:`ORIGIN_KEYS`, its lists as arrays.

    Args:
        entry: The tracklet, checked.

    Returns:
        ``video`` and ``start`` (text) and ``track`` (int) as they are; ``frame_numbers`` int64
        (S,), ``times`` (S,), ``boxes`` (S, 4) and ``quality`` (S,) float64.
    """
    return {
        key: np.array(entry[key], dtype=_TYPES[key]) if key in _TYPES else entry[key]
        for key in ORIGIN_KEYS
        if key in entry
    }


def parse_utc(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text in UTC names, as ``2024-05-31T12:30:00.5Z``.

    Args:
        text: Any text.

    Returns:
        The moment, None if the text is none or does not say that it is in UTC.
    """
    found = _UTC.fullmatch(text)
    if found is None:
        return None
    # Python 3.10 reads neither Z nor fractions of other than three or six digits.
    fraction = (found[1] or ".")[1:].ljust(6, "0")
    try:
        moment = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    return moment.replace(microsecond=int(fraction), tzinfo=timezone.utc)


def name_video(path: Path) -> str:
    """Return the name by which a list knows a video, or a folder of frames.

    Args:
        path: The file or folder; what of its name cannot be shown becomes ``?``.
    """
    name = path.resolve().name or "frames"
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def round_boxes(boxes: NDArray[np.float64]) -> list[list[float]]:
    """Return boxes as a list keeps them, in hundredths of a pixel.

    Edges stay on their side of the middle of a pixel, so that the crop can be found again.

    Args:
        boxes: Left, top, width and height, (S, 4); the latter two are positive, and stay so.
    """
    first = boxes[:, :2].round(2)
    first -= 0.01 * (np.floor(first + 0.5) > np.floor(boxes[:, :2] + 0.5))
    first = first.round(2)
    ends = np.floor(boxes[:, :2] + boxes[:, 2:] + 0.5)
    sides = boxes[:, 2:].round(2)
    for step in (-0.01, -0.01, 0.01, 0.01):  # both were rounded
        wrong = np.sign(np.floor(first + sides + 0.5) - ends) == -np.sign(step)
        sides = np.where(wrong, sides + step, sides).round(2)
    return np.concatenate([first, sides.clip(min=0.01)], axis=1).tolist()


def is_integer(value: Any) -> bool:
    """Return whether a parsed value is an integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def check_bound(place: str, number: int) -> None:
    """Refuse a number that 64 bits do not hold."""
    if number > MAX_ID:
        raise ValueError(
            f"{place} must be at most {MAX_ID}, because it is kept in 64 bits, got "
            f"{shorten(number)}"
        )


def check_counts(place: str, numbers: Any, num_frames: int, item: str) -> None:
    """Refuse what is no list of one integer, 0 or more, per frame.

    Args:
        place: File, tracklet and key, for messages.
        numbers: What was parsed.
        num_frames: Frames of the tracklet.
        item: What one of them is, as ``'row'``.
    """
    _check_length(place, numbers, num_frames, item)
    for index, number in enumerate(numbers):
        if not is_integer(number) or number < 0:
            raise ValueError(
                f"{place}[{index}] must be an integer, 0 or more, got {shorten(number)}"
            )
        check_bound(f"{place}[{index}]", number)


def _check_video(place: str, value: Any, _: int) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{place} must be the name of a video, got {shorten(value)}")
    if not value.isprintable():
        raise ValueError(
            f"{place} must be a name of printable characters, because it is shown to people, got "
            f"{shorten(value)}"
        )


def _check_track(place: str, value: Any, _: int) -> None:
    if not is_integer(value) or value < 0:
        raise ValueError(f"{place} must be an integer, 0 or more, got {shorten(value)}")
    check_bound(place, value)


def _check_frame_numbers(place: str, values: Any, num_frames: int) -> None:
    check_counts(place, values, num_frames, "number")
    for index, (before, after) in enumerate(pairwise(values), start=1):
        if after <= before:
            raise ValueError(
                f"{place} must rise, because frames are in time order and each is there once, but "
                f"{place.rpartition(': ')[2]}[{index}] is {after} after {before}"
            )


def _check_times(place: str, values: Any, num_frames: int) -> None:
    _check_length(place, values, num_frames, "time")
    for index, value in enumerate(values):
        if not _is_finite(value) or value < 0:
            raise ValueError(
                f"{place}[{index}] must be a finite number of seconds, 0 or more, got "
                f"{shorten(value)}"
            )
        if index and value < values[index - 1]:
            raise ValueError(
                f"{place} must not fall, because frames are in time order, but "
                f"{place.rpartition(': ')[2]}[{index}] is {value} after {values[index - 1]}"
            )


def _check_start(place: str, value: Any, _: int) -> None:
    if not isinstance(value, str) or parse_utc(value) is None:
        raise ValueError(
            f"{place} must be a time in UTC, like '2024-05-31T12:30:00Z', got {shorten(value)}"
        )


def _check_boxes(place: str, values: Any, num_frames: int) -> None:
    _check_length(place, values, num_frames, "box")
    for index, box in enumerate(values):
        is_box = isinstance(box, list) and len(box) == 4 and all(map(_is_finite, box))
        if not is_box or min(box[2:]) <= 0:
            raise ValueError(
                f"{place}[{index}] must be left, top, width and height in pixels, four finite "
                f"numbers, the latter two positive, got {shorten(box)}"
            )


def _check_quality(place: str, values: Any, num_frames: int) -> None:
    _check_length(place, values, num_frames, "number")
    for index, value in enumerate(values):
        if not _is_finite(value) or not 0 <= value <= 1:
            raise ValueError(f"{place}[{index}] must be a number from 0 to 1, got {shorten(value)}")


_CHECKS: dict[str, Callable[[str, Any, int], None]] = {
    "video": _check_video,
    "track": _check_track,
    "frame_numbers": _check_frame_numbers,
    "times": _check_times,
    "start": _check_start,
    "boxes": _check_boxes,
    "quality": _check_quality,
}


def _check_length(place: str, values: Any, num_frames: int, item: str) -> None:
    if not isinstance(values, list) or len(values) != num_frames:
        raise ValueError(
            f"{place} must list one {item} per frame ({num_frames}), got "
            f"{len(values) if isinstance(values, list) else shorten(values)}"
        )


def _is_finite(value: Any) -> bool:
    if type(value) not in (int, float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False
