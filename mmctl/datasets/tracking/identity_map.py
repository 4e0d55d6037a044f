"""Who a track is: a table of persons across cameras, made by hand or by another program."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from mmctl.files import read_lines

_HEADER = ["camera", "track_id", "pid"]

_INTEGER = re.compile(r"[ \t]*[+-]?[0-9]{1,18}[ \t]*")
"""Digits that surely fit into int64; other white space is none to ``int``."""

Identities = dict[tuple[int, int], int]
"""Person id by camera and track."""


def read_identities(path: Path) -> Identities:
    """Read a CSV file with the header ``camera,track_id,pid``.

    Args:
        path: The file. pid 0 marks a distractor, -1 junk.

    Returns:
        Person id by camera and track.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If a line breaks a rule; file, line, rule and value are named.
    """
    try:
        rows = list(csv.reader(read_lines(path, "identity map"), strict=True))
    except csv.Error as error:
        raise ValueError(f"identity map {path} is no CSV text: {error}") from error
    if not rows or [cell.strip() for cell in rows[0]] != _HEADER:
        raise ValueError(
            f"{path}, line 1: the header must be {','.join(_HEADER)}, got "
            f"{','.join(rows[0])[:60] if rows else 'an empty file'!r}"
        )
    identities: Identities = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        place = f"{path}, line {number}"
        if len(row) != len(_HEADER) or not all(_INTEGER.fullmatch(cell) for cell in row):
            raise ValueError(
                f"{place}: {','.join(_HEADER)} must be integers of at most 18 digits, got "
                f"{','.join(row)[:60]!r}"
            )
        camera, track, pid = (int(cell) for cell in row)
        if pid < -1:
            raise ValueError(f"{place}: pid must be -1 (junk), 0 (distractor) or more, got {pid}")
        if identities.setdefault((camera, track), pid) != pid:
            raise ValueError(
                f"{place}: a track is one person, but track {track} of camera {camera} was "
                f"{identities[camera, track]} before and is {pid} here"
            )
    return identities
