"""Tracklets on their way into the database, in batches that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import timedelta
from itertools import islice

import numpy as np

from mmctl.files import shorten
from mmctl.gallery.moments import LATEST, now
from mmctl.gallery.records import TrackletRecord, check_record
from mmctl.gallery.rows import COLUMN_NAMES, to_row
from mmctl.gallery.store import Store

BATCH = 500
"""Tracklets of one transaction."""

_OWN = [name for name in COLUMN_NAMES if name not in ("pid", "pid_source", "added", "expires")]
_SELECT = f"SELECT row, pid, pid_source, {', '.join(_OWN)} FROM tracklets WHERE id = ?"
_MICROSECOND = timedelta(microseconds=1)


@dataclass
class Added:
    """What became of tracklets that were added.

    Attributes:
        new: Were not there before.
        replaced: Were there with another feature or other fields, which are gone.
        unchanged: Were there just so.
        expired: Of the new and replaced ones, those whose time to be kept is over already, so that
            no search finds them.
    """

    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    expired: int = 0


def check_origin(store: Store, model: str | None, feature: str) -> None:
    """Raise unless features may be compared with those of a gallery.

    Args:
        store: The gallery.
        model: Hash of the model of the features; None if nobody says.
        feature: What they are; '' if nobody says.

    Raises:
        ValueError: If they are of another model, or of another kind.
    """
    ours = store.settings
    if model != ours.model:
        raise ValueError(
            f"gallery {store.path.parent} holds features of the model {ours.model:.16}, got some "
            f"of {shorten(model)[:18]}: weights, config or preprocessing differ, so that they "
            "cannot be compared; a model has a gallery of its own"
        )
    if feature != ours.feature:
        raise ValueError(
            f"gallery {store.path.parent} holds features that are {ours.feature!r}, got "
            f"{shorten(feature)}: they cannot be compared; each kind has a gallery of its own"
        )


class Addition:
    """One call of ``Gallery.add``.

    Args:
        store: The database.
        keep_for: How long tracklets are kept; None: for good.
    """

    def __init__(self, store: Store, keep_for: timedelta | None) -> None:
        if keep_for is not None and not timedelta(0) < keep_for:
            raise ValueError(f"tracklets must be kept for more than no time, got {keep_for}")
        self.store, self.keep_for = store, keep_for
        self.added = Added()
        self._seen: dict[str, int] = {}

    def run(self, records: Iterable[TrackletRecord], report: Callable[[int], None] | None) -> Added:
        """Add them; see ``Gallery.add``."""
        source, done = enumerate(records), 0
        while batch := list(islice(source, BATCH)):
            before = Added(*astuple(self.added))
            checked = list(self._check(batch))
            try:
                with self.store.writing():
                    for record in checked:
                        self._add(record)
                    if self.added.new + self.added.replaced > before.new + before.replaced:
                        self.store.count("features")
                    if self.added.replaced > before.replaced:
                        self.store.set_flag("unerased", self.store.counter("features"))
            except BaseException:
                self.added = before
                raise
            done += len(batch)
            if report is not None:
                report(done)
        return self.added

    def _check(self, batch: list[tuple[int, TrackletRecord]]) -> Iterator[TrackletRecord]:
        for number, record in batch:
            place = f"record {number} ({shorten(record.name)})"
            check_record(record, self.store.settings.width, place)
            other = self._seen.setdefault(record.id, number)
            if other != number:
                raise ValueError(
                    f"{place} has the camera, video, track and first frame of record {other}, but "
                    "these tell tracklets apart; where there is no track, names do"
                )
            yield record

    def _add(self, record: TrackletRecord) -> None:
        moment, kept = now(), None
        found = self.store.connection.execute(_SELECT, (record.id,)).fetchone()
        if found is not None:
            row, pid, source, *fields = found
            if source == "confirmed":
                kept = (pid, source)
            if self._is_same(row, (pid, source), fields, record):
                self.added.unchanged += 1
                return
            self.store.remove([row])
            self.added.replaced += 1
        else:
            self.added.new += 1
        expires = self._expiry(record, moment)
        self.added.expired += expires is not None and expires <= moment
        self.store.insert(record, moment, expires, kept)

    def _is_same(self, row: int, who: tuple, fields: list, record: TrackletRecord) -> bool:
        values = dict(zip(COLUMN_NAMES, to_row(record, 0, None, None), strict=True))
        is_known = who[1] == "confirmed" or who == (values["pid"], values["pid_source"])
        if not is_known or fields != [values[name] for name in _OWN]:
            return False
        dtype = self.store.settings.dtype
        stored = self.store.connection.execute(
            "SELECT feature FROM features WHERE row = ?", (row,)
        ).fetchone()
        return stored is not None and stored[0] == record.feature.astype(dtype).tobytes()

    def _expiry(self, record: TrackletRecord, moment: int) -> int | None:
        if self.keep_for is None:
            return None
        end = moment if record.end is None else record.end
        return int(np.clip(end + self.keep_for // _MICROSECOND, None, LATEST))
