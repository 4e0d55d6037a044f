"""Tracklets of a gallery one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mmctl.gallery.columns import Filter
from mmctl.gallery.hits import EXPIRED, StoredTracklet
from mmctl.gallery.moments import EARLIEST
from mmctl.gallery.store import Store

_PART = 500


@dataclass(frozen=True)
class Listing:
    """Which tracklets are listed.

    Attributes:
        filter: By cameras, times and rows.
        video: Of this video; None: any.
        pid: Of this person; None: any.
        beyond: Those that came in after this row; 0: all.
        limit: Most of them; None: all.
    """

    filter: Filter
    video: str | None = None
    pid: int | None = None
    beyond: int = 0
    limit: int | None = None

    def run(self, store: Store) -> Iterator[StoredTracklet]:
        """Yield them by rising row; what is deleted meanwhile is left out."""
        columns = store.columns()
        mask, excluded = self.filter.select(columns, EARLIEST)  # nothing has expired then
        assert EXPIRED not in excluded
        rows, left = columns.rows[mask & (columns.rows > self.beyond)].tolist(), self.limit
        if self.video is not None:
            wanted = set(store.rows_of_video(self.video))
            rows = [row for row in rows if row in wanted]
        for start in range(0, len(rows), _PART):
            part = rows[start : start + _PART]
            found = store.tracklets(part)
            for tracklet in _in_order(part, found):
                if self.pid is not None and tracklet.pid != self.pid:
                    continue
                if left is not None:
                    if left <= 0:
                        return
                    left -= 1
                yield tracklet


def _in_order(rows: Iterable[int], found: dict[int, StoredTracklet]) -> Iterator[StoredTracklet]:
    return (found[row] for row in rows if row in found)
