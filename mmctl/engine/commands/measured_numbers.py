"""The numbers that a test has written, read again: each one is what it is said to be."""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mmctl.files import read_json, to_record

Numbers = dict[str, Any]
Reader = Callable[[Path], Numbers]

HIGHEST = 100.0
"""The highest score; scores are percentages."""


@dataclass
class Measured:
    """What ``tools/test.py --metrics-file`` writes beside the scores, of any name.

    Attributes:
        protocol: Name of the protocol.
        num_queries: Queries that were scored.
        num_gallery: Tracklets that were ranked.
        checkpoint: What was tested; None for the untrained network.
        refinement: What was done to the distances.
    """

    protocol: str
    num_queries: int
    num_gallery: int
    checkpoint: str | None = None
    refinement: str | None = None


@dataclass(kw_only=True)
class NamedResult(Measured):
    """What the quickstart keeps of a network beside its scores.

    Attributes:
        name: The network.
        seconds: How long training and test took.
    """

    name: str
    seconds: float


def read_measured(
    path: Path, needed: Collection[str] = ("mAP",), record: type[Measured] = Measured
) -> dict[str, Any]:
    """Read the numbers of a test.

    Args:
        path: The JSON file.
        needed: Scores that have to be there.
        record: What stands beside the scores.

    Returns:
        The content of the file.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is no such file, or a number is none, out of range, or missing.
    """
    content, place = _read_object(path)
    known = {field.name for field in fields(record)}
    beside = to_record(record, {key: content[key] for key in content if key in known}, place)
    for name in ("num_queries", "num_gallery"):
        if getattr(beside, name) < 1:
            raise ValueError(f"{place}: {name!r} must be 1 or more, got {getattr(beside, name)}")
    scores = {key: content[key] for key in content if key not in known}
    _check_scores(scores, needed, place, HIGHEST)
    return content


def read_scores(path: Path, needed: Collection[str]) -> dict[str, Any]:
    """Read numbers that are no percentages, as those of a pose estimator.

    Args:
        path: The JSON file.
        needed: Numbers that have to be there; others are not looked at.

    Returns:
        The content of the file.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is no such file, or a number is missing, negative or not finite.
    """
    content, place = _read_object(path)
    scores = {name: content[name] for name in needed if name in content}
    _check_scores(scores, needed, place, sys.float_info.max)
    return content


def _read_object(path: Path) -> tuple[dict[str, Any], str]:
    place = f"numbers of a test {path}"
    content = read_json(path, "numbers of a test")
    if not isinstance(content, dict):
        raise ValueError(f"{place} must be an object, got {reprlib.repr(content)}")
    return content, place


def _check_scores(
    scores: Mapping[str, Any], needed: Collection[str], place: str, highest: float
) -> None:
    for name in needed:
        if name not in scores:
            raise ValueError(f"{place} lacks the score {name!r}, it has {sorted(scores)}")
    for name, value in scores.items():
        # Not "outside": NaN must not pass, and a bool is a number to Python.
        if type(value) not in (int, float) or not 0 <= value <= highest:
            raise ValueError(
                f"{place}: the score {name[:80]!r} must be a number from 0 to {highest:g}, got "
                f"{reprlib.repr(value)}"
            )


def read_finished(path: Path, read: Reader = read_measured) -> Numbers | None:
    """Return the numbers of a test that is done; None if there are none, or damaged ones.

    A test is repeated in no time, so a damaged file is one that is still to be written.

    Args:
        path: The JSON file.
        read: What reads it.
    """
    try:
        return read(path)
    except (FileNotFoundError, ValueError):
        return None
