"""Between records, rows of the database, and tracklets of the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmctl.files import shorten
from mmctl.gallery.hits import StoredTracklet
from mmctl.gallery.moments import EARLIEST, LATEST, to_datetime
from mmctl.gallery.records import TrackletRecord

_KINDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "camera": (int, type(None)),
    "video": (str,),
    "track": (int, type(None)),
    "first_frame": (int, type(None)),
    "last_frame": (int, type(None)),
    "start_time": (int, type(None)),
    "end_time": (int, type(None)),
    "first_second": (float, type(None)),
    "last_second": (float, type(None)),
    "num_frames": (int,),
    "crop": (str,),
    "crop_root": (str,),
    "quality": (float, type(None)),
    "norm": (float, type(None)),
    "name": (str,),
    "pid": (int, type(None)),
    "pid_source": (str,),
    "added": (int,),
    "expires": (int, type(None)),
}
_MOMENTS = ("start_time", "end_time", "added", "expires")

COLUMN_NAMES = tuple(_KINDS)
"""Columns of the table of tracklets, without the row's number."""


def to_row(
    record: TrackletRecord, moment: int, expires: int | None, kept: tuple[Any, str] | None
) -> list[Any]:
    """Return the values of a record in the order of :data:`COLUMN_NAMES`.

    Args:
        record: The record.
        moment: The present.
        expires: When it goes.
        kept: Person and source, where they are not the record's.
    """
    pid, source = kept or (record.pid, "unknown" if record.pid is None else "given")
    return [
        *(record.id, record.camera, record.video, record.track, record.first_frame),
        *(record.last_frame, record.start, record.end, record.first_time, record.last_time),
        *(record.num_frames, record.crop, record.crop_root, record.quality, record.norm),
        record.name,
        *(pid, source, moment, expires),
    ]


def to_tracklet(values: Sequence[Any], path: Path) -> StoredTracklet:
    """Return a tracklet from its row.

    Args:
        values: The row's number, and its values in the order of :data:`COLUMN_NAMES`.
        path: The database, for the message.

    Raises:
        ValueError: If a value is of another type than it was written.
    """
    row, *rest = values
    found = dict(zip(COLUMN_NAMES, rest, strict=True))
    for name, value in found.items():
        is_moment = name in _MOMENTS and value is not None
        if type(value) not in _KINDS[name] or (is_moment and not EARLIEST <= value <= LATEST):
            raise ValueError(
                f"gallery {path} is damaged: {name} of row {row} cannot be {shorten(value)}"
            )
    moments = {name: to_datetime(found.pop(name)) for name in _MOMENTS}
    return StoredTracklet(
        **{name: value for name, value in found.items() if not name.endswith("_second")},
        start=moments["start_time"],
        end=moments["end_time"],
        first_time=found["first_second"],
        last_time=found["last_second"],
        added=moments["added"],
        expires=moments["expires"],
        row=row,
    )
