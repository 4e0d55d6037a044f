"""Where the matches of each query come in its ranking: what is nearer is counted, not sorted."""

from __future__ import annotations

import numpy as np

JUNK_PID, DISTRACTOR_PID = -1, 0

MAX_COUNTED = 64
"""Matches of a query up to which comparing with each is faster than sorting."""

_NONE = np.empty(0, dtype=np.int64)


class Matches:
    """The gallery sorted by pid, so that the matches of a query are found at once.

    Args:
        query_pids: Person of each query, (Q,).
        query_camids: Camera of each query, (Q,).
        gallery_pids: Person of each gallery item, (G,).
        gallery_camids: Camera of each gallery item, (G,).
    """

    def __init__(
        self,
        query_pids: np.ndarray,
        query_camids: np.ndarray,
        gallery_pids: np.ndarray,
        gallery_camids: np.ndarray,
    ) -> None:
        self.pids, self.camids = query_pids, query_camids
        self.junk = np.flatnonzero(gallery_pids == JUNK_PID)
        self.by_pid = np.argsort(gallery_pids, kind="stable")
        self.gallery_camids = gallery_camids[self.by_pid]
        self.starts, self.stops = (
            np.searchsorted(gallery_pids, query_pids, side=side, sorter=self.by_pid)
            for side in ("left", "right")
        )

    def locate(self, distances: np.ndarray, first_query: int) -> list[np.ndarray]:
        """Return the sorted 0-based positions of each query's matches, (n,) each, maybe none.

        Args:
            distances: Rows of consecutive queries, (q, G).
            first_query: The first of them.

        Raises:
            ValueError: If a distance is not finite.
        """
        _check_finite(distances, first_query)
        return [self._locate(row, query) for query, row in enumerate(distances, first_query)]

    def _locate(self, distances: np.ndarray, query: int) -> np.ndarray:
        own = slice(self.starts[query], self.stops[query])
        same_pid = self.by_pid[own]
        is_good = self.gallery_camids[own] != self.camids[query]
        good = same_pid[is_good]
        if self.pids[query] <= DISTRACTOR_PID or not len(good):
            return _NONE
        values = distances.astype(np.float32)
        # NaN is neither nearer than anything nor tied with it, so what is removed never counts.
        values[self.junk] = np.nan
        values[same_pid[~is_good]] = np.nan
        count = _count_before if len(good) <= MAX_COUNTED else _search_sorted
        return np.sort(count(values, good))


def _check_finite(distances: np.ndarray, first_query: int) -> None:
    dtype = np.promote_types(distances.dtype, np.float32)
    # Sums are several times faster than a mask, and carry NaN and infinity.
    for row in np.flatnonzero(~np.isfinite(distances.sum(axis=1, dtype=dtype))):
        values = distances[row]
        if not np.isfinite(values).all():
            column = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                f"distances must be finite to be ranked, got {values[column]} between query "
                f"{first_query + row} and gallery item {column}"
            )


def _count_before(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return how many items come before each of ``good`` by (distance, index), (n,)."""
    own = values[good, None]
    mask = values == own
    ties = np.zeros(len(good), dtype=np.int64)
    if np.count_nonzero(mask) > len(good):
        ties += [np.count_nonzero(row[:index]) for row, index in zip(mask, good, strict=True)]
    np.less(values, own, out=mask)
    # One by one: counting along an axis is several times slower.
    return ties + [np.count_nonzero(row) for row in mask]


def _search_sorted(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Return how many items come before each of ``good`` by (distance, index), (n,)."""
    # Nothing farther than the last match moves a position, so it need not be sorted.
    ordered = np.sort(values[values <= values[good].max()])
    before = np.searchsorted(ordered, values[good], side="left")
    equal = np.searchsorted(ordered, values[good], side="right") - before
    for value in np.unique(values[good[equal > 1]]):
        members = values[good] == value
        before[members] += np.searchsorted(np.flatnonzero(values == value), good[members])
    return before
