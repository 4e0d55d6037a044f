"""Text files of the MOT Challenge and of the trackers that write alike: a box per line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmctl.datasets.tracking.person_rows import keep_persons
from mmctl.datasets.tracking.track_boxes import TrackBoxes
from mmctl.datasets.tracking.track_columns import (
    CENTRES,
    CORNERS,
    DESCRIPTION,
    EDGES,
    SIDES,
    Columns,
    columns_by_name,
    columns_by_place,
    is_header,
    is_number,
    split_line,
)
from mmctl.files import read_lines

BOXES = ("ltwh", "ltrb")
"""What the four numbers of a box may be: left, top and width, height or right, bottom."""

_DIGITS = 15
"""Digits of a whole number that a float surely holds exactly."""

_HUGE = 1e30
"""What no column reaches, so that nothing overflows."""


def read_mot_file(
    path: Path,
    first_frame: int = 1,
    boxes: str | None = None,
    classes: Sequence[int] | None = None,
) -> TrackBoxes:
    """Read and check the output of a tracker, or ground truth.

    Columns stand between commas, spaces or tabs. A header line names them in any order, otherwise
    they are those of the MOT Challenge. A confidence of -1 is none, unless the file has other
    negative ones. Boxes that ground truth marks as to be ignored are left out.

    Args:
        path: The text file.
        first_frame: What the tracker calls the first frame of the video.
        boxes: One of :data:`BOXES`; None is the former, and lets a later check doubt it.
        classes: The classes of objects that are persons; None is 1 in ground truth, and all of
            another file, which must have one class only.

    Returns:
        Its boxes of persons in the order of the lines.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If a line breaks a rule; file, line, rule and value are named.
    """
    # NumPy writes a header as a comment.
    lines = [
        (number, cells)
        for number, line in enumerate(read_lines(path, "track file"), start=1)
        if (cells := split_line(line.removeprefix("#") if number == 1 else line))
    ]
    if not lines:
        raise ValueError(f"track file {path} must have at least one line {DESCRIPTION}, got none")
    place, first = f"{path}, line {lines[0][0]}", lines[0][1]
    has_header = is_header(first)
    if has_header and boxes is not None:
        raise ValueError(f"{place}: the header names the boxes' columns, so leave --boxes out")
    columns = (
        columns_by_name(place, first)
        if has_header
        else columns_by_place(place, first, boxes == "ltrb")
    )
    rows = [
        _read_row(f"{path}, line {number}", cells, len(first), columns, first_frame)
        for number, cells in lines[has_header:]
    ]
    if not rows:
        raise ValueError(f"track file {path} must have a line below its header, got none")
    # (n, columns)
    table = dict(zip(columns, np.array(rows).T, strict=True))
    keep, confidences, left_out = keep_persons(path, table, has_header, classes)
    return TrackBoxes(
        path,
        np.array([number for number, _ in lines[has_header:]])[keep],
        table["frame"].astype(np.int64)[keep],
        table["id"].astype(np.int64)[keep],
        np.stack(_to_boxes(table), axis=1)[keep],
        confidences[keep],
        has_header or boxes is not None,
        left_out,
    ).check_tracks()


def _read_row(
    place: str, cells: list[str], num_columns: int, columns: Columns, first_frame: int
) -> list[float]:
    """Return the numbers of the columns that are read."""
    if len(cells) != num_columns:
        raise ValueError(
            f"{place}: all lines must have as many columns as the first one, {num_columns}, got "
            f"{len(cells)}: {','.join(cells)[:60]!r}"
        )
    read = [cells[index] for index in columns.values()]
    if not all(map(is_number, read)):
        raise ValueError(
            f"{place}: every column must be a number ({','.join(columns)}), got "
            f"{','.join(cells)[:60]!r}"
        )
    row = dict(zip(columns, map(float, read), strict=True))
    for name, value in row.items():
        if not abs(value) < _HUGE:
            raise ValueError(f"{place}: {name} must be finite and below {_HUGE:g}, got {value}")
    _check_row(place, row, first_frame)
    return list(row.values())


def _check_row(place: str, row: dict[str, float], first_frame: int) -> None:
    frame, track = row["frame"], row["id"]
    if not _is_count(frame) or frame < first_frame:
        hint = "; --first-frame 0 is for trackers that count from 0" if frame == 0 else ""
        raise ValueError(
            f"{place}: frame must be an integer of at most {_DIGITS} digits, {first_frame} or "
            f"more, because the first frame is called {first_frame}, got {frame:g}{hint}"
        )
    if not _is_count(track):
        raise ValueError(
            f"{place}: id must be an integer of at most {_DIGITS} digits, 0 or more, got "
            f"{track:g}; files of detections have -1 there and need a tracker first"
        )
    if "bb_right" in row:
        if row["bb_right"] <= row["bb_left"] or row["bb_bottom"] <= row["bb_top"]:
            box = [row[name] for name in (*EDGES, *CORNERS)]
            raise ValueError(f"{place}: right and bottom must be beyond left and top, got {box}")
    elif row["bb_width"] <= 0 or row["bb_height"] <= 0:
        raise ValueError(
            f"{place}: bb_width and bb_height must be positive, got {row['bb_width']:g} and "
            f"{row['bb_height']:g}"
        )


def _is_count(value: float) -> bool:
    return value.is_integer() and 0 <= value < 10**_DIGITS


def _to_boxes(table: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return left, top, width and height."""
    if "x_center" in table:
        sides = [table[name] for name in SIDES]
        return [table[c] - side / 2 for c, side in zip(CENTRES, sides, strict=True)] + sides
    edges = [table[name] for name in EDGES]
    if "bb_right" in table:
        return edges + [table[c] - edge for c, edge in zip(CORNERS, edges, strict=True)]
    return edges + [table[name] for name in SIDES]
