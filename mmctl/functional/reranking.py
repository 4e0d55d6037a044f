"""Re-ranking with k-reciprocal neighbours (Zhong et al., CVPR 2017, arXiv:1701.08398)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmctl.functional.distance import pairwise_distance

_ROWS = 512


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

    The encodings of eq. 7 are kept sparse: no matrix of all items by all items is ever held.

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
            features are not two non-empty, finite matrices of one width.
    """
    if k1 < 1 or k2 < 1:
        raise ValueError(f"k1 and k2 count neighbours and must be positive, got {k1} and {k2}")
    if not 0 <= lambda_value <= 1:
        raise ValueError(f"lambda_value is a weight and must lie in 0 .. 1, got {lambda_value}")
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1:] != gallery.shape[1:]:
        raise ValueError(
            "query and gallery must be matrices (rows, channels) of one width, "
            f"got {tuple(query.shape)} and {tuple(gallery.shape)}"
        )
    if not len(query) or not len(gallery):
        raise ValueError(
            "query and gallery must both hold features because neighbours are sought in both, "
            f"got {len(query)} and {len(gallery)}"
        )
    features = torch.cat([query, gallery]).detach()
    if not features.isfinite().all():
        raise ValueError("query and gallery must be finite to have neighbours, got NaN or infinity")
    neighbours = _Neighbours.find(features, max(k1 + 1, k2))
    rows = _mean_rows(_encode(features, neighbours, k1), neighbours.indices[:, :k2])
    jaccard = _jaccard(rows[: len(query)], rows[len(query) :], len(features))
    original = _squared(query.detach(), gallery.detach()) / neighbours.farthest[: len(query), None]
    final = (1 - lambda_value) * jaccard + lambda_value * original
    return torch.from_numpy(final.astype(np.float32)).to(query.device)


Row = tuple[np.ndarray, np.ndarray]
"""Columns (n,) and values (n,) of one sparse row, columns ascending."""


@dataclass(frozen=True)
class _Neighbours:
    indices: np.ndarray
    """Nearest items of each item, nearest first, (N, count), int64."""
    farthest: np.ndarray
    """Squared distance of each item to the one farthest away, (N,); 1 if all coincide."""

    @classmethod
    def find(cls, features: Tensor, count: int) -> _Neighbours:
        count = min(count, len(features))
        indices, farthest = [], []
        for block in features.split(_ROWS):
            squared = _squared(block, features)
            # Distances and index in one key: positive floats sort like their bits.
            keys = squared.view(np.uint32).astype(np.int64) << 32 | np.arange(len(features))
            nearest = np.sort(np.partition(keys, count - 1, axis=1)[:, :count], axis=1)
            indices.append(nearest & 0xFFFFFFFF)
            farthest.append(squared.max(axis=1))
        maxima = np.concatenate(farthest)
        return cls(np.concatenate(indices), np.where(maxima > 0, maxima, 1))

    def reciprocal(self, k: int) -> list[np.ndarray]:
        """Return R(i, k) of each item (eq. 2): near i, and i near them; the item included."""
        nearest = self.indices[:, : k + 1]
        sets = []
        for start in range(0, len(nearest), _ROWS):
            block = nearest[start : start + _ROWS]
            items = np.arange(start, start + len(block))[:, None, None]
            mutual = (nearest[block] == items).any(axis=2)
            sets += [row[keep] for row, keep in zip(block, mutual, strict=True)]
        return sets


def _squared(x: Tensor, y: Tensor) -> np.ndarray:
    distances = pairwise_distance(x, y, metric="euclidean").float()
    # Adding zero turns a negative zero, whose bits sort last, into a positive one.
    return distances.square().cpu().numpy() + np.float32(0)


def _encode(features: Tensor, neighbours: _Neighbours, k1: int) -> list[Row]:
    """Return the weights of the expanded reciprocal neighbours of each item, summing to 1."""
    values = features.to("cpu", torch.float32).numpy()
    sets, halves = neighbours.reciprocal(k1), neighbours.reciprocal(round(k1 / 2))
    rows = []
    for item, members in enumerate(sets):
        columns = _expand(members, halves)
        squared = np.square(values[columns] - values[item]).sum(axis=1)
        weights = np.exp(-squared / neighbours.farthest[item])
        rows.append((columns, weights / weights.sum()))
    return rows


def _expand(members: np.ndarray, halves: list[np.ndarray]) -> np.ndarray:
    """Return R*(i, k1): ``members`` and the half neighbourhoods that lie mostly among them."""
    known = set(members.tolist())
    expanded = set(known)
    for member in members:
        half = halves[member].tolist()
        if 3 * len(known.intersection(half)) > 2 * len(half):
            expanded.update(half)
    return np.array(sorted(expanded), dtype=np.int64)


def _mean_rows(rows: list[Row], nearest: np.ndarray) -> list[Row]:
    """Return the mean of the rows of the nearest items of each item (eq. 11)."""
    if nearest.shape[1] == 1:
        return rows
    means = []
    for items in nearest:
        columns = np.concatenate([rows[item][0] for item in items])
        values = np.concatenate([rows[item][1] for item in items])
        unique, slots = np.unique(columns, return_inverse=True)
        means.append((unique, np.bincount(slots, weights=values) / len(items)))
    return means


def _jaccard(query: list[Row], gallery: list[Row], num_columns: int) -> np.ndarray:
    """Return 1 - sum(min) / sum(max) of each pair of rows (eq. 10), (Q, G), float32."""
    owners = np.repeat(np.arange(len(gallery)), [len(columns) for columns, _ in gallery])
    columns = np.concatenate([columns for columns, _ in gallery])
    values = np.concatenate([values for _, values in gallery])
    order = np.argsort(columns, kind="stable")
    owners, values = owners[order], values[order]
    starts = np.searchsorted(columns[order], np.arange(num_columns + 1))
    distances = np.empty((len(query), len(gallery)), dtype=np.float32)
    for row, (own_columns, own_values) in enumerate(query):
        counts = starts[own_columns + 1] - starts[own_columns]
        # Entries of the inverted lists of all own columns, one list after the other.
        offsets = np.repeat(starts[own_columns] - np.cumsum(counts) + counts, counts)
        entries = offsets + np.arange(counts.sum())
        smaller = np.minimum(np.repeat(own_values, counts), values[entries])
        shared = np.bincount(owners[entries], weights=smaller, minlength=len(gallery))
        # Both rows sum to 1, so sum(max) = 2 - sum(min).
        distances[row] = 1 - shared / (2 - shared)
    return distances
