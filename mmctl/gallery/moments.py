"""Moments as the gallery keeps them: whole microseconds since 1970, in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from mmctl.files import shorten

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)([.]\d{1,6})?)?(Z|[+-]\d{2}:\d{2})",
    re.ASCII,
)

EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999: the moments that have a text."""

Moment = datetime | str


def to_microseconds(moment: Moment, what: str) -> int:
    """Return a moment as microseconds since 1970.

    Args:
        moment: A datetime with a time zone, or an ISO 8601 text with one, as
            ``2024-05-31T12:30:00.5Z``, ``2024-05-31 14:30+02:00`` or ``2024-05-31Z``.
        what: What it is, for the message.

    Raises:
        ValueError: If it is no moment, or has no time zone.
    """
    found = _parse(moment) if isinstance(moment, str) else moment
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError(
            f"{what} must be a moment with its time zone, as 2024-05-31T12:30:00Z, because cameras "
            f"in two zones would mix, got {shorten(moment)}"
        )
    return (found - _EPOCH) // _MICROSECOND


def _parse(text: str) -> datetime | None:
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    time = time or "00:00"
    time += ":00" if len(time) == 5 else ""
    # Python 3.10 reads neither Z nor fractions of other than three or six digits.
    zone = "+00:00" if zone == "Z" else zone
    try:
        return datetime.fromisoformat(f"{day}T{time}.{(fraction or '.')[1:]:0<6}{zone}")
    except ValueError:
        return None


def to_datetime(microseconds: int | None) -> datetime | None:
    """Return a moment of the gallery as a datetime in UTC."""
    return None if microseconds is None else _EPOCH + microseconds * _MICROSECOND


def to_text(moment: datetime | None) -> str:
    """Return a moment as ISO 8601 text in UTC; '' for None."""
    if moment is None:
        return ""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def now() -> int:
    """Return this moment."""
    return (datetime.now(timezone.utc) - _EPOCH) // _MICROSECOND
