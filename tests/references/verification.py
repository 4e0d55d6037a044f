"""Slow loop references of verification, written from its definitions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def loop_pairs(features, pids, camids, known_pids=None, known_cameras=None):
    """Return similarities of pairs of one person and of different ones, and who each is of."""
    positives, negatives = [], []
    for i, j in itertools.combinations(range(len(pids)), 2):
        flags = [
            known[k] for known in (known_pids, known_cameras) if known is not None for k in (i, j)
        ]
        if not all(flags) or -1 in (pids[i], pids[j]) or camids[i] == camids[j]:
            continue
        if pids[i] == pids[j] == 0:
            continue
        dot = sum(float(a) * float(b) for a, b in zip(features[i], features[j], strict=True))
        norms = [math.sqrt(sum(float(a) ** 2 for a in features[k])) for k in (i, j)]
        (positives if pids[i] == pids[j] else negatives).append(dot / (norms[0] * norms[1]))
    return positives, negatives


def loop_rates(threshold: float, positives: Sequence[float], negatives: Sequence[float]):
    """Return the false and the true accept rate of a threshold."""
    false = sum(1 for score in negatives if score >= threshold)
    true = sum(1 for score in positives if score >= threshold)
    return false / len(negatives), true / len(positives)


def loop_operating_point(rate, positives, negatives):
    """Return the lowest of all scores that accepts no more of the negatives, and its rates."""
    best = None
    for threshold in sorted({*positives, *negatives}, reverse=True):
        false, true = loop_rates(threshold, positives, negatives)
        if false <= rate + 1e-12:
            best = (threshold, false, true)
    return best


def loop_area(positives, negatives):
    """Return how often one person's pair is more similar; a tie is one half."""
    wins = sum((p > n) + 0.5 * (p == n) for p in positives for n in negatives)
    return wins / (len(positives) * len(negatives))


def loop_equal_error_rate(positives, negatives):
    """Return where the polyline of the ROC meets the diagonal, by bisection along each piece."""
    points = [(0.0, 0.0)]
    for threshold in sorted({*positives, *negatives}, reverse=True):
        points.append(loop_rates(threshold, positives, negatives))
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 + y0 <= 1 <= x1 + y1:
            low, high = 0.0, 1.0
            for _ in range(60):
                middle = (low + high) / 2
                if x0 + middle * (x1 - x0) + y0 + middle * (y1 - y0) < 1:
                    low = middle
                else:
                    high = middle
            return x0 + low * (x1 - x0)
    raise AssertionError(points)


def loop_cross_entropy(slope, intercept, positives, negatives):
    """Return the loss of a logistic calibration with Platt's targets."""
    total = 0.0
    kinds = (
        (positives, (len(positives) + 1) / (len(positives) + 2)),
        (negatives, 1 / (len(negatives) + 2)),
    )
    for scores, target in kinds:
        for score in scores:
            probability = 1 / (1 + math.exp(-(slope * score + intercept)))
            total -= target * math.log(probability) + (1 - target) * math.log(1 - probability)
    return total
