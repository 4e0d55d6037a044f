"""Products of queries with many features: candidates fast, then their similarities exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.gallery.columns import Integers, Mask

BLOCK_BYTES = 1 << 25
"""About how much of the features is multiplied at a time."""

QUERY_BLOCK = 256
"""Queries that are multiplied at a time."""

_SPARSE = 0.5
"""Below this share of a block, the wanted rows are copied out of it first."""

_NONE, _LEAST = np.zeros(0, dtype=bool), np.finfo(np.float32).min
_ROUNDING = 2.0**-24
_RESCORED = 4096

Features = npt.NDArray[Any]
Queries = npt.NDArray[np.float32]


def error_margin(width: int) -> float:
    """Return by how much two similarities in float32 may be apart, and in truth in reverse order.

    A product of unit vectors of C numbers, summed in any order, is wrong by at most
    C u / (1 - C u), u = 2^-24; both may be, and lengths may be a little above 1.

    Args:
        width: C.
    """
    return 2.02 * width * _ROUNDING / (1 - width * _ROUNDING)


def find_candidates(features: Features, queries: Queries, topk: int, mask: Mask) -> list[Integers]:
    """Return places among which the most similar features are, whatever was rounded.

    Args:
        features: Unit vectors, (N, C), float32 or float16; may be mapped.
        queries: Unit vectors, (Q, C).
        topk: How many of the most similar ones must be among them.
        mask: Which may be found, (N,).

    Returns:
        For each query rising places, (n,): as many as there are if less than ``topk`` may be found.
    """
    found: list[Integers] = []
    for start in range(0, len(queries), QUERY_BLOCK):
        found += _find_block(features, queries[start : start + QUERY_BLOCK], topk, mask)
    return found


def _find_block(features: Features, queries: Queries, topk: int, mask: Mask) -> list[Integers]:
    margin = np.float32(error_margin(features.shape[1]))
    best = np.full((len(queries), topk), -np.inf, np.float32)  # its first column is the least
    rows, places, scores = [], [], []
    for start, chosen, block in _wanted_blocks(features, mask):
        products = queries @ block.T  # (Q, n)
        hidden = ~mask[start : start + len(block)] if isinstance(chosen, slice) else _NONE
        if hidden.any():
            products[:, hidden] = -np.inf
        is_short = best.min() == -np.inf  # less than topk so far: nothing can be told by them
        if is_short:
            best = _take_best(best, products)
        # No threshold is below the least number, so what is hidden is never near.
        bound = np.maximum(best[:, :1] - margin, _LEAST)
        near = np.divmod(np.flatnonzero(products >= bound), products.shape[1])
        if not is_short:
            best = _take_best(best, _pad(near[0], products[near], len(queries)))
        rows.append(near[0])
        places.append(near[1] + start if isinstance(chosen, slice) else chosen[near[1]] + start)
        scores.append(products[near])
    if not rows:
        return [np.empty(0, np.int64)] * len(queries)
    row, place, value = (np.concatenate(parts) for parts in (rows, places, scores))
    is_near = value >= best[row, 0] - margin
    row, place = row[is_near], place[is_near]
    by_query = np.argsort(row, kind="stable")
    ends = np.searchsorted(row[by_query], np.arange(1, len(queries)))
    return np.split(place[by_query], ends)


def _take_best(best: Queries, others: Queries) -> Queries:
    """Return the greatest of both in each row, (Q, topk), the least of these first."""
    topk = best.shape[1]
    return np.partition(np.concatenate([best, others], axis=1), -topk, axis=1)[:, -topk:]


def _pad(rows: Integers, values: Queries, count: int) -> Queries:
    """Return values by row, (count, n), the rest -inf.

    Args:
        rows: Row of each value, rising.
        values: The values.
        count: Rows.
    """
    counts = np.bincount(rows, minlength=count)
    padded = np.full((count, counts.max(initial=0)), -np.inf, np.float32)
    padded[rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)] = values
    return padded


def _wanted_blocks(
    features: Features, mask: Mask
) -> Iterator[tuple[int, slice | Integers, Queries]]:
    """Yield where a block begins, what of it is there, and that as float32, (n, C).

    Where most of a block may be found, all of it is there (a slice): a copy would take longer than
    the product with the rest.
    """
    size = max(1, BLOCK_BYTES // (4 * features.shape[1]))
    for start in range(0, len(features), size):
        block, wanted = features[start : start + size], mask[start : start + size]
        chosen: slice | Integers = slice(None)
        if np.count_nonzero(wanted) < _SPARSE * len(block):
            chosen = np.flatnonzero(wanted)
            if not len(chosen):
                continue
        yield start, chosen, block[chosen].astype(np.float32, copy=False)


def score(features: Features, query: Queries) -> npt.NDArray[np.float64]:
    """Return similarities in float64, each the same whichever other rows there are.

    Args:
        features: (n, C).
        query: (C,).
    """
    wide = query.astype(np.float64)
    parts = [
        np.einsum("nc,c->n", features[start : start + _RESCORED].astype(np.float64), wide)
        for start in range(0, len(features), _RESCORED)
    ]
    return np.concatenate([np.empty(0), *parts])


def order(
    similarities: npt.NDArray[np.float64], places: Integers, topk: int
) -> npt.NDArray[np.intp]:
    """Return the order of the most similar ones, of equal ones the lower place first.

    Args:
        similarities: (n,).
        places: (n,).
        topk: How many.
    """
    return np.lexsort((places, -similarities))[:topk]
