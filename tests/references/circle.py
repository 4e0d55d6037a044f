"""The circle loss as loops, from its paper's definitions in float64."""

from __future__ import annotations

import math

import numpy as np


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def circle_loss(features, labels, margin, scale, weighed_by=None):
    """Return each anchor's term; pairs are weighed by the cosines of ``weighed_by``.

    They are constants of the gradient, so a finite difference moves ``features`` alone.
    """
    weighed_by = features if weighed_by is None else weighed_by
    terms = []
    for i, anchor in enumerate(features):
        positive = negative = 0.0
        for j, other in enumerate(features):
            similarity, fixed = cosine(anchor, other), cosine(weighed_by[i], weighed_by[j])
            if labels[i] != labels[j]:
                weight = max(0.0, fixed + margin)
                negative += math.exp(scale * weight * (similarity - margin))
            elif i != j:
                weight = max(0.0, 1 + margin - fixed)
                positive += math.exp(-scale * weight * (similarity - (1 - margin)))
        terms.append(math.log(1 + positive * negative))
    return terms
