"""Text files of the MOT Challenge: a box of a track in a frame per line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

_COLUMNS = "frame,id,bb_left,bb_top,bb_width,bb_height[,conf[,x,y,z]]"
_FEWEST, _MOST = 6, 10

_DIGITS = 15
"""Digits of a whole number that a float surely holds exactly."""


@dataclass(frozen=True)
class TrackBoxes:
    """The boxes of one file.

    Attributes:
        path: The file.
        lines: Number of each box's line, from 1, (n,).
        frames: Frame numbers as the tracker counts, (n,).
        tracks: Track ids, (n,).
        boxes: Left, top, width and height in pixels, (n, 4).
        confidences: Confidence of each box; 1 where the file has none, (n,).
    """

    path: Path
    lines: npt.NDArray[np.int64]
    frames: npt.NDArray[np.int64]
    tracks: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    confidences: npt.NDArray[np.float64]


def read_mot_file(path: Path, first_frame: int = 1) -> TrackBoxes:
    """Read and check the output of a tracker.

    Args:
        path: The text file.
        first_frame: What the tracker calls the first frame of the video.

    Returns:
        Its boxes in the order of the lines. Columns after the confidence are not looked at.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If a line breaks a rule; file, line, rule and value are named.
    """
    if not path.is_file():
        raise FileNotFoundError(f"track file {path} does not exist; it has lines {_COLUMNS}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"track file {path} must be text with lines {_COLUMNS}: {error}") from None
    rows: list[list[float]] = []
    numbers: list[int] = []
    seen: dict[tuple[float, float], int] = {}
    num_columns = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        row = _parse_line(place, line, num_columns)
        num_columns = len(row)
        _check_row(place, row, first_frame)
        earlier = seen.setdefault((row[0], row[1]), number)
        if earlier != number:
            raise ValueError(
                f"{place}: a track has one box in a frame, but line {earlier} has frame "
                f"{int(row[0])} of track {int(row[1])}, too"
            )
        rows.append(row[:7] if num_columns > _FEWEST else [*row, 1.0])
        numbers.append(number)
    if not rows:
        raise ValueError(f"track file {path} must have at least one line {_COLUMNS}, got none")
    table = np.array(rows)
    integers = table[:, :2].astype(np.int64)
    return TrackBoxes(
        path, np.array(numbers), integers[:, 0], integers[:, 1], table[:, 2:6], table[:, 6]
    )


def _parse_line(place: str, line: str, num_columns: int) -> list[float]:
    cells = line.split(",")
    if not _FEWEST <= len(cells) <= _MOST:
        raise ValueError(
            f"{place}: a line must have {_FEWEST} to {_MOST} columns {_COLUMNS}, separated by "
            f"commas, got {len(cells)}: {line[:60]!r}"
        )
    if num_columns and len(cells) != num_columns:
        raise ValueError(
            f"{place}: all lines must have as many columns as the first one, {num_columns}, got "
            f"{len(cells)}: {line[:60]!r}"
        )
    try:
        return [_to_number(cell) for cell in cells]
    except ValueError:
        raise ValueError(
            f"{place}: every column must be a number ({_COLUMNS}), got {line[:60]!r}"
        ) from None


def _to_number(cell: str) -> float:
    # Python takes 1_0 for 10, and digits of any script; other programs do neither.
    if "_" in cell or not cell.isascii():
        raise ValueError(cell)
    return float(cell)


def _check_row(place: str, row: list[float], first_frame: int) -> None:
    for name, value in zip(_COLUMNS.split("[")[0].split(","), row, strict=False):
        if not math.isfinite(value):
            raise ValueError(f"{place}: {name} must be finite, got {value}")
    frame, track, _, _, width, height = row[:6]
    if len(row) > _FEWEST and not math.isfinite(row[6]):
        raise ValueError(f"{place}: conf must be finite, got {row[6]}")
    if not _is_count(frame) or frame < first_frame:
        raise ValueError(
            f"{place}: frame must be an integer of at most {_DIGITS} digits, {first_frame} or "
            f"more, because the first frame is called {first_frame}, got {frame:g}"
        )
    if not _is_count(track):
        raise ValueError(
            f"{place}: id must be an integer of at most {_DIGITS} digits, 0 or more, got "
            f"{track:g}; files of detections have -1 there and need a tracker first"
        )
    if width <= 0 or height <= 0:
        raise ValueError(
            f"{place}: bb_width and bb_height must be positive, got {width:g} and {height:g}"
        )


def _is_count(value: float) -> bool:
    return value.is_integer() and 0 <= value < 10**_DIGITS
