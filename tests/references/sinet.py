"""Slow loop references of the plug-ins of SINet, written from their definitions in float64.

Nothing here is shared with the package. Arrays are numpy; maps of a clip are (T, C, H, W).
"""

from __future__ import annotations

import math

import numpy as np

from tests.references.zoo import softmax, unit


def clip_moments(clip, orders):
    """(T, C, H, W) -> mean, spread and standardised moments of each channel, (2 + M, C)."""
    out = []
    for c in range(clip.shape[1]):
        values = clip[:, c].flatten()
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
        moments = [sum((v - mean) ** k for v in values) / len(values) / spread**k for k in orders]
        out.append([mean, spread, *moments])
    return np.array(out).T


def distribute_moments(clip, moments):
    """Each place of (T, C, H, W): moments of length one, by the softmax of their products."""
    unit_rows = [unit(row) for row in moments]
    out = np.zeros_like(clip)
    for t in range(len(clip)):
        for r in range(clip.shape[2]):
            for c in range(clip.shape[3]):
                weights = softmax([clip[t, :, r, c] @ row for row in unit_rows])
                out[t, :, r, c] = sum(w * row for w, row in zip(weights, unit_rows, strict=True))
    return out
