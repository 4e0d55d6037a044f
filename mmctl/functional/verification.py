"""Same person or not: error rates of a threshold on scores, and scores turned into probabilities.

Scores are similarities: higher means more alike. A pair is *accepted* as one person if its score is
at least the threshold. False accept rate: accepted pairs of all pairs of different persons. True
accept rate: accepted pairs of all pairs of one person. Arrays only, no torch.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = 1e-12
"""A rate k / n that is asked for as such must not be missed by the last bit of a sum."""

_CHUNK = 2**20
_MOST_STEPS = 100


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does.

    Attributes:
        threshold: Pairs with this score or a higher one are accepted.
        false_accept_rate: Of pairs of different persons, 0 .. 1.
        true_accept_rate: Of pairs of one person, 0 .. 1.
    """

    threshold: float
    false_accept_rate: float
    true_accept_rate: float


class ScoreSteps:
    """The distinct scores of all pairs in falling order: sorted once for any weights.

    Args:
        positives: Scores of pairs of one person, (P,), at least one.
        negatives: Scores of pairs of different persons, (Q,), at least one.

    Attributes:
        scores: The distinct ones, falling, (K,).

    Raises:
        ValueError: If there are no such pairs, or a score is not finite.
    """

    def __init__(self, positives: NDArray, negatives: NDArray) -> None:
        for name, values in (("positives", positives), ("negatives", negatives)):
            if values.ndim != 1 or not len(values):
                raise ValueError(
                    f"{name} must be a row of scores, at least one, to have a rate, got "
                    f"{values.shape}"
                )
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name} must be finite to be compared with a threshold, got "
                    f"{values[~np.isfinite(values)][0]}"
                )
        self.scores = np.unique(np.concatenate([positives, negatives]))[::-1]
        self._positives, self._num_positives = self._place(positives)
        self._negatives, self._num_negatives = self._place(negatives)

    def _place(self, values: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the falling order of some scores, and how many of them reach each step."""
        order = np.argsort(values, kind="stable")[::-1]
        rising = values[order[::-1]]
        return order, len(values) - np.searchsorted(rising, self.scores, side="left")

    def trace(
        self, positive_weights: NDArray | None = None, negative_weights: NDArray | None = None
    ) -> Roc:
        """Return the ROC of the pairs, each counted as often as its weight says.

        Args:
            positive_weights: (P,), not negative; None: each once.
            negative_weights: (Q,), likewise.

        Raises:
            ValueError: If all weights of a kind are zero.
        """
        return Roc(
            self.scores,
            (_sum_up(self._positives, positive_weights), self._num_positives),
            (_sum_up(self._negatives, negative_weights), self._num_negatives),
        )


def _sum_up(order: NDArray[np.int64], weights: NDArray | None) -> Floats:
    """Return the share of the first 0, 1, .. n pairs in an order, (n + 1,), from 0 to 1."""
    sums = np.zeros(len(order) + 1)
    if weights is None:
        sums[:] = np.arange(len(sums))
    else:
        np.cumsum(weights[order], out=sums[1:])
    if not sums[-1] > 0:
        raise ValueError("weights must have a positive sum to give a rate, got 0")
    sums /= sums[-1]
    return sums


class Roc:
    """Error rates at every distinct score; made by :meth:`ScoreSteps.trace`.

    The curve is the polyline through (0, 0) and the point of each score, so that pairs with equal
    scores are accepted together.

    Args:
        scores: Thresholds, falling, (K,).
        positives: Shares of the first 0 .. P pairs of one person, (P + 1,), and how many reach
            each score, (K,).
        negatives: The same of pairs of different persons.
    """

    def __init__(
        self,
        scores: NDArray,
        positives: tuple[Floats, NDArray[np.int64]],
        negatives: tuple[Floats, NDArray[np.int64]],
    ) -> None:
        self.scores = scores
        self._positives, self._num_positives = positives
        self._negatives, self._num_negatives = negatives

    def false_accept_rates(self) -> Floats:
        """Return the false accept rate at each score, rising to 1, (K,)."""
        return self._negatives[self._num_negatives]

    def true_accept_rates(self) -> Floats:
        """Return the true accept rate at each score, rising to 1, (K,)."""
        return self._positives[self._num_positives]

    def point(self, index: int) -> OperatingPoint:
        """Return what the threshold ``scores[index]`` does; -1 accepts nothing."""
        if index < 0:
            above = np.nextafter(self.scores[0], np.inf, dtype=self.scores.dtype)
            return OperatingPoint(float(above), 0.0, 0.0)
        return OperatingPoint(
            float(self.scores[index]),
            float(self._negatives[self._num_negatives[index]]),
            float(self._positives[self._num_positives[index]]),
        )

    def operating_point(self, false_accept_rate: float) -> OperatingPoint:
        """Return the lowest score that accepts no larger share of different persons.

        Args:
            false_accept_rate: The most that are accepted, 0 .. 1.
        """
        most = false_accept_rate * (1 + _ROUNDING)
        after = bisect.bisect_right(
            range(len(self.scores)), most, key=lambda k: self._negatives[self._num_negatives[k]]
        )
        return self.point(after - 1)

    def equal_error_rate(self) -> tuple[float, float]:
        """Return where false accepts are as frequent as false rejects: the rate, and the score.

        The rate is where the polyline crosses the diagonal, the score the first one beyond it.
        """

        def excess(index: int) -> float:
            point = self.point(index)
            return point.false_accept_rate + point.true_accept_rate - 1

        after = bisect.bisect_left(range(len(self.scores)), 0.0, key=excess)
        start, stop = self.point(after - 1), self.point(after)
        before, beyond = excess(after - 1), excess(after)
        share = -before / (beyond - before)
        rate = start.false_accept_rate + share * (stop.false_accept_rate - start.false_accept_rate)
        return rate, stop.threshold

    def area(self) -> float:
        """Return the area under the curve: how often one person's pair has the higher score.

        A tie counts one half.
        """
        accepts = np.concatenate([[0.0], self.true_accept_rates()])
        steps = np.diff(self.false_accept_rates(), prepend=0.0)
        return float((steps * (accepts[1:] + accepts[:-1])).sum() / 2)


def fit_logistic(
    positives: NDArray,
    negatives: NDArray,
    positive_weights: NDArray | None = None,
    negative_weights: NDArray | None = None,
) -> tuple[float, float]:
    """Fit the probability 1 / (1 + exp(-(slope * score + intercept))) of one person.

    Platt's calibration (1999) with his targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2), which keep the
    fit finite where a threshold parts the two kinds; Newton's steps, halved until they descend (Lin
    et al. 2007). The probability holds where one person is as frequent as among these pairs.

    Args:
        positives: Scores of pairs of one person, (P,).
        negatives: Scores of pairs of different persons, (Q,).
        positive_weights: How often each counts, (P,); None: once.
        negative_weights: Likewise, (Q,).

    Returns:
        Slope and intercept.

    Raises:
        ValueError: If there are no such pairs, a score is not finite, or all scores are alike.

    Example:
        >>> slope, intercept = fit_logistic(np.array([1.0, 1.0]), np.array([-1.0, -1.0]))
        >>> round(slope, 4), round(abs(intercept), 4)  # log((2 + 1) / 1): all of two pairs
        (1.0986, 0.0)
    """
    kinds = ((positives, positive_weights), (negatives, negative_weights))
    parts = [
        (np.asarray(scores, np.float64), _ones(scores) if weights is None else weights)
        for scores, weights in kinds
    ]
    everything = np.concatenate([scores for scores, _ in parts])
    if not all(len(scores) for scores, _ in parts) or not np.isfinite(everything).all():
        raise ValueError(
            "a calibration needs finite scores of pairs of one person and of different persons, "
            f"got {len(positives)} and {len(negatives)}"
        )
    centre, spread = everything.mean(), everything.std()
    if not spread > _alike_within(positives, negatives) * max(1.0, abs(centre)):
        raise ValueError(
            "a calibration needs scores that differ, because equal ones say nothing about a pair, "
            f"got {everything[0]:g} for all {len(everything)}"
        )
    sums = [float(np.sum(weights, dtype=np.float64)) for _, weights in parts]
    targets = ((sums[0] + 1) / (sums[0] + 2), 1 / (sums[1] + 2))
    scaled = [
        ((scores - centre) / spread, weights, target)
        for (scores, weights), target in zip(parts, targets, strict=True)
    ]
    slope, intercept = _descend(scaled, np.array([0.0, np.log((sums[0] + 1) / (sums[1] + 1))]))
    return float(slope / spread), float(intercept - slope * centre / spread)


def _alike_within(*scores: NDArray) -> float:
    """Return the spread of equal scores that were summed in another order, relative to them."""
    kinds = [np.asarray(some).dtype for some in scores]
    rounding = np.finfo(np.result_type(*kinds, np.float16)).eps
    return max(1e-9, 8 * float(rounding))


def _ones(scores: NDArray) -> NDArray:
    return np.broadcast_to(np.float32(1), np.shape(scores))


Weighted = list[tuple[Floats, NDArray, float]]
"""Scores, their weights and their target, of each kind of pair."""


def _descend(pairs: Weighted, start: Floats) -> Floats:
    """Return slope and intercept of the least loss."""
    found = start
    loss, gradient, hessian = _derivatives(pairs, found)
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(hessian + 1e-12 * np.trace(hessian) * np.eye(2), gradient)
        size, decrement = 1.0, float(gradient @ step)
        if decrement <= 1e-13 * max(abs(loss), 1e-30):
            break
        while size > 1e-10:
            trial = _derivatives(pairs, found - size * step)
            if trial[0] <= loss - 1e-4 * size * decrement:
                break
            size /= 2
        else:
            break
        found, (loss, gradient, hessian) = found - size * step, trial
    return found


def _derivatives(pairs: Weighted, parameters: Floats) -> tuple[float, Floats, Floats]:
    """Return the cross entropy, its gradient (2,) and its second derivatives (2, 2)."""
    loss, gradient, hessian = 0.0, np.zeros(2), np.zeros((2, 2))
    for all_scores, all_weights, target in pairs:
        for start in range(0, len(all_scores), _CHUNK):
            scores = all_scores[start : start + _CHUNK]
            weights = np.asarray(all_weights[start : start + _CHUNK], np.float64)
            logits = parameters[0] * scores + parameters[1]
            loss += float(weights @ (np.logaddexp(0, logits) - target * logits))
            odds = np.exp(-np.abs(logits))
            probabilities = np.where(logits >= 0, 1, odds) / (1 + odds)
            errors = weights * (probabilities - target)
            curvature = weights * probabilities * (1 - probabilities)
            gradient += [errors @ scores, errors.sum()]
            mixed = curvature @ scores
            hessian += [[curvature @ scores**2, mixed], [mixed, curvature.sum()]]
    return loss, gradient, hessian
