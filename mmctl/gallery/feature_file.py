"""Tracklets with features, as ``tools/extract_features.py`` writes them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.files import read_npz, shorten
from mmctl.gallery.moments import to_microseconds
from mmctl.gallery.records import RecordSet, TrackletRecord, check_record, leaves_folder

_KINDS = {
    **dict.fromkeys(("known_pids", "known_cameras"), "b"),
    **dict.fromkeys(("videos", "starts", "names", "frame_paths"), "U"),
    **dict.fromkeys(("pids", "camids", "tracks", "num_frames", "frame_ranges"), "i"),
    **dict.fromkeys(("norms", "qualities", "times"), "f"),
}
_PAIRS = ("frame_ranges", "times")
_WORDS = {"b": "truth values", "U": "texts", "i": "whole numbers", "f": "floats"}
_MODEL, _FEATURE = "model", "feature"
_LAST_CHARACTER = 0x10FFFF
_LATEST_SECOND = 1e9

Arrays = dict[str, npt.NDArray[Any]]


def read_records(path: str | Path, crop_root: str | Path | None = None) -> RecordSet:
    """Read the ``features.npz`` of ``tools/extract_features.py``.

    Args:
        path: The file.
        crop_root: Folder that the crops lie in; the current one by default. Paths in the file are
            relative to it, or absolute.

    Returns:
        A record for each tracklet, with the model that the file names.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is none of ours, a value breaks a rule, or a crop lies elsewhere.
    """
    arrays = read_npz(path, "feature file", (*_KINDS, "features", _MODEL, _FEATURE))
    rows = _check_arrays(arrays, str(path))
    root = Path(os.path.abspath(crop_root or "."))
    if crop_root is not None and not root.is_dir():
        raise ValueError(f"the folder of crops {crop_root} does not exist")
    columns = {name: arrays[name].tolist() for name in _KINDS}
    records = []
    for row in range(rows):
        place = f"feature file {path}, row {row}"
        values = {name: column[row] for name, column in columns.items()}
        record = _to_record(arrays["features"][row], values, root, place)
        check_record(record, arrays["features"].shape[1], place)
        records.append(record)
    feature = str(arrays[_FEATURE]) if _FEATURE in arrays else ""
    return RecordSet(records, str(arrays[_MODEL]), feature)


def _check_arrays(arrays: Arrays, path: str) -> int:
    """Return the number of tracklets."""
    for name in ("features", _MODEL, *_KINDS):
        if name not in arrays:
            raise ValueError(
                f"{path} must be a table of tracklets as tools/extract_features.py writes it, but "
                f"it lacks {name}"
            )
    features = arrays["features"]
    if features.ndim != 2 or features.dtype.kind != "f" or not features.size:
        raise ValueError(
            f"{path}: features must be a matrix (tracklets, channels) of floating point numbers, "
            f"at least one of each, got {features.dtype} {features.shape}"
        )
    arrays["features"] = features.astype(np.float32)
    for name, kind in _KINDS.items():
        wanted = (len(features), 2) if name in _PAIRS else (len(features),)
        found = arrays[name]
        if found.dtype.kind != kind or found.shape != wanted:
            raise ValueError(
                f"{path}: {name} must be {_WORDS[kind]} {wanted}, got {found.dtype} {found.shape}"
            )
    for name in (_MODEL, _FEATURE):
        if name in arrays and (arrays[name].ndim or arrays[name].dtype.kind != "U"):
            raise ValueError(f"{path}: {name} must be one text, got {arrays[name].dtype}")
    for name, found in arrays.items():
        if found.dtype.kind == "U":
            _check_characters(found, f"{path}: {name}")
    if not str(arrays[_MODEL]):
        raise ValueError(f"{path}: model must name the model of the features, got ''")
    return len(features)


def _check_characters(values: npt.NDArray[Any], place: str) -> None:
    """Raise where a text is none: making it one would crash."""
    native = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
    numbers = np.frombuffer(native.tobytes(), np.uint32)
    if len(numbers) and numbers.max() > _LAST_CHARACTER:
        raise ValueError(f"{place} must be text, got {numbers.max():#x} in it, no character")


def _to_record(
    feature: npt.NDArray[np.float32], values: dict[str, Any], root: Path, place: str
) -> TrackletRecord:
    times = [_or_none(seconds, f"{place}: times") for seconds in values["times"]]
    start, end = _to_moments(values["starts"], times, place)
    crop = _find_crop(values["frame_paths"], root, place)
    frames = [None if frame == -1 else frame for frame in values["frame_ranges"]]
    return TrackletRecord(
        feature=feature,
        camera=values["camids"] if values["known_cameras"] else None,
        video=values["videos"],
        track=None if values["tracks"] == -1 else values["tracks"],
        first_frame=frames[0],
        last_frame=frames[1],
        start=start,
        end=end,
        first_time=times[0],
        last_time=times[1],
        num_frames=values["num_frames"],
        crop=crop,
        crop_root=str(root) if crop else "",
        quality=_or_none(values["qualities"], f"{place}: qualities"),
        norm=_or_none(values["norms"], f"{place}: norms"),
        pid=values["pids"] if values["known_pids"] else None,
        name=values["names"],
    )


def _or_none(value: float, place: str) -> float | None:
    if math.isinf(value):
        raise ValueError(f"{place} must be finite, or NaN where unknown, got {value}")
    return None if math.isnan(value) else value


def _to_moments(
    start: str, times: Sequence[float | None], place: str
) -> tuple[int | None, int | None]:
    """Return when the first and the last frame were taken."""
    if not start:
        return None, None
    first = to_microseconds(start, f"{place}: starts")
    if times[0] is None or times[1] is None:
        return first, first
    lasted = times[1] - times[0]
    if not 0 <= lasted <= _LATEST_SECOND:
        raise ValueError(f"{place}: times must rise, got {times[0]:g} and {times[1]:g} seconds")
    return first, first + round(1e6 * lasted)


def _find_crop(path: str, root: Path, place: str) -> str:
    """Return the path of a crop from its folder; '' if there is none."""
    if not path:
        return ""
    found = os.path.relpath(os.path.normpath(os.path.join(root, path)), root)
    if "\0" in path or leaves_folder(found):
        raise ValueError(
            f"{place}: the crop {shorten(path, 200)} must lie in the folder of crops, {root}, so "
            "that no page shows other files: name the folder that all crops are in, "
            "crop_root= (--crops FOLDER)"
        )
    return found
