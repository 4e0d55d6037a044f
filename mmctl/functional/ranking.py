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

from mmctl.functional.match_positions import DISTRACTOR_PID as DISTRACTOR_PID
from mmctl.functional.match_positions import JUNK_PID, Matches

AVERAGE_PRECISIONS = ("rectangle", "trapezoid")
"""The values that ``average_precision`` takes."""


class NoMatchError(ValueError):
    """No query has a match, so there is nothing to take a mean of."""


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
        num_matches: Matches of each query in the gallery, (Q,), int64.
    """

    cmc: np.ndarray
    mean_average_precision: float
    mean_inverse_penalty: float
    num_queries: int
    average_precision: np.ndarray
    first_match: np.ndarray
    num_matches: np.ndarray


def evaluate_ranking(
    distances: np.ndarray | Iterator[np.ndarray],
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

    Only the positions of the matches are needed, so what is nearer than each of them is counted;
    no argsort and no match matrix. Beyond ``distances`` the memory is that of a few rows, and a
    generator of blocks need never hold all distances at once.

    Args:
        distances: Distance (not similarity) of each query to each gallery item, (Q, G), or its
            rows from an iterator of consecutive blocks, (q, G) each.
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
            distance is not finite, ``topk`` is not positive, or ``average_precision`` is unknown.
        NoMatchError: If no query has a match (wrong camera ids do this).

    Example:
        >>> ids = [np.array(values) for values in ([7], [1], [8, 7, 7], [2, 2, 3])]
        >>> ranking = evaluate_ranking(np.array([[0.1, 0.2, 0.3]]), *ids, topk=2)
        >>> ranking.cmc.tolist(), round(ranking.mean_average_precision, 4), ranking.num_queries
        ([0.0, 1.0], 0.5833, 1)
    """
    if average_precision not in AVERAGE_PRECISIONS:
        raise ValueError(
            f"average_precision must be one of {AVERAGE_PRECISIONS}, got {average_precision!r}"
        )
    if topk < 1:
        raise ValueError(f"topk must be positive because the CMC starts at rank 1, got {topk}")
    query = _Labels.read("query", query_pids, query_camids)
    gallery = _Labels.read("gallery", gallery_pids, gallery_camids)
    places: list[np.ndarray] = []
    matches: Matches | None = None
    for block in _read_blocks(distances, query, gallery):
        # Not before the labels are known to fit the distances.
        matches = matches or Matches(query.pids, query.camids, gallery.pids, gallery.camids)
        places += matches.locate(block, len(places))
    return _summarize(places, average_precision, topk)


def removed_items(
    pid: int, camid: int, gallery_pids: np.ndarray, gallery_camids: np.ndarray
) -> np.ndarray:
    """Return which gallery items do not take part in the ranking of one query, (G,), bool.

    Example:
        >>> removed_items(7, 1, np.array([7, 7, 8, -1]), np.array([1, 2, 1, 2])).tolist()
        [True, False, False, True]
    """
    same_view = (gallery_pids == pid) & (gallery_camids == camid)
    return same_view | (gallery_pids == JUNK_PID)


@dataclass(frozen=True)
class _Labels:
    name: str
    pids: np.ndarray
    camids: np.ndarray

    @classmethod
    def read(cls, name: str, pids: np.ndarray, camids: np.ndarray) -> _Labels:
        arrays = []
        for field, values in (("pids", np.asarray(pids)), ("camids", np.asarray(camids))):
            if values.ndim != 1:
                raise ValueError(f"{name}_{field} must be one row of numbers, got {values.shape}")
            if values.dtype.kind not in "iu":
                raise ValueError(f"{name}_{field} must be integers, got {values.dtype}")
            arrays.append(values.astype(np.int64))
        return cls(name, *arrays)

    def check_length(self, length: int) -> None:
        for field, values in (("pids", self.pids), ("camids", self.camids)):
            if len(values) != length:
                raise ValueError(
                    f"{self.name}_{field} must have one entry per {self.name} item of distances, "
                    f"({length},), got {values.shape}"
                )


def _read_blocks(
    distances: np.ndarray | Iterator[np.ndarray], query: _Labels, gallery: _Labels
) -> Iterator[np.ndarray]:
    """Yield blocks whose shapes are checked."""
    is_matrix = not isinstance(distances, Iterator)
    num_rows = 0
    for block in [np.asarray(distances)] if is_matrix else distances:
        if block.ndim != 2 or 0 in block.shape:
            raise ValueError(
                "distances must be a matrix (queries, gallery) with at least one of each, "
                f"got {block.shape}"
            )
        gallery.check_length(block.shape[1])
        if is_matrix or num_rows + len(block) > len(query.pids):
            query.check_length(num_rows + len(block))
        yield block
        num_rows += len(block)
    query.check_length(num_rows)


def _summarize(places: list[np.ndarray], average_precision: str, topk: int) -> Ranking:
    """Return the measures of the sorted 0-based positions of each query's matches."""
    num_matches = np.array([len(positions) for positions in places])
    scored = num_matches > 0
    if not scored.any():
        raise NoMatchError(
            f"at least one query must have a match: none of the {len(places)} queries finds "
            "its pid (above 0) under another camera in the gallery; are the camids right?"
        )
    positions = np.concatenate(places)
    counts = num_matches[scored]
    starts = counts.cumsum() - counts
    hits = np.arange(len(positions)) - np.repeat(starts, counts)
    first, last = positions[starts], positions[starts + counts - 1]
    precisions = np.full(len(places), np.nan)
    precisions[scored] = (
        np.add.reduceat(_precisions(hits, positions, average_precision), starts) / counts
    )
    first_match = np.full(len(places), -1, dtype=np.int64)
    first_match[scored] = first
    hits_at = np.bincount(np.minimum(first, topk), minlength=topk + 1)[:topk]
    return Ranking(
        cmc=hits_at.cumsum() / scored.sum(),
        mean_average_precision=float(precisions[scored].mean()),
        mean_inverse_penalty=float((counts / (last + 1)).mean()),
        num_queries=int(scored.sum()),
        average_precision=precisions,
        first_match=first_match,
        num_matches=num_matches,
    )


def _precisions(hits: np.ndarray, positions: np.ndarray, kind: str) -> np.ndarray:
    """Return what each match adds to the average precision of its query, times their number.

    Args:
        hits: Matches of the query before each one, (n,).
        positions: 0-based position of each, (n,).
        kind: ``'rectangle'`` or ``'trapezoid'``.
    """
    precision = (hits + 1) / (positions + 1)
    if kind == "trapezoid":
        previous = np.where(positions == 0, 1.0, hits / np.maximum(positions, 1))
        precision = (precision + previous) / 2
    return precision
