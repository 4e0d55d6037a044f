"""k-reciprocal re-ranking in plain NumPy, equation by equation: what the benchmark compares with.

Dense as usual: the distances, their order and the encodings are matrices of all items by all items.
"""

from __future__ import annotations

import numpy as np


def dense_k_reciprocal(
    query: np.ndarray, gallery: np.ndarray, *, k1: int = 20, k2: int = 6, lambda_value: float = 0.3
) -> np.ndarray:
    """Return the distances of eq. 12.

    Args:
        query: Query features, (Q, C), float32.
        gallery: Gallery features, (G, C), float32.
        k1: Neighbours that must be reciprocal.
        k2: Neighbours over which encodings are averaged.
        lambda_value: Weight of the original distance.

    Returns:
        Distances, (Q, G), float32.
    """
    features = np.concatenate([query, gallery])
    squares = np.square(features).sum(axis=1)
    original = squares[:, None] + squares[None, :] - 2 * (features @ features.T)
    original /= original.max(axis=1, keepdims=True)
    order = np.argsort(original, axis=1).astype(np.int32)
    encodings = encode(original, order, k1)
    original = original[: len(query), len(query) :].copy()
    if k2 > 1:
        # Eq. 11: the mean over the nearest items.
        encodings = np.stack([encodings[nearest].mean(axis=0) for nearest in order[:, :k2]])
    jaccard = jaccard_distance(encodings[: len(query)], encodings[len(query) :])
    return (1 - lambda_value) * jaccard + lambda_value * original


def reciprocal(order: np.ndarray, item: int, k: int) -> np.ndarray:
    """Return R(item, k), eq. 2: those near the item that the item is near to."""
    near = order[item, : k + 1]
    return near[(order[near, : k + 1] == item).any(axis=1)]


def encode(original: np.ndarray, order: np.ndarray, k1: int) -> np.ndarray:
    """Return the encodings of eq. 7 over the expanded neighbourhoods of eq. 4, (N, N)."""
    encodings = np.zeros_like(original)
    for item in range(len(order)):
        members = reciprocal(order, item, k1)
        expanded = members
        for member in members:
            half = reciprocal(order, member, round(k1 / 2))
            if len(np.intersect1d(half, members)) > 2 / 3 * len(half):
                expanded = np.append(expanded, half)
        expanded = np.unique(expanded)
        weights = np.exp(-original[item, expanded])
        encodings[item, expanded] = weights / weights.sum()
    return encodings


def jaccard_distance(query: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Return the Jaccard distances of encodings by eq. 10, (Q, G).

    Minima are summed over the columns in which the query has an entry, by inverted lists.
    """
    lists = [np.flatnonzero(column) for column in gallery.T]
    distances = np.empty((len(query), len(gallery)), dtype=query.dtype)
    for row, encoding in enumerate(query):
        shared = np.zeros(len(gallery), dtype=query.dtype)
        for column in np.flatnonzero(encoding):
            owners = lists[column]
            shared[owners] += np.minimum(encoding[column], gallery[owners, column])
        # Encodings sum to 1, so the sum of maxima is 2 - that of the minima.
        distances[row] = 1 - shared / (2 - shared)
    return distances
