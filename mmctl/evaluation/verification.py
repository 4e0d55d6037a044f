"""Same person or not: how well a threshold on the similarity tells, across cameras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmctl.evaluation.calibration import VERSION, Calibration
from mmctl.evaluation.calibration_records import (
    FALSE_ACCEPTS_NEEDED,
    Bootstrap,
    Curve,
    Interval,
    RatePoint,
    Source,
    check_rate,
    smallest_rate,
)
from mmctl.evaluation.camera_pairs import MAX_PAIRS, CameraPairs, PairFinder
from mmctl.evaluation.feature_files import KnownFeatures
from mmctl.evaluation.pair_counts import ComparedTracklets, PairCounts
from mmctl.functional.verification import Roc, ScoreSteps, fit_logistic

RATES = (1e-2, 1e-3, 1e-4)
"""False accept rates that are measured where the pairs allow."""

FEW_PERSONS = 30
NARROW = 0.1
"""Width of 98 % of the similarities below which thresholds differ by hundredths."""

_CURVE_POINTS = 1000

Report = Callable[[int, int], None]
"""Called with how much is done, of how much."""


@dataclass(frozen=True)
class Verification:
    """A measurement.

    Attributes:
        calibration: Its numbers, which are kept.
        pairs: The pairs that it was made of.
        oddities: What looks wrong, a line each.
    """

    calibration: Calibration
    pairs: CameraPairs
    oddities: tuple[str, ...]


def verify(
    features: KnownFeatures,
    source: Source | None = None,
    *,
    rates: Sequence[float] | None = None,
    bootstrap: Bootstrap | None = None,
    max_pairs: int = MAX_PAIRS,
    report: Report | None = None,
) -> Verification:
    """Measure how well cosine similarities tell persons apart, and calibrate them.

    All pairs of tracklets from different cameras count, whoever is a query. Left out are junk (pid
    -1), unknown persons and cameras, pairs of one camera and pairs of two distractors (pid 0).

    Args:
        features: Features with their labels, as
            :func:`~mmctl.evaluation.feature_files.read_known_features` reads them.
        source: What they are of.
        rates: False accept rates to measure; None: those of :data:`RATES` that the pairs allow.
        bootstrap: How intervals are found: persons are drawn with replacement, and a distractor is
            a person of its own; a pair counts as often as both are drawn.
        max_pairs: Pairs of each kind that are kept: fewer pairs are counted exactly. Of more, the
            most similar half of different persons, so that low false accept rates are exact.
        report: Called with steps that are done, and their number.

    Returns:
        The measurement.

    Raises:
        ValueError: If there is one camera, no pair of one person or fewer than ten of different
            persons, a feature is not finite, or the pairs are too few for one of ``rates``.
    """
    tracklets, bootstrap = features.tracklets, bootstrap or Bootstrap()
    compared = ComparedTracklets(
        tracklets.pids, tracklets.camids, features.known_pids, features.known_cameras
    )
    wanted, refused = _choose_rates(rates, compared.counts)
    finder = PairFinder(tracklets.features, compared, max_pairs)
    total = finder.total * 2 if report else 0

    def tell(done: float) -> None:
        if report is not None:
            report(int(done), total)

    pairs = finder.find(tell, bootstrap.seed)
    slope, intercept = fit_logistic(
        pairs.positives, pairs.negatives, pairs.positive_weights, pairs.negative_weights
    )
    steps = ScoreSteps(pairs.positives, pairs.negatives)
    roc = steps.trace(pairs.positive_weights, pairs.negative_weights)
    drawn = _draw_again(
        pairs, steps, wanted, bootstrap, lambda share: tell(finder.total * (1 + share))
    )
    calibration = Calibration(
        source=source or Source(),
        slope=slope,
        intercept=intercept,
        counts=pairs.counts,
        curve=_thin(roc, wanted, smallest_rate(pairs.counts.different_persons)),
        equal_error_rate=_interval(roc.equal_error_rate()[0], drawn[:, -1], bootstrap),
        area=min(1.0, roc.area()),
        rates=_measure(roc, wanted, drawn, bootstrap),
        refused=refused,
        bootstrap=bootstrap,
        exact_rate=pairs.exact_rate,
        similarity="cosine",
        version=VERSION,
    )
    return Verification(calibration, pairs, tuple(_find_oddities(calibration, pairs)))


def _choose_rates(
    rates: Sequence[float] | None, counts: PairCounts
) -> tuple[list[float], list[float]]:
    """Return the rates to measure, falling, and those of the default ones that are refused."""
    number = counts.different_persons
    if number < FALSE_ACCEPTS_NEEDED:
        raise ValueError(
            f"verification needs {FALSE_ACCEPTS_NEEDED} pairs of different persons from different "
            f"cameras to show any false accept rate, got {number}"
        )
    if rates is not None:
        for rate in rates:
            check_rate(rate, number)
        return sorted(set(rates), reverse=True), []
    wanted = [rate for rate in RATES if rate >= smallest_rate(number) * (1 - 1e-9)]
    return wanted, [rate for rate in RATES if rate not in wanted]


def _draw_again(
    pairs: CameraPairs,
    steps: ScoreSteps,
    rates: Sequence[float],
    bootstrap: Bootstrap,
    report: Callable[[float], None],
) -> NDArray[np.float64]:
    """Return what each replicate measures: true accept rates, and the equal error rate last."""
    rng, units = np.random.default_rng(bootstrap.seed), pairs.num_units
    found: list[list[float]] = []
    while len(found) < bootstrap.replicates:
        times = np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float32)
        positives = pairs.positive_weights * times[pairs.positive_units]
        negatives = pairs.negative_weights * times[pairs.negative_units[:, 0]]
        negatives *= times[pairs.negative_units[:, 1]]
        # Nobody who can be recognised, or mistaken, was drawn: of two persons, say.
        if not positives.any() or not negatives.any():
            continue
        roc = steps.trace(positives, negatives)
        accepted = [roc.operating_point(rate).true_accept_rate for rate in rates]
        found.append([*accepted, roc.equal_error_rate()[0]])
        report(len(found) / bootstrap.replicates)
    return np.array(found)


def _interval(value: float, drawn: NDArray[np.float64], bootstrap: Bootstrap) -> Interval:
    tail = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high))


def _measure(
    roc: Roc, rates: Sequence[float], drawn: NDArray[np.float64], bootstrap: Bootstrap
) -> list[RatePoint]:
    points = []
    for column, rate in enumerate(rates):
        point = roc.operating_point(rate)
        accepted = _interval(point.true_accept_rate, drawn[:, column], bootstrap)
        points.append(RatePoint(rate, point.threshold, point.false_accept_rate, accepted))
    return points


def _thin(roc: Roc, rates: Sequence[float], least: float) -> Curve:
    """Return the points of the ROC that are kept, each rate that was asked for among them.

    All from the smallest rate on where they are few, else about a thousand: those of false accept
    rates in equal ratios, the lowest threshold of each.
    """
    accepted = roc.false_accept_rates()
    first = max(0, int(np.searchsorted(accepted, least * (1 - 1e-9), side="left")))
    if len(accepted) - first <= _CURVE_POINTS:
        places = np.arange(first, len(accepted))
    else:
        ladder = np.concatenate([np.geomspace(least, 1, _CURVE_POINTS), np.array(rates)])
        places = np.unique(np.searchsorted(accepted, ladder * (1 + 1e-12), side="right") - 1)
        places = places[places >= 0]
    return Curve(
        [float(score) for score in roc.scores[places]],
        [min(1.0, float(rate)) for rate in accepted[places]],
        [min(1.0, float(rate)) for rate in roc.true_accept_rates()[places]],
    )


def _find_oddities(calibration: Calibration, pairs: CameraPairs) -> list[str]:
    counts, lines = calibration.counts, []
    if counts.persons < FEW_PERSONS:
        lines.append(
            f"only {counts.persons} persons are seen by two cameras: the intervals, which say how "
            "far other persons may differ, are rough"
        )
    if calibration.slope <= 0:
        lines.append(
            "pairs of one person are no more similar than others (the calibration's slope is "
            f"{calibration.slope:.3g}); are features and labels of the same tracklets?"
        )
    low, high = np.quantile(pairs.negatives.astype(np.float64), [0.01, 0.99])
    if high - low < NARROW:
        lines.append(
            f"98 % of the pairs of different persons have similarities from {low:.3f} to "
            f"{high:.3f}: the features all point one way, as those before a neck do; "
            "measure those of extract_features.py --feature after, too"
        )
    names = {"model": "model", "dataset": "data set", "feature": "feature"}
    unknown = [name for key, name in names.items() if not getattr(calibration.source, key)]
    if unknown:
        lines.append(
            f"the features do not say their {' and '.join(unknown)}, so a later use cannot be "
            "compared with them"
        )
    return lines
