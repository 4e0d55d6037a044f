"""What the gallery gives: tracklets as they are kept, hits, and what was not searched and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mmctl.gallery.moments import to_text

PidSource = Literal["unknown", "given", "confirmed"]
"""Who says who it is: nobody, the file that the tracklet came from, or a person (``confirm``)."""

ITSELF = "the query itself"
EXPIRED = "expired"
OTHER_ID = "not among the ids"
UNKNOWN_CAMERA = "camera unknown"
OTHER_CAMERA = "another camera"
UNKNOWN_TIME = "time unknown"
TOO_EARLY = "ended before"
TOO_LATE = "started after"
SAME_CAMERA = "camera of the query"

REASONS = (
    *(EXPIRED, OTHER_ID, UNKNOWN_CAMERA, OTHER_CAMERA, UNKNOWN_TIME, TOO_EARLY, TOO_LATE),
    *(ITSELF, SAME_CAMERA),
)
"""Why a tracklet was not searched; of several reasons the first counts."""


@dataclass(frozen=True)
class StoredTracklet:
    """A tracklet of the gallery.

    Attributes:
        id: Its id, 32 hexadecimal digits.
        camera: Number of the camera; None if unknown.
        video: Name of the video; '' if unknown.
        track: Number of the track in it; None if unknown.
        first_frame: First frame in the video, from 0; None if unknown.
        last_frame: Last frame.
        start: When the first frame was taken, UTC; None if unknown.
        end: When the last one was taken.
        first_time: Seconds of the first frame since the video's start; None if unknown.
        last_time: Seconds of the last one.
        num_frames: Frames that the feature was made of.
        crop: Path of a frame to show, within ``crop_root``; '' if there is none.
        crop_root: The folder that crops are in; :meth:`find_crop` joins both safely.
        quality: Mean quality of these frames, 0 to 1; None if unknown.
        norm: Length of the feature before it became a unit vector; None if unknown.
        name: What the tracklet was called.
        pid: Person; None if unknown.
        pid_source: Who says so.
        added: When it came in, UTC.
        expires: When it goes, UTC; None: never.
        row: Its row in the database: later ones are greater.
    """

    id: str
    camera: int | None
    video: str
    track: int | None
    first_frame: int | None
    last_frame: int | None
    start: datetime | None
    end: datetime | None
    first_time: float | None
    last_time: float | None
    num_frames: int
    crop: str
    crop_root: str
    quality: float | None
    norm: float | None
    name: str
    pid: int | None
    pid_source: PidSource
    added: datetime | None
    expires: datetime | None
    row: int

    def find_crop(self) -> Path | None:
        """Return the file of the crop, None if there is none.

        Rows may be of foreign files: a path that leads out of the folder of crops, also by links,
        is none.
        """
        try:
            root = Path(self.crop_root).resolve(strict=True)
            path = (root / self.crop).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # RuntimeError: a ring of links, Python 3.12
            return None
        is_inside = bool(self.crop_root) and path.is_relative_to(root) and path.is_file()
        return path if is_inside else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it: moments as ISO 8601 texts, None where unknown."""
        found = {key: getattr(self, key) for key in self.__dataclass_fields__ if key != "row"}
        return {k: to_text(v) if isinstance(v, datetime) else v for k, v in found.items()}


@dataclass(frozen=True)
class Hit:
    """A tracklet that was found.

    Attributes:
        rank: From 1.
        similarity: Cosine similarity with the query, -1 to 1 but for rounding, summed in float64.
        tracklet: The tracklet.
    """

    rank: int
    similarity: float
    tracklet: StoredTracklet

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"rank": self.rank, "similarity": self.similarity, **self.tracklet.to_dict()}


@dataclass(frozen=True)
class QueryResult:
    """What one query found.

    Attributes:
        hits: The most similar tracklets, the most similar first; equal ones by the time that they
            came in.
        num_searched: Tracklets that were compared with the query.
        excluded: How many were not, by the reason (:data:`REASONS`); with ``num_searched`` they
            add up to all of the gallery.
    """

    hits: list[Hit]
    num_searched: int
    excluded: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "searched": self.num_searched,
            "excluded": self.excluded,
            "hits": [hit.to_dict() for hit in self.hits],
        }
