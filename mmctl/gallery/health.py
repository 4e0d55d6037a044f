"""A look at everything that a gallery holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mmctl.gallery.engines.engine import Engine
from mmctl.gallery.index import Index
from mmctl.gallery.records import check_unit, tracklet_id
from mmctl.gallery.schema import plain_errors
from mmctl.gallery.store import Store

_PART = 500
_MOST = 20


@dataclass
class Health:
    """What was found.

    Attributes:
        tracklets: How many there are.
        faults: What is wrong, a line each; none if all is well. At most 20 of them.
    """

    tracklets: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def note(self, fault: object) -> None:
        """Add a fault, unless there are many already."""
        if len(self.faults) < _MOST:
            self.faults.append(" ".join(str(fault).split()))


def check_health(store: Store, index: Index, report: Callable[[int], None] | None) -> Health:
    """Check the database, each row and feature, and what the index holds.

    Args:
        store: The database.
        index: The index; one that lacks rows is brought up to date first, as searches do.
        report: Is told how many tracklets have been looked at.
    """
    health = Health()
    try:
        _check_database(store, health)
        if store.counter("unerased"):
            health.note(
                "bytes of deleted tracklets have not been erased, because the process that deleted "
                "them ended before: rebuild erases them"
            )
        rows = store.columns().rows.tolist()
    except ValueError as error:
        health.note(error)
        return health
    health.tracklets = len(rows)
    damaged = set()
    for start in range(0, len(rows), _PART):
        for row in rows[start : start + _PART]:
            try:
                _check_row(store, row)
            except ValueError as error:
                damaged.add(row)
                health.note(error)
        if report is not None:
            report(min(start + _PART, len(rows)))
    if not damaged:
        _check_index(store, index, health)
    return health


def _check_database(store: Store, health: Health) -> None:
    with store.reading() as connection, plain_errors(store.path):
        for (said,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):
            if said != "ok":
                health.note(f"database {store.path}: {said}")
        orphans = "SELECT row FROM features WHERE row NOT IN (SELECT row FROM tracklets)"
        for (row,) in connection.execute(orphans).fetchmany(_MOST):
            health.note(f"database {store.path}: there is a feature of row {row}, but no tracklet")


def _check_row(store: Store, row: int) -> None:
    tracklet = store.tracklets([row])[row]
    name = tracklet.name if tracklet.track is None else ""
    of = (tracklet.camera, tracklet.video, tracklet.track, tracklet.first_frame, name)
    if tracklet.id != tracklet_id(*of):
        raise ValueError(
            f"gallery {store.path} is damaged: row {row} has the id {tracklet.id!r:.80}, which is "
            "not that of its camera, video, track and first frame"
        )
    feature = store.features([row])[0]
    check_unit(feature, store.settings.width, f"gallery {store.path}, row {row}: feature")


def _check_index(store: Store, index: Index, health: Health) -> None:
    try:
        engine = index.up_to_date()
        held = _count_held(store, engine)
    except (ValueError, OSError) as error:
        health.note(error)
        return
    if held:
        health.note(
            f"the index {engine.folder} holds {held:,} tracklets with another feature than the "
            "database: rebuild makes it anew"
        )


def _count_held(store: Store, engine: Engine) -> int:
    """Return how many tracklets the index has wrong."""
    wrong, start = 0, 0
    for rows, features in store.blocks():
        places = np.arange(start, start + len(rows))
        found = engine.held(places, rows)
        wrong += int(np.count_nonzero((found != features).any(axis=1)))
        start += len(rows)
    return wrong
