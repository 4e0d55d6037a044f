"""From queries and filters to hits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.files import shorten
from mmctl.gallery.additions import check_origin
from mmctl.gallery.columns import Columns, Filter, Integers
from mmctl.gallery.engines.engine import Engine, Wanted
from mmctl.gallery.hits import ITSELF, SAME_CAMERA, Hit, QueryResult
from mmctl.gallery.moments import Moment, now, to_microseconds
from mmctl.gallery.records import RecordSet, check_unit
from mmctl.gallery.scoring import order, score
from mmctl.gallery.store import Store

MOST_HITS = 10_000


@dataclass(frozen=True)
class Queries:
    """What is searched for.

    Attributes:
        features: Unit vectors, (Q, C), float32.
        cameras: Camera of each, None if unknown.
        rows: Row of the database that each is, None if it is none.
    """

    features: npt.NDArray[np.float32]
    cameras: Sequence[int | None]
    rows: Sequence[int | None]

    @classmethod
    def of(
        cls, given: Any, cameras: Sequence[int | None] | None, model: str | None, store: Store
    ) -> Queries:
        """Return what was given to ``Gallery.search``, checked.

        Raises:
            ValueError: If it does not fit the gallery.
        """
        if isinstance(given, RecordSet):
            check_origin(store, given.model, given.feature)
            return cls._of_records(given, store)
        if isinstance(given, str):
            given = [given]
        if not isinstance(given, np.ndarray):
            return cls._of_ids(given, store)
        if model is not None:
            check_origin(store, model, store.settings.feature)
        features = np.atleast_2d(given)
        if features.ndim != 2:
            raise ValueError(f"queries must be features (Q, C) or (C,), got {given.shape}")
        check_unit(features, store.settings.width, "query features")
        known = [None] * len(features) if cameras is None else list(cameras)
        if len(known) != len(features):
            raise ValueError(
                f"there must be a camera for each of the {len(features)} queries, got {len(known)}"
            )
        return cls(features.astype(np.float32), known, [None] * len(features))

    @classmethod
    def _of_records(cls, records: RecordSet, store: Store) -> Queries:
        features = np.stack([record.feature for record in records])
        check_unit(features, store.settings.width, "query features")
        cameras = [record.camera for record in records]
        rows = [store.find_row(record.id) for record in records]
        return cls(features.astype(np.float32), cameras, rows)

    @classmethod
    def _of_ids(cls, ids: Sequence[str], store: Store) -> Queries:
        rows = store.find(list(ids))
        found = store.tracklets(rows)
        features = store.features(rows).astype(np.float32)
        return cls(features, [found[row].camera for row in rows], rows)


@dataclass(frozen=True)
class SearchOptions:
    """How a search is narrowed.

    Attributes:
        topk: Most hits of a query.
        filter: Which tracklets may be found.
        exclude_same_camera: Whether those of the query's camera may not.
    """

    topk: int
    filter: Filter
    exclude_same_camera: bool = False

    def check(self, queries: Queries) -> None:
        """Raise unless they can be followed.

        Raises:
            ValueError: If not.
        """
        if type(self.topk) is not int or not 1 <= self.topk <= MOST_HITS:
            raise ValueError(
                f"topk must be a number from 1 to {MOST_HITS:,}, got {shorten(self.topk)}"
            )
        unknown = [number for number, camera in enumerate(queries.cameras) if camera is None]
        if self.exclude_same_camera and unknown:
            raise ValueError(
                "leaving out the query's own camera needs the camera of each query, but that of "
                f"query {unknown[0]} is unknown"
            )


def make_filter(
    store: Store,
    cameras: Iterable[int] | None,
    after: Moment | None,
    before: Moment | None,
    ids: Iterable[str] | None,
) -> Filter:
    """Return the filter that was given to ``Gallery.search``.

    Raises:
        ValueError: If it is none.
    """
    first = None if after is None else to_microseconds(after, "after")
    last = None if before is None else to_microseconds(before, "before")
    if first is not None and last is not None and first > last:
        raise ValueError(f"after must not be later than before, got {after} and {before}")
    rows = None if ids is None else store.find([ids] if isinstance(ids, str) else list(ids))
    return Filter(_to_cameras(cameras), first, last, rows)


def _to_cameras(cameras: Iterable[int] | None) -> frozenset[int] | None:
    if cameras is None:
        return None
    found = list(cameras)
    if not found or not all(isinstance(c, (int, np.integer)) and 0 <= c < 2**63 for c in found):
        raise ValueError(f"cameras must be numbers of cameras, at least one, got {found!r:.80}")
    return frozenset(int(camera) for camera in found)


def run_search(
    store: Store, engine: Engine, queries: Queries, options: SearchOptions
) -> list[QueryResult]:
    """Return the hits of each query; the database does not change meanwhile."""
    options.check(queries)
    moment, columns = now(), store.columns()
    mask, excluded = options.filter.select(columns, moment)
    results: list[QueryResult | None] = [None] * len(queries.features)
    groups: dict[int | None, list[int]] = {}
    for number, camera in enumerate(queries.cameras):
        groups.setdefault(camera if options.exclude_same_camera else None, []).append(number)
    for camera, numbers in groups.items():
        wanted = Wanted(columns, mask, options.filter, moment, camera)
        some = Queries(
            queries.features[numbers],
            [queries.cameras[number] for number in numbers],
            [queries.rows[number] for number in numbers],
        )
        found = _search_group(store, engine, some, options.topk, wanted, excluded)
        for number, result in zip(numbers, found, strict=True):
            results[number] = result
    return [result for result in results if result is not None]


def _search_group(
    store: Store,
    engine: Engine,
    queries: Queries,
    topk: int,
    wanted: Wanted,
    excluded: dict[str, int],
) -> list[QueryResult]:
    """Return the hits of queries of one camera."""
    columns, mask = wanted.columns, wanted.mask
    of_camera = np.zeros(len(columns), dtype=bool)
    if wanted.without_camera is not None:
        of_camera = mask & (columns.cameras == wanted.without_camera)
    available = int(np.count_nonzero(mask & ~of_camera))
    empty = [np.empty(0, np.int64)] * len(queries.features)
    # A query may find itself, which is taken out.
    more = topk + any(row is not None for row in queries.rows)
    found = engine.candidates(queries.features, more, wanted) if available else empty
    results, ranked = [], []
    for query, row, places in zip(queries.features, queries.rows, found, strict=True):
        own = None if row is None else columns.place(row)
        reasons, searched = dict(excluded), available
        same = int(np.count_nonzero(of_camera)) if wanted.without_camera is not None else 0
        if own is not None and mask[own]:
            reasons[ITSELF] = 1
            same -= bool(of_camera[own])
            searched -= not of_camera[own]
            places = places[places != own]
        if same:
            reasons[SAME_CAMERA] = same
        ranked.append(_rank(store, engine, query, places, columns, topk))
        results.append(QueryResult([], searched, reasons))
    tracklets = store.tracklets(sorted({row for rows, _ in ranked for row in rows}))
    for result, (rows, similarities) in zip(results, ranked, strict=True):
        for rank, (row, similarity) in enumerate(zip(rows, similarities, strict=True), start=1):
            result.hits.append(Hit(rank, similarity, tracklets[row]))
    return results


def _rank(
    store: Store,
    engine: Engine,
    query: npt.NDArray[np.float32],
    places: Integers,
    columns: Columns,
    topk: int,
) -> tuple[list[int], list[float]]:
    """Return rows of the database, the most similar first, and their similarities."""
    features = engine.features(places)
    if features is None:
        features = store.features(columns.rows[places])
    similarities = score(features, query)
    best = order(similarities, places, topk)
    return columns.rows[places[best]].tolist(), similarities[best].tolist()
