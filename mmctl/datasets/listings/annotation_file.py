"""The annotation file of a user's own tracklets, checked entry by entry."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from mmctl.datasets.listings.frame_folders import listed_path
from mmctl.datasets.listings.frame_origins import (
    MAX_ID,
    ORIGIN_KEYS,
    check_bound,
    check_counts,
    check_origins,
    is_integer,
)
from mmctl.files import read_json, shorten, write_whole

__all__ = ["MAX_ID", "order_frames", "read_annotation_file", "write_annotation_file"]

_SPLITS = ("train", "query", "gallery")
_DIGITS = re.compile(r"[0-9]+")
_LONGEST = 300
"""Characters of a frame's name in messages."""

_LABELS = ("pid", "split")
"""Who it is and what for: a tracklet has both, or it is unlabelled and has neither."""

_REQUIRED = ("camid", "frames")
_KNOWN = ("pid", "camid", "split", "frames", "keypoint_rows", *ORIGIN_KEYS)
_EXAMPLE = (
    '{"metainfo": {}, "tracklets": [{"pid": 1, "camid": 1, "split": "train", '
    '"frames": ["a/0.jpg"]}]}'
)


def read_annotation_file(
    path: str,
) -> tuple[dict[str, Any], list[dict[str, Any]], int | None]:
    """Read and check an annotation file.

    Where no tracklet has ``keypoint_rows``, the rows are the frames in the order of the file.

    Args:
        path: The JSON file.

    Returns:
        ``metainfo``; the tracklets, labelled or not, each with ``keypoint_rows``; the number of
        frames of all splits, or None where the file names the keypoint rows itself.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not JSON or breaks a rule; file, tracklet number (from 0), key, rule
            and value are named.
    """
    content = _load_json(path)
    metainfo = content.get("metainfo", {})
    if not isinstance(metainfo, dict):
        raise ValueError(f"{path}: 'metainfo' must be an object, got {shorten(metainfo)}")
    entries = content["tracklets"]
    for number, entry in enumerate(entries):
        _check_entry(f"{path}: tracklet {number}", entry)
    num_named = sum("keypoint_rows" in entry for entry in entries)
    if num_named not in (0, len(entries)):
        raise ValueError(
            f"{path}: 'keypoint_rows' must be given for every tracklet or for none, because the "
            f"rows of the others cannot be guessed, got {num_named} of {len(entries)}"
        )
    if num_named:
        return metainfo, entries, None
    return metainfo, entries, _number_frames(entries)


def write_annotation_file(
    path: str | Path, metainfo: dict[str, Any], entries: Sequence[dict[str, Any]]
) -> None:
    """Write an annotation file, whole or not at all; a tracklet is a line.

    Args:
        path: The JSON file.
        metainfo: What is said of the data set.
        entries: The tracklets of all splits, as :func:`read_annotation_file` reads them.

    Raises:
        DiskFullError: If the disk is full; what was there before is kept.
    """
    listed = ",\n".join(map(json.dumps, entries))
    text = f'{{"metainfo": {json.dumps(metainfo)}, "tracklets": [\n{listed}\n]}}\n'
    write_whole(path, text.encode())


def order_frames(path: str, entries: list[dict[str, Any]], num_rows: int | None) -> list[str]:
    """Return the frames of all tracklets in the order of the keypoint array's rows.

    Args:
        path: The annotation file, for messages.
        entries: What it lists.
        num_rows: How many frames it lists, None where it names the rows itself.

    Raises:
        ValueError: If the rows that it names are no such order: one that no frame has, or that two
            have.
    """
    frames = [frame for entry in entries for frame in entry["frames"]]
    if num_rows is not None:
        return frames
    rows = [row for entry in entries for row in entry["keypoint_rows"]]
    names: dict[int, str] = {}
    for row, frame in zip(rows, frames, strict=True):
        if names.setdefault(row, frame) != frame:
            raise ValueError(
                f"{path}: a keypoint row must belong to one frame, but row {row} belongs to "
                f"{names[row]} and to {frame}"
            )
    for row in range(max(rows) + 1):
        if row not in names:
            raise ValueError(
                f"{path}: the keypoint rows must be all from 0 to {max(rows)}, because they name "
                f"the frames of an array, but no frame has row {row}"
            )
    return [names[row] for row in sorted(names)]


def _number_frames(entries: list[dict[str, Any]]) -> int:
    """Make the frames in the order of the file the keypoint rows; return how many they are."""
    num_frames = 0
    for entry in entries:
        end = num_frames + len(entry["frames"])
        entry["keypoint_rows"] = range(num_frames, end)
        num_frames = end
    return num_frames


def _load_json(path: str) -> dict[str, Any]:
    content = read_json(path, "annotation file", f"it should look like {_EXAMPLE}")
    if not isinstance(content, dict) or not isinstance(content.get("tracklets"), list):
        raise ValueError(f"{path} must be an object with a list under 'tracklets', like {_EXAMPLE}")
    unknown = sorted(set(content) - {"metainfo", "tracklets"})
    if unknown:
        raise ValueError(
            f"{path}: only the keys 'metainfo' and 'tracklets' are read, got {shorten(unknown[0])}"
        )
    return content


def _check_entry(place: str, entry: Any) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{place} must be an object, got {shorten(entry)}")
    for key in _REQUIRED:
        if key not in entry:
            raise ValueError(f"{place} lacks the key {key!r}, it has {shorten(sorted(entry))}")
    unknown = sorted(set(entry) - set(_KNOWN))
    if unknown:
        raise ValueError(
            f"{place}: key {shorten(unknown[0])} is unknown; known are {', '.join(_KNOWN)}"
        )
    missing = [key for key in _LABELS if key not in entry]
    if len(missing) == 1:
        raise ValueError(
            f"{place} lacks the key {missing[0]!r}, it has {shorten(sorted(entry))}; a tracklet "
            "has pid and split, or, where nobody knows who it is, neither"
        )
    if not missing:
        _check_labels(place, entry)
    if not is_integer(entry["camid"]) or entry["camid"] < 0:
        raise ValueError(
            f"{place}: 'camid' must be an integer, 0 or more, got {shorten(entry['camid'])}"
        )
    check_bound(f"{place}: 'camid'", entry["camid"])
    _check_frames(place, entry)
    check_origins(place, entry)


def _check_labels(place: str, entry: dict[str, Any]) -> None:
    if entry["split"] not in _SPLITS:
        raise ValueError(
            f"{place}: 'split' must be 'train', 'query' or 'gallery', got {shorten(entry['split'])}"
        )
    lowest = -1 if entry["split"] == "gallery" else 1
    if not is_integer(entry["pid"]) or entry["pid"] < lowest:
        raise ValueError(
            f"{place}: 'pid' must be an integer, at least 1 for train and query and at least -1 "
            "for gallery, because 0 marks distractors and -1 junk, got "
            f"{shorten(entry['pid'])} with split {shorten(entry['split'])}"
        )
    check_bound(f"{place}: 'pid'", entry["pid"])


def _check_frames(place: str, entry: dict[str, Any]) -> None:
    frames = entry["frames"]
    if not isinstance(frames, list) or not frames:
        raise ValueError(
            f"{place}: 'frames' must be a list of at least one path in time order, got "
            f"{shorten(frames)}"
        )
    for index, frame in enumerate(frames):
        if not isinstance(frame, str) or not frame:
            raise ValueError(
                f"{place}: 'frames'[{index}] must be a path, got {shorten(frame, _LONGEST)}"
            )
        if not _can_be_a_path(frame):
            raise ValueError(
                f"{place}: 'frames'[{index}] must be the name of a file, which cannot have half of "
                f"a UTF-16 character or a zero, got {shorten(frame, _LONGEST)}"
            )
        frame = frames[index] = listed_path(frame)
        if ".." in frame and ".." in frame.split("/") and not os.path.isabs(frame):
            raise ValueError(
                f"{place}: 'frames'[{index}] must stay below data_root, because the data set is "
                "moved and shared as one folder (elsewhere is an absolute path), got "
                f"{shorten(frame, _LONGEST)}"
            )
    _check_time_order(place, frames)
    if "keypoint_rows" in entry:
        rows = f"{place}: 'keypoint_rows'"
        check_counts(rows, entry["keypoint_rows"], len(frames), "row")


def _can_be_a_path(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _check_time_order(place: str, frames: list[str]) -> None:
    """Refuse frames that are listed twice, or against the one number their names differ in."""
    if len(set(map(len, frames))) == 1 and all(a < b for a, b in pairwise(frames)):
        return  # names of one length, sorted: their numbers are, too
    twice = [frame for frame, number in Counter(frames).items() if number > 1]
    if twice:
        raise ValueError(
            f"{place}: 'frames' must list each frame once, got {shorten(twice[0], _LONGEST)} twice"
        )
    if len({_DIGITS.sub("#", frame) for frame in frames}) > 1:
        return
    numbers = [[_to_key(digits) for digits in _DIGITS.findall(frame)] for frame in frames]
    varying = [field for field in zip(*numbers, strict=True) if len(set(field)) > 1]
    if len(varying) != 1:
        return
    for index, (before, after) in enumerate(pairwise(varying[0]), start=1):
        if after <= before:
            raise ValueError(
                f"{place}: 'frames' must be in time order, and these names differ in one number "
                f"alone, but 'frames'[{index}] is {shorten(frames[index], _LONGEST)} after "
                f"{shorten(frames[index - 1], _LONGEST)}; sort them by number"
            )


def _to_key(digits: str) -> tuple[int, str]:
    """Return what sorts digits as their number, which Python does not read from thousands."""
    significant = digits.lstrip("0")
    return len(significant), significant
