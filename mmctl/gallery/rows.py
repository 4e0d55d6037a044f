"""Between records, rows of the database, and tracklets of the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
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
_MOMENTS = frozenset(("start_time", "end_time", "added", "expires"))

_MOMENT_PLACES = tuple(place for place, name in enumerate(_KINDS) if name in _MOMENTS)

COLUMN_NAMES = tuple(_KINDS)
"""Columns of the table of tracklets, without the row's number, in the order of StoredTracklet."""


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
    wrong = _find_wrong(tuple(map(type, rest)))
    for place in _MOMENT_PLACES if wrong is None else ():
        if rest[place] is not None and not EARLIEST <= rest[place] <= LATEST:
            wrong = place
    if wrong is not None:
        raise ValueError(
            f"gallery {path} is damaged: {COLUMN_NAMES[wrong]} of row {row} cannot be "
            f"{shorten(rest[wrong])}"
        )
    for place in _MOMENT_PLACES:
        rest[place] = to_datetime(rest[place])
    return StoredTracklet(*(*rest, row))


@lru_cache(maxsize=1024)
def _find_wrong(types: tuple[type, ...]) -> int | None:
    """Return which of the values cannot be of its type; None if all can."""
    pairs = enumerate(zip(types, _KINDS.values(), strict=True))
    return next((place for place, (kind, known) in pairs if kind not in known), None)
