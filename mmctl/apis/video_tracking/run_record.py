"""What a run was asked for, so that only the same command goes on with its work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from mmctl.apis.video_tracking.camera_list import CameraVideo
from mmctl.datasets.listings.frame_origins import name_video
from mmctl.datasets.tracking.track_plan import TrackSettings
from mmctl.files import read_json, shorten, write_whole
from mmctl.models.detectors import Detector
from mmctl.models.trackers import Tracker

_END = 1 << 20
"""Bytes of either end of a video that are hashed."""

Record = dict[str, dict[str, Any]]


def make_record(
    cameras: Sequence[CameraVideo],
    detector: Detector,
    tracker: Tracker | None,
    settings: TrackSettings,
    batch_size: int,
) -> Record:
    """Return what decides the result of a run: of detecting, and of the rest.

    Args:
        cameras: The videos.
        detector: Finds the persons.
        tracker: Follows them.
        settings: What is kept.
        batch_size: Frames at a time.
    """
    chosen = asdict(settings)
    stride = chosen.pop("stride")
    record = {
        "detection": {
            "videos": [_identify(Path(c.video)) | {"camera": c.camera} for c in cameras],
            "detector": detector.origin(),
            "stride": stride,
            "batch_size": batch_size,
            "opencv": cv2.__version__,
        },
        "tracking": {
            "starts": [c.start for c in cameras],
            "tracks": [None if c.tracks is None else _identify(Path(c.tracks)) for c in cameras],
            "tracker": None if tracker is None else tracker.origin(),
            "settings": chosen,
        },
    }
    return json.loads(json.dumps(record))  # tuples are lists there


def read_record(path: Path) -> Record | None:
    """Read a record, None if there is none that is whole.

    Args:
        path: The file.
    """
    try:
        content = read_json(path, "record")
    except (FileNotFoundError, ValueError):
        return None
    stages = ("detection", "tracking")
    if not isinstance(content, dict) or not all(isinstance(content.get(p), dict) for p in stages):
        return None
    return content


def write_record(path: Path, record: Record) -> None:
    """Write a record.

    Args:
        path: The file; its folder exists.
        record: What a run was asked for.
    """
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())


def describe_difference(old: Any, new: Any, place: str = "") -> str | None:
    """Return the first difference in words, None if there is none.

    Args:
        old: What was asked for.
        new: What is.
        place: Where in the record this is.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        pairs = [(key, old.get(key), new.get(key)) for key in {**old, **new}]
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = [(str(index), a, b) for index, (a, b) in enumerate(zip(old, new, strict=True))]
    else:
        return None if old == new else f"{place} was {shorten(old)} and is {shorten(new)}"
    found = (describe_difference(a, b, f"{place}.{key}".lstrip(".")) for key, a, b in pairs)
    return next(filter(None, found), None)


def _identify(path: Path) -> dict[str, Any]:
    """Return name, size and a hash of the ends of a file, or of the list of a folder."""
    digest = hashlib.sha256()
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file())
        size = sum(file.stat().st_size for file in files)
        digest.update("\n".join(file.name for file in files).encode("utf-8", "surrogateescape"))
    else:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest.update(file.read(_END))
            file.seek(max(size - _END, 0))
            digest.update(file.read(_END))
    return {"name": name_video(path), "size": size, "sha256_of_ends": digest.hexdigest()}
