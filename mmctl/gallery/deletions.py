"""Which tracklets a deletion means, and taking them out, down to their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mmctl.gallery.columns import UNKNOWN
from mmctl.gallery.index import Index
from mmctl.gallery.moments import Moment, now, to_microseconds
from mmctl.gallery.store import Store


@dataclass(frozen=True)
class Deleted:
    """What was forgotten.

    Attributes:
        tracklets: How many.
        unknown_time: How many stay only because nobody knows when they were seen.
    """

    tracklets: int
    unknown_time: int = 0


def forget(
    store: Store,
    index: Index,
    ids: Iterable[str] | None,
    video: str | None,
    camera: int | None,
    before: Moment | None,
) -> Deleted:
    """Delete what meets all conditions, and erase its bytes; see ``Gallery.delete``."""
    moment = None if before is None else to_microseconds(before, "before")
    with store.lock:
        with store.writing():
            rows, unknown = _choose_rows(store, ids, video, camera, moment)
            _delete_rows(store, rows)
        _erase(store, index)
    return Deleted(len(rows), unknown)


def forget_expired(store: Store, index: Index, moment: Moment | None) -> Deleted:
    """Delete what has expired, and erase its bytes; see ``Gallery.expire``."""
    when = now() if moment is None else to_microseconds(moment, "the moment")
    with store.lock:
        with store.writing():
            rows = _choose_expired(store, when)
            _delete_rows(store, rows)
        _erase(store, index)
    return Deleted(len(rows))


def _choose_rows(
    store: Store,
    ids: Iterable[str] | None,
    video: str | None,
    camera: int | None,
    before: int | None,
) -> tuple[list[int], int]:
    """Return the rows that meet all conditions, and how many lack nothing but a time.

    Args:
        store: The database.
        ids: These; None: any.
        video: Of this video; None: any.
        camera: Of this camera; None: any.
        before: That ended before, microseconds since 1970; None: whenever.

    Raises:
        ValueError: If there is no condition, or an id is not there.
    """
    if ids is None and video is None and camera is None and before is None:
        raise ValueError("say which tracklets to delete: ids, video, camera or before")
    if isinstance(ids, str):
        ids = [ids]
    columns = store.columns()
    chosen = np.ones(len(columns), dtype=bool)
    if ids is not None:
        chosen &= np.isin(columns.rows, store.find(list(ids)))
    if video is not None:
        chosen &= np.isin(columns.rows, store.rows_of_video(video))
    if camera is not None:
        chosen &= columns.cameras == camera
    unknown = 0
    if before is not None:
        has_end = columns.ends != UNKNOWN
        unknown = int(np.count_nonzero(chosen & ~has_end))
        chosen &= has_end & (columns.ends < before)
    return columns.rows[chosen].tolist(), unknown


def _choose_expired(store: Store, moment: int) -> list[int]:
    """Return the rows whose time is over."""
    columns = store.columns()
    is_over = (columns.expires != UNKNOWN) & (columns.expires <= moment)
    return columns.rows[is_over].tolist()


def _delete_rows(store: Store, rows: Sequence[int]) -> None:
    """Take rows out, within a transaction; their bytes are marked as not yet erased."""
    if rows:
        store.forget_rejections(rows)
        store.remove(rows)
        store.count("features")
        store.set_flag("unerased", store.counter("features"))


def _erase(store: Store, index: Index) -> None:
    if store.counter("unerased"):
        index.erase()
