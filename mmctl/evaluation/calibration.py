"""What a similarity means: probability and false alarms, measured once and kept in a file."""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmctl.evaluation.calibration_records import (
    FALSE_ACCEPTS_NEEDED,
    Bootstrap,
    Curve,
    Interval,
    RatePoint,
    Source,
    Verdict,
    check_rate,
    smallest_rate,
)
from mmctl.evaluation.pair_counts import PairCounts
from mmctl.files import read_json, to_record, write_whole

VERSION = 1
"""Of the file. A reader refuses files of a later one."""

_SLACK = 1e-5
"""What rounding may add to a cosine."""


@dataclass(frozen=True)
class Calibration:
    """Error rates and probabilities of the similarities of one model on one data set.

    There is no default threshold: name a false accept rate, or weigh false alarms yourself.

    Attributes:
        source: Which features were measured; see :meth:`mismatches`.
        slope: Of the logistic calibration.
        intercept: Of the logistic calibration.
        counts: Pairs and tracklets that were measured, and those left out.
        curve: Points of the ROC.
        equal_error_rate: Where both errors are equally frequent.
        area: Area under the ROC.
        rates: Of the false accept rates that were asked for, the lowest last.
        refused: Rates for which there were too few pairs.
        bootstrap: How intervals were found.
        exact_rate: False accept rates up to this one are counted over all pairs; higher ones
            are estimated from a sample of millions where there were more pairs.
        similarity: ``'cosine'``.
        version: Of the file.
    """

    source: Source
    slope: float
    intercept: float
    counts: PairCounts
    curve: Curve
    equal_error_rate: Interval
    area: float
    rates: list[RatePoint]
    refused: list[float]
    bootstrap: Bootstrap
    exact_rate: float
    similarity: str
    version: int

    @property
    def smallest_rate(self) -> float:
        """The lowest false accept rate that was measured."""
        return smallest_rate(self.counts.different_persons)

    def probability(self, similarity: ArrayLike, prior: float | None = None) -> Any:
        """Return the probability that pairs of such similarities show one person.

        Args:
            similarity: Cosines, of any shape.
            prior: Share of one person's pairs among those in question; None: as among the measured
                pairs, every tracklet with every one of other cameras.

        Returns:
            A float for a number, else an array of the same shape.

        Raises:
            ValueError: If a similarity is no cosine, or the prior is not between 0 and 1.
        """
        values = _check_similarity(similarity)
        logits = self.slope * values + self.intercept
        if prior is not None:
            if not 0 < prior < 1:
                raise ValueError(f"prior must be a probability between 0 and 1, got {prior:g}")
            measured = self.counts.one_person / self.counts.different_persons
            logits = logits + math.log(prior / (1 - prior)) - math.log(measured)
        odds = np.exp(-np.abs(logits))
        return _like(similarity, np.where(logits >= 0, 1, odds) / (1 + odds))

    def false_accept_rate(self, similarity: ArrayLike) -> Any:
        """Return which share of different persons is at least so similar.

        It is rounded up to the next point of the curve, and never below :attr:`smallest_rate`.

        Args:
            similarity: Cosines, of any shape.
        """
        values = _check_similarity(similarity)
        thresholds, rates = np.array(self.curve.thresholds), self.curve.false_accept_rates
        # The highest threshold that is not above it accepts it and all that is more similar.
        place = np.searchsorted(-thresholds, -values, side="left")
        found = np.append(rates, 1.0)[place]
        return _like(similarity, np.clip(found, self.smallest_rate, 1.0))

    def threshold(self, false_accept_rate: float) -> float:
        """Return the lowest similarity that accepts no larger share of different persons.

        Args:
            false_accept_rate: Above 0, at most 1.

        Raises:
            ValueError: If the measured pairs cannot show such a rate.
        """
        check_rate(false_accept_rate, self.counts.different_persons)
        place = bisect.bisect_right(self.curve.false_accept_rates, false_accept_rate * (1 + 1e-9))
        thresholds = self.curve.thresholds
        return float(thresholds[place - 1] if place else np.nextafter(thresholds[0], 2))

    def expected_false_alarms(self, similarity: ArrayLike, gallery_size: float) -> Any:
        """Return how many tracklets of others in a gallery are at least so similar.

        Args:
            similarity: Cosines, of any shape: thresholds, or those of hits.
            gallery_size: Tracklets of other persons that are searched.

        Raises:
            ValueError: If the size is no number of tracklets.
        """
        if isinstance(gallery_size, bool) or not 0 <= gallery_size < math.inf:
            raise ValueError(
                f"gallery_size must be a number of tracklets, 0 or more, got {gallery_size!r}"
            )
        return gallery_size * self.false_accept_rate(similarity)

    def verdict(self, similarity: float, gallery_size: float | None = None) -> Verdict:
        """Return what a similarity says, as numbers and, by ``str``, as a line.

        Args:
            similarity: Cosine of two features.
            gallery_size: Tracklets that were searched.
        """
        alarms = None
        if gallery_size is not None:
            alarms = float(self.expected_false_alarms(similarity, gallery_size))
        rate = float(self.false_accept_rate(similarity))
        return Verdict(float(similarity), float(self.probability(similarity)), rate, alarms)

    def mismatches(self, other: Source) -> list[str]:
        """Return a line for each thing in which features differ from those that were measured.

        Args:
            other: What the features are of.
        """
        names = {"model": "model", "dataset": "data set", "feature": "feature"}
        lines = []
        for key, name in names.items():
            measured, given = getattr(self.source, key), getattr(other, key)
            if measured and given and measured != given:
                lines.append(
                    f"the calibration is of another {name}: {measured[:60]!r}, not {given[:60]!r}; "
                    "its probabilities and rates may not hold"
                )
            elif not (measured and given):
                who = "calibration does" if not measured else "features do"
                lines.append(f"the {who} not say which {name}, so nobody knows whether they fit")
        return lines

    def save(self, path: str | Path) -> None:
        """Write the JSON file, whole or not at all; missing folders are made."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(asdict(self), indent=1) + "\n").encode())


def _check_similarity(similarity: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(similarity, np.float64)
    wrong = ~(np.abs(values) <= 1 + _SLACK)
    if wrong.any():
        raise ValueError(
            f"a similarity must be a cosine, from -1 to 1, got {values[wrong].ravel()[0]:g}"
        )
    return values


def _like(given: ArrayLike, values: NDArray[np.float64]) -> Any:
    return float(values) if np.ndim(given) == 0 else values


def read_calibration(path: str | Path) -> Calibration:
    """Read what :meth:`Calibration.save` wrote.

    Args:
        path: JSON file, as ``tools/analysis_tools/calibrate.py --out`` writes it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is none, of a later version, or its numbers contradict each other.
    """
    what = "calibration file"
    content = read_json(path, what, "tools/analysis_tools/calibrate.py writes it")
    place = f"{what} {path}"
    if isinstance(content, Mapping):
        version = content.get("version")
        if type(version) is int and version > VERSION:
            raise ValueError(
                f"{place} is of version {version}, which this mmctl does not know: it reads up to "
                f"{VERSION}; update it"
            )
    try:
        found = to_record(Calibration, content, place)
        _check(found)
    except ValueError as error:
        message = str(error)
        raise ValueError(message if place in message else f"{place}: {message}") from None
    return found


def _check(found: Calibration) -> None:
    """Refuse numbers that no measurement gives."""
    curve, counts = found.curve, found.counts
    lengths = [len(values) for values in asdict(curve).values()]
    if len(set(lengths)) > 1 or not lengths[0]:
        raise ValueError(f"curve must have lists of one length, not empty, got {lengths}")
    thresholds = np.array(curve.thresholds, float)
    if (np.abs(thresholds) > 1 + _SLACK).any() or (np.diff(thresholds) >= 0).any():
        raise ValueError("curve.thresholds must be falling cosines, from 1 to -1")
    for name in ("false_accept_rates", "true_accept_rates"):
        values = np.array(getattr(curve, name), float)
        if values.min() < 0 or values.max() > 1 or (np.diff(values) < 0).any():
            raise ValueError(f"curve.{name} must be rates from 0 to 1 that never fall")
    if any(value < 0 for value in asdict(counts).values()):
        raise ValueError(f"counts must not be negative, got {asdict(counts)}")
    if not counts.one_person or counts.different_persons < FALSE_ACCEPTS_NEEDED:
        raise ValueError(
            f"counts must have a pair of one person and {FALSE_ACCEPTS_NEEDED} of "
            f"different ones, got {counts.one_person} and {counts.different_persons}"
        )
    shares = {"area": found.area, "exact_rate": found.exact_rate}
    shares |= asdict(found.equal_error_rate)
    for point in found.rates:
        shares |= {
            f"of rate {point.rate:g}, {k}": v for k, v in asdict(point.true_accept_rate).items()
        }
        check_rate(point.rate, counts.different_persons)
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, got {value:g}")
    if found.version < 1:
        raise ValueError(f"version must be from 1 to {VERSION}, got {found.version}")
    if found.similarity != "cosine":
        raise ValueError(f"similarity must be 'cosine', got {found.similarity!r:.60}")
