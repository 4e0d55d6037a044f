"""Cumulative match characteristic and mean average precision of a retrieval with cameras.

For a query a gallery item is *good* if it shows the same person from another camera, and *removed*
if its pid is -1 (junk) or if it shows the same person from the same camera (which removes the
query itself). Everything else counts as a mismatch and stays: other people, and distractors (pid
0), which are never a match. Items rank by (distance, gallery index), distances in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

JUNK_PID = -1
DISTRACTOR_PID = 0

AVERAGE_PRECISIONS = ("rectangle", "trapezoid")
"""The values that ``average_precision`` takes."""


@dataclass(frozen=True)
class Ranking:
    """What :func:`evaluate_ranking` measures; means are over the queries that have a match.

    Attributes:
        cmc: Fraction of queries with a match among the first 1, 2, .. topk items, (topk,), float64.
        mean_average_precision: Mean of the average precisions, 0 .. 1.
        mean_inverse_penalty: Mean of (number of matches) / (rank of the last match), 0 .. 1 (mINP
            of Ye et al., "Deep Learning for Person Re-identification").
        num_queries: Queries that have a match: those scored.
        average_precision: Of each query, (Q,), float64; NaN where the query has no match.
        first_match: 0-based position of each query's first match, (Q,), int64; -1 without a match.
    """

    cmc: np.ndarray
    mean_average_precision: float
    mean_inverse_penalty: float
    num_queries: int
    average_precision: np.ndarray
    first_match: np.ndarray


def evaluate_ranking(
    distances: np.ndarray,
    query_pids: np.ndarray,
    query_camids: np.ndarray,
    gallery_pids: np.ndarray,
    gallery_camids: np.ndarray,
    *,
    average_precision: str = "rectangle",
    topk: int = 50,
) -> Ranking:
    """Return CMC and mAP of a matrix of distances, under the rules at the top of this module.

    ``rectangle`` averages the precisions at the matches. ``trapezoid`` (the MARS authors' code)
    adds (P_prev + P) / 2n for the k-th match at position j, both 0-based: P = (k + 1) / (j + 1),
    P_prev = k / j, or 1 if j = 0.

    Only the positions of the matches are needed, so each row is sorted by value and searched; no
    argsort and no match matrix. Beyond ``distances`` the memory is that of a few rows.

    Args:
        distances: Distance (not similarity) of each query to each gallery item, (Q, G).
        query_pids: Person of each query, (Q,), integer. Queries with pid -1 or 0 have no match.
        query_camids: Camera of each query, (Q,), integer.
        gallery_pids: Person of each gallery item, (G,), integer.
        gallery_camids: Camera of each gallery item, (G,), integer.
        average_precision: ``'rectangle'`` or ``'trapezoid'``.
        topk: Length of the CMC; ranks past the gallery repeat its last value.

    Returns:
        The ranking's measures, as fractions.

    Raises:
        ValueError: If lengths disagree, ids are no integers, there is no query or no gallery, a
            distance is not finite, ``topk`` is not positive, ``average_precision`` is unknown, or
            no query has a match (the means would be over nothing; wrong camera ids do this).
    """
    if average_precision not in AVERAGE_PRECISIONS:
        raise ValueError(
            f"average_precision must be one of {AVERAGE_PRECISIONS}, got {average_precision!r}"
        )
    if topk < 1:
        raise ValueError(f"topk must be positive because the CMC starts at rank 1, got {topk}")
    distances = np.asarray(distances)
    _check_distances(distances)
    query = _Labels.read("query", query_pids, query_camids, len(distances))
    gallery = _Labels.read("gallery", gallery_pids, gallery_camids, distances.shape[1])

    precisions = np.full(len(query.pids), np.nan)
    penalties = np.full(len(query.pids), np.nan)
    first_match = np.full(len(query.pids), -1, dtype=np.int64)
    for row, positions in _match_positions(distances, query, gallery):
        precisions[row] = _average_precision(positions, average_precision)
        penalties[row] = len(positions) / (positions[-1] + 1)
        first_match[row] = positions[0]

    scored = first_match >= 0
    if not scored.any():
        raise ValueError(
            f"at least one query must have a match: none of the {len(query.pids)} queries finds "
            "its pid (above 0) under another camera in the gallery; are the camids right?"
        )
    hits = np.bincount(np.minimum(first_match[scored], topk), minlength=topk + 1)[:topk]
    return Ranking(
        cmc=hits.cumsum() / scored.sum(),
        mean_average_precision=float(precisions[scored].mean()),
        mean_inverse_penalty=float(penalties[scored].mean()),
        num_queries=int(scored.sum()),
        average_precision=precisions,
        first_match=first_match,
    )


def removed_items(
    pid: int, camid: int, gallery_pids: np.ndarray, gallery_camids: np.ndarray
) -> np.ndarray:
    """Return which gallery items do not take part in the ranking of one query, (G,), bool."""
    same_view = (gallery_pids == pid) & (gallery_camids == camid)
    return same_view | (gallery_pids == JUNK_PID)


@dataclass(frozen=True)
class _Labels:
    pids: np.ndarray
    camids: np.ndarray

    @classmethod
    def read(cls, name: str, pids: np.ndarray, camids: np.ndarray, length: int) -> _Labels:
        arrays = []
        for field, values in (("pids", np.asarray(pids)), ("camids", np.asarray(camids))):
            if values.shape != (length,):
                raise ValueError(
                    f"{name}_{field} must have one entry per {name} item of distances, "
                    f"({length},), got {values.shape}"
                )
            if values.dtype.kind not in "iu":
                raise ValueError(f"{name}_{field} must be integers, got {values.dtype}")
            arrays.append(values.astype(np.int64))
        return cls(*arrays)


def _check_distances(distances: np.ndarray) -> None:
    if distances.ndim != 2 or 0 in distances.shape:
        raise ValueError(
            "distances must be a matrix (queries, gallery) with at least one of each, "
            f"got {distances.shape}"
        )
    for row, values in enumerate(distances):
        if not np.isfinite(values).all():
            column = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                "distances must be finite to be ranked, "
                f"got {values[column]} between query {row} and gallery item {column}"
            )


def _match_positions(
    distances: np.ndarray, query: _Labels, gallery: _Labels
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (query, sorted 0-based positions of its matches) for the queries that have one."""
    kept = np.flatnonzero(gallery.pids != JUNK_PID)
    pids, camids = gallery.pids[kept], gallery.camids[kept]
    has_junk = len(kept) < len(gallery.pids)
    by_pid = np.argsort(pids, kind="stable")
    starts = np.searchsorted(pids, query.pids, side="left", sorter=by_pid)
    stops = np.searchsorted(pids, query.pids, side="right", sorter=by_pid)
    for row in np.flatnonzero((query.pids > DISTRACTOR_PID) & (stops > starts)):
        same_pid = by_pid[starts[row] : stops[row]]
        is_good = camids[same_pid] != query.camids[row]
        if is_good.any():
            values = distances[row, kept] if has_junk else distances[row]
            values = values.astype(np.float32, copy=False)
            yield int(row), _positions(values, same_pid[is_good], same_pid[~is_good])


def _positions(values: np.ndarray, good: np.ndarray, removed: np.ndarray) -> np.ndarray:
    """Return the sorted 0-based positions of ``good`` in the order without ``removed``.

    Args:
        values: Distances of one query, (G,).
        good: Indices of the matches, (n,), ascending.
        removed: Indices that do not count, (m,).

    Returns:
        Positions by (distance, index), (n,), ascending.
    """
    # Nothing farther than the last match moves a position, so it need not be sorted.
    ordered = np.sort(values[values <= values[good].max()])
    before = np.searchsorted(ordered, values[good], side="left")
    equal = np.searchsorted(ordered, values[good], side="right") - before
    for value in np.unique(values[good[equal > 1]]):
        members = values[good] == value
        before[members] += np.searchsorted(np.flatnonzero(values == value), good[members])
    if len(removed):
        # (n, m): small, because both show one person.
        nearer = values[removed] < values[good, None]
        tied = (values[removed] == values[good, None]) & (removed < good[:, None])
        before -= (nearer | tied).sum(axis=1)
    return np.sort(before)


def _average_precision(positions: np.ndarray, kind: str) -> float:
    hits = np.arange(len(positions))
    precision = (hits + 1) / (positions + 1)
    if kind == "trapezoid":
        previous = np.where(positions == 0, 1.0, hits / np.maximum(positions, 1))
        precision = (precision + previous) / 2
    return float(precision.mean())
