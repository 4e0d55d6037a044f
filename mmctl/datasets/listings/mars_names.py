"""The frame names of MARS: a million of them, read and compared as one byte matrix."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mmctl.files import read_bytes

IntArray = npt.NDArray[np.int64]

_PATTERN = b"ddddCdTddddFddd.jpg"
_JUNK = b"00-1"


class FrameNames(NamedTuple):
    """The lines of a name file, in order.

    Attributes:
        path: The name file.
        names: Names of the frames.
        pids: Person ids; -1 marks junk, 0 a distractor, (lines,).
        camids: Camera ids, (lines,).
        tracks: Tracklet numbers (``T....``) of a person in a camera, (lines,).
        frames: Frame numbers (``F...``) within a tracklet, (lines,).
    """

    path: Path
    names: list[str]
    pids: IntArray
    camids: IntArray
    tracks: IntArray
    frames: IntArray


def read_frame_names(path: Path) -> FrameNames:
    """Read a name file and split its names into their numbers.

    Args:
        path: ``train_name.txt`` or ``test_name.txt``, a name like ``0001C1T0001F001.jpg`` (junk:
            ``00-1C1T0001F001.jpg``) per line.

    Returns:
        Names and numbers.

    Raises:
        ValueError: If the file is empty or a line is no such name; the line is named.
    """
    lines = read_bytes(path, "name file").splitlines()
    if not lines:
        raise ValueError(f"{path} must name at least one frame, got an empty file")
    lengths = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
    _refuse_lines(path, lines, lengths != len(_PATTERN))
    # (lines, 19) characters
    matrix = np.frombuffer(b"".join(lines), dtype=np.uint8).reshape(len(lines), -1)
    pattern = np.frombuffer(_PATTERN, dtype=np.uint8)
    is_digit = (matrix >= ord("0")) & (matrix <= ord("9"))
    fits = np.where(pattern == ord("d"), is_digit, matrix == pattern)
    junk = (matrix[:, :4] == np.frombuffer(_JUNK, dtype=np.uint8)).all(axis=1)
    fits[:, :4] |= junk[:, None]
    _refuse_lines(path, lines, ~np.all(fits, axis=1))
    pids = np.where(junk, -1, _to_numbers(matrix[:, :4]))
    return FrameNames(
        path,
        b"\n".join(lines).decode("ascii").split("\n"),
        pids,
        _to_numbers(matrix[:, 5:6]),
        _to_numbers(matrix[:, 7:11]),
        _to_numbers(matrix[:, 12:15]),
    )


def check_rows(rows: IntArray, mat_file: Path, names: FrameNames) -> None:
    """Compare the tracklets of a .mat file with the names they point to.

    Args:
        rows: Start and end line (counted from 1, inclusive), pid and camid, (tracklets, 4).
        mat_file: Where the rows come from, for the message.
        names: The name file's content.

    Raises:
        ValueError: If a row points outside the name file, if a name has another pid or camera
            than its row, if a row mixes tracklets or has frames out of order, or if a line
            belongs to no row or to several; the row and the line (both counted from 1) and the
            values are named.
    """
    starts, ends = rows[:, 0], rows[:, 1]
    outside = np.flatnonzero((starts < 1) | (ends < starts) | (ends > len(names.names)))
    if len(outside):
        row = outside[0]
        raise ValueError(
            f"{mat_file}: row {row + 1} must point to lines 1 <= start <= end <= "
            f"{len(names.names)} of {names.path}, got {starts[row]}..{ends[row]}"
        )
    lengths = ends - starts + 1
    # Line (from 0) of every frame of every row, and the row it belongs to.
    row_of = np.repeat(np.arange(len(rows)), lengths)
    firsts = np.cumsum(lengths) - lengths
    lines = np.arange(len(row_of)) + np.repeat(starts - 1 - firsts, lengths)
    for what, expected, found in (
        ("pid", rows[row_of, 2], names.pids[lines]),
        ("camid", rows[row_of, 3], names.camids[lines]),
    ):
        wrong = np.flatnonzero(expected != found)
        if len(wrong):
            at = wrong[0]
            raise ValueError(
                f"{mat_file}: row {row_of[at] + 1} has {what} {expected[at]}, but line "
                f"{lines[at] + 1} of {names.path}, which it points to, has {found[at]} "
                f"({names.names[lines[at]]})"
            )
    _check_order(rows, mat_file, names, row_of, lines)
    _check_coverage(mat_file, names, lines)


def _check_order(
    rows: IntArray, mat_file: Path, names: FrameNames, row_of: IntArray, lines: IntArray
) -> None:
    tracks, frames = names.tracks[lines], names.frames[lines]
    same_row = row_of[1:] == row_of[:-1]
    for rule, broken in (
        ("must hold frames of one tracklet (T....)", tracks[1:] != tracks[:-1]),
        ("must list its frames (F...) in time order, each once", frames[1:] <= frames[:-1]),
    ):
        wrong = np.flatnonzero(same_row & broken)
        if len(wrong):
            row, line = row_of[wrong[0]], lines[wrong[0]]
            raise ValueError(
                f"{mat_file}: row {row + 1} (lines {rows[row, 0]}..{rows[row, 1]} of "
                f"{names.path}) {rule}, but line {line + 1} is {names.names[line]} and line "
                f"{line + 2} is {names.names[line + 1]}"
            )


def _check_coverage(mat_file: Path, names: FrameNames, lines: IntArray) -> None:
    counts = np.bincount(lines, minlength=len(names.names))
    wrong = np.flatnonzero(counts != 1)
    if len(wrong):
        line = wrong[0]
        raise ValueError(
            f"{mat_file}: every line of {names.path} must belong to exactly one row, because a "
            f"frame is part of one tracklet, but line {line + 1} ({names.names[line]}) belongs to "
            f"{counts[line]} rows; do the two files come from the same release?"
        )


def _refuse_lines(path: Path, lines: list[bytes], wrong: npt.NDArray[np.bool_]) -> None:
    if wrong.any():
        line = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{path}: every line must be a frame name like 0001C1T0001F001.jpg (person, camera, "
            "tracklet, frame; 00-1 for junk), because tracks_*_info.mat counts lines, but line "
            f"{line + 1} is {lines[line].decode('utf-8', 'replace')!r}"
        )


def _to_numbers(digits: npt.NDArray[np.uint8]) -> IntArray:
    """Read (lines, n) ASCII digits as decimal numbers, (lines,)."""
    numbers = np.zeros(len(digits), dtype=np.int64)
    for column in digits.T:
        numbers = 10 * numbers + (column.astype(np.int64) - ord("0"))
    return numbers
