"""Re-ranking with k-reciprocal neighbours (Zhong et al., CVPR 2017, arXiv:1701.08398).

All items by all items never exist at once: neighbours are found tile by tile, the encodings of
eq. 7 are sparse, and the result comes in blocks of queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmctl.functional.distance import check_norms
from mmctl.functional.neighbours import Neighbours, center, find_neighbours
from mmctl.functional.sparse_rows import SparseRows

_ROWS = 256
"""Rows that are worked on at once."""

_PAIRS = 2048
"""Pairs of items that are compared at once."""

_COMPARISONS = 2**23
"""Comparisons of indices that are made at once."""


def k_reciprocal(
    query: Tensor,
    gallery: Tensor,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
) -> Tensor:
    """Return (1 - lambda) * Jaccard distance + lambda * original distance (eq. 12).

    The original distance is the squared Euclidean one, each row divided by its maximum; for
    features of unit length that is the cosine distance up to that factor. Neighbours are sought
    among queries and gallery together and rank by (distance, index). As in the authors' code the
    ``k`` nearest are taken beside the item itself, the half neighbourhoods of eq. 4 have
    ``round(k1 / 2)`` members (to even) and must overlap in more than two thirds.

    Beside the result the memory grows with the number of items, not with its square. Where the
    result itself is too large, take :func:`k_reciprocal_blocks`.

    Args:
        query: Query features, (Q, C).
        gallery: Gallery features, (G, C).
        k1: Neighbours that must be reciprocal.
        k2: Neighbours over which encodings are averaged (eq. 11), the item included; 1 for none.
        lambda_value: Weight of the original distance, 0 .. 1.

    Returns:
        Distances, (Q, G), float32, on the device of ``query``.

    Raises:
        ValueError: If ``k1`` or ``k2`` is not positive, ``lambda_value`` is outside 0 .. 1, or the
            features are not two non-empty matrices of one width, or a row is not finite or so
            large that squares overflow float32.

    Example:
        >>> query, gallery = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.1], [0.0, 1.0]])
        >>> (k_reciprocal(query, gallery, k1=1, k2=1)[0].diff() > 0).item()
        True
    """
    settings = _Settings(k1, k2, lambda_value)
    _check_features(query, gallery)
    distances = torch.empty(len(query), len(gallery))
    start = 0
    for block in _rerank(query, gallery, settings, distances):
        distances[start : start + len(block)] = torch.from_numpy(block)
        start += len(block)
    return distances.to(query.device)


def k_reciprocal_blocks(
    query: Tensor,
    gallery: Tensor,
    *,
    k1: int = 20,
    k2: int = 6,
    lambda_value: float = 0.3,
) -> Iterator[np.ndarray]:
    """Return the rows of :func:`k_reciprocal`, which has the arguments, in blocks.

    Returns:
        An iterator over the distances of the next queries, (q, G), float32.

    Example:
        >>> features = torch.eye(3)
        >>> next(k_reciprocal_blocks(features[:1], features[1:], k1=1, k2=1)).shape
        (1, 2)
    """
    settings = _Settings(k1, k2, lambda_value)
    _check_features(query, gallery)
    return _rerank(query, gallery, settings, None)


@dataclass(frozen=True)
class _Settings:
    k1: int
    k2: int
    lambda_value: float

    def __post_init__(self) -> None:
        if self.k1 < 1 or self.k2 < 1:
            raise ValueError(
                f"k1 and k2 count neighbours and must be positive, got {self.k1} and {self.k2}"
            )
        if not 0 <= self.lambda_value <= 1:
            raise ValueError(
                f"lambda_value is a weight and must lie in 0 .. 1, got {self.lambda_value}"
            )


def _rerank(
    query: Tensor, gallery: Tensor, settings: _Settings, original: Tensor | None
) -> Iterator[np.ndarray]:
    """Yield rows of the result.

    ``original`` (Q, G) saves a fifth of the products by keeping the query's distances; a row may
    be overwritten once it was yielded.
    """
    features = torch.cat([query, gallery]).detach()
    if features.dtype != torch.float64:
        features = features.float()
    points = center(features)
    cuts = (settings.k1 + 1, round(settings.k1 / 2) + 1, settings.k2)
    neighbours = find_neighbours(features, points, cuts, original)
    del features
    rows = _encode(points, neighbours, settings.k1)
    if settings.k2 > 1:
        rows = _mean_rows(rows, neighbours.indices[:, : settings.k2])
    lists = rows.select(len(query), len(points)).transpose(len(points))
    squares = torch.linalg.vector_norm(points, dim=1).square()
    for start in range(0, len(query), _ROWS):
        own = slice(start, min(start + _ROWS, len(query)))
        if original is None:
            others = slice(len(query), None)
            squared = torch.addmm(squares[others], points[own], points[others].T, alpha=-2)
            squared += squares[own, None]
        else:
            squared = original[own]
        factors = torch.from_numpy(settings.lambda_value / neighbours.farthest[own, None])
        distances = _jaccard(rows.select(own.start, own.stop), lists, len(gallery))
        distances *= 1 - settings.lambda_value
        distances += (squared.cpu().clamp_min(0) * factors).float().numpy()
        yield distances


def _check_features(query: Tensor, gallery: Tensor) -> None:
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1:] != gallery.shape[1:]:
        raise ValueError(
            "query and gallery must be matrices (rows, channels) of one width, "
            f"got {tuple(query.shape)} and {tuple(gallery.shape)}"
        )
    if not query.numel() or not gallery.numel():
        raise ValueError(
            "query and gallery must both hold features because neighbours are sought in both, "
            f"got {tuple(query.shape)} and {tuple(gallery.shape)}"
        )
    # Float32 whatever they are: it is what neighbours are sought in.
    check_norms(query, "query")
    check_norms(gallery, "gallery")


def _reciprocal(indices: np.ndarray, k: int) -> np.ndarray:
    """Return R(i, k) of each item (eq. 2): near i, and i near them; the item included.

    Args:
        indices: Nearest items of each item, (N, more than k).
        k: Neighbours beside the item.

    Returns:
        Members, (N, k + 1), -1 in the place of those that are not.
    """
    nearest = indices[:, : k + 1]
    members = np.full_like(nearest, -1)
    for start in range(0, len(nearest), _ROWS):
        block = nearest[start : start + _ROWS]
        items = np.arange(start, start + len(block))[:, None, None]
        mutual = (nearest[block] == items).any(axis=2)
        members[start : start + _ROWS][mutual] = block[mutual]
    return members


def _expand(members: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Return R*(i, k1): ``members`` and the half neighbourhoods that lie mostly among them.

    Args:
        members: R(i, k1) of some items, (n, k1 + 1), -1 for none.
        halves: R(i, k1 / 2) of all items, (N, half + 1), -1 for none.

    Returns:
        Members, (n, many), ascending in each row, -1 for none and for repetitions.
    """
    # Where there is no member, -1 picks the last item's half, which does not count.
    neighbourhoods = np.where(members[..., None] >= 0, halves[members], -1)
    is_shared = (neighbourhoods[..., None] == members[:, None, None, :]).any(axis=3)
    is_real = neighbourhoods >= 0
    overlap = 3 * (is_shared & is_real).sum(axis=2) > 2 * is_real.sum(axis=2)
    added = np.where(overlap[..., None], neighbourhoods, -1).reshape(len(members), -1)
    expanded = np.sort(np.concatenate([members, added], axis=1), axis=1)
    expanded[:, 1:][expanded[:, 1:] == expanded[:, :-1]] = -1
    return expanded


def _encode(points: Tensor, neighbours: Neighbours, k1: int) -> SparseRows:
    """Return the weights of the expanded reciprocal neighbours of each item, summing to 1."""
    indices = neighbours.indices.astype(np.int32)
    members, halves = _reciprocal(indices, k1), _reciprocal(indices, round(k1 / 2))
    squares = torch.linalg.vector_norm(points, dim=1).square()
    step = max(1, _COMPARISONS // (members.shape[1] ** 2 * halves.shape[1]))
    parts = []
    for start in range(0, len(members), step):
        expanded = _expand(members[start : start + step], halves)
        is_member = expanded >= 0
        columns, lengths = expanded[is_member], is_member.sum(axis=1)
        owners = np.repeat(np.arange(len(lengths)), lengths)
        squared = _member_distances(points, squares, neighbours, start + owners, columns)
        weights = np.exp(-squared / neighbours.farthest[start + owners])
        sums = np.bincount(owners, weights=weights, minlength=len(lengths))
        parts.append((lengths, columns, (weights / sums[owners]).astype(np.float32)))
    return SparseRows.join(parts)


def _member_distances(
    points: Tensor, squares: Tensor, neighbours: Neighbours, items: np.ndarray, members: np.ndarray
) -> np.ndarray:
    """Return squared distances of pairs, looked up where the search for neighbours had them.

    Args:
        points: All items, (N, C).
        squares: Their squared norms, (N,).
        neighbours: Result of the search.
        items: First item of each pair, (n,), ascending without gaps.
        members: Second item of each pair, (n,).
    """
    first, last = items[0], items[-1] + 1
    width = neighbours.candidates.shape[1]
    # One ascending row of numbers: candidates ascend within an item.
    offsets = np.arange(first, last)[:, None] * len(points)
    known = (neighbours.candidates[first:last] + offsets).ravel()
    keys = items * len(points) + members
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    squared = neighbours.squared[first + places // width, places % width]
    unknown = np.flatnonzero(known[places] != keys)
    for part in np.split(unknown, range(_PAIRS, len(unknown), _PAIRS)):
        own, other = (
            torch.from_numpy(ids[part].astype(np.int64)).to(points.device)
            for ids in (items, members)
        )
        dots = torch.linalg.vecdot(points[own], points[other])
        distances = (squares[own] + squares[other] - 2 * dots).clamp_min_(0)
        squared[part] = distances.float().cpu().numpy()
    return squared


def _mean_rows(rows: SparseRows, nearest: np.ndarray) -> SparseRows:
    """Return the mean of the rows of the nearest items of each item (eq. 11)."""
    num_items, k2 = nearest.shape
    parts = []
    for start in range(0, num_items, _ROWS):
        items = nearest[start : start + _ROWS]
        entries, counts = rows.entries(items.ravel())
        owners = np.repeat(np.repeat(np.arange(len(items)), k2), counts)
        keys = owners * num_items + rows.columns[entries]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        firsts = np.flatnonzero(np.diff(keys, prepend=-1))
        values = np.add.reduceat(rows.values[entries][order], firsts) / k2
        lengths = np.bincount(keys[firsts] // num_items, minlength=len(items))
        parts.append((lengths, keys[firsts] % num_items, values))
    return SparseRows.join(parts)


def _jaccard(query: SparseRows, lists: SparseRows, num_gallery: int) -> np.ndarray:
    """Return 1 - sum(min) / sum(max) of each pair of rows (eq. 10), (q, G), float32.

    Args:
        query: Encodings of some queries.
        lists: For each item, the gallery items whose encodings have an entry for it.
        num_gallery: G.
    """
    distances = np.empty((len(query.starts) - 1, num_gallery), dtype=np.float32)
    for row, (start, stop) in enumerate(zip(query.starts[:-1], query.starts[1:], strict=True)):
        entries, counts = lists.entries(query.columns[start:stop])
        smaller = np.minimum(np.repeat(query.values[start:stop], counts), lists.values[entries])
        shared = np.bincount(lists.columns[entries], weights=smaller, minlength=num_gallery)
        # Both rows sum to 1, so sum(max) = 2 - sum(min).
        distances[row] = 1 - shared / (2 - shared)
    return distances
