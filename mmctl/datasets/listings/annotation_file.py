"""The annotation file of a user's own tracklets, checked entry by entry."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import pairwise
from typing import Any

from mmctl.datasets.listings.frame_folders import listed_path
from mmctl.files import read_json, shorten

_SPLITS = ("train", "query", "gallery")
_DIGITS = re.compile(r"[0-9]+")
MAX_ID = 2**63 - 1
"""The greatest pid, camid and keypoint row."""

_LONGEST = 300
"""Characters of a frame's name in messages."""

_REQUIRED = ("pid", "camid", "split", "frames")
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
        ``metainfo``; the tracklets of all splits, each with ``keypoint_rows``; the number of
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
    unknown = sorted(set(entry) - {*_REQUIRED, "keypoint_rows"})
    if unknown:
        raise ValueError(
            f"{place}: key {shorten(unknown[0])} is unknown; known are {', '.join(_REQUIRED)} and "
            "keypoint_rows"
        )
    if entry["split"] not in _SPLITS:
        raise ValueError(
            f"{place}: 'split' must be 'train', 'query' or 'gallery', got {shorten(entry['split'])}"
        )
    _check_ids(place, entry)
    _check_frames(place, entry)


def _check_ids(place: str, entry: dict[str, Any]) -> None:
    lowest = -1 if entry["split"] == "gallery" else 1
    if not _is_integer(entry["pid"]) or entry["pid"] < lowest:
        raise ValueError(
            f"{place}: 'pid' must be an integer, at least 1 for train and query and at least -1 "
            "for gallery, because 0 marks distractors and -1 junk, got "
            f"{shorten(entry['pid'])} with split {shorten(entry['split'])}"
        )
    if not _is_integer(entry["camid"]) or entry["camid"] < 0:
        raise ValueError(
            f"{place}: 'camid' must be an integer, 0 or more, got {shorten(entry['camid'])}"
        )
    for key in ("pid", "camid"):
        _check_bound(f"{place}: {key!r}", entry[key])


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
        _check_keypoint_rows(place, entry["keypoint_rows"], frames)


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


def _check_keypoint_rows(place: str, rows: Any, frames: list[str]) -> None:
    if not isinstance(rows, list) or len(rows) != len(frames):
        raise ValueError(
            f"{place}: 'keypoint_rows' must list one row per frame ({len(frames)}), got "
            f"{len(rows) if isinstance(rows, list) else shorten(rows)}"
        )
    for index, row in enumerate(rows):
        if not _is_integer(row) or row < 0:
            raise ValueError(
                f"{place}: 'keypoint_rows'[{index}] must be an integer, 0 or more, got "
                f"{shorten(row)}"
            )
        _check_bound(f"{place}: 'keypoint_rows'[{index}]", row)


def _check_bound(place: str, number: int) -> None:
    if number > MAX_ID:
        raise ValueError(
            f"{place} must be at most {MAX_ID}, because it is kept in 64 bits, got "
            f"{shorten(number)}"
        )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
