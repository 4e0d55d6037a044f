"""What a calibration file holds, and the rates that its pairs can show."""

from __future__ import annotations

import math
from dataclasses import dataclass

FALSE_ACCEPTS_NEEDED = 10
"""Of the measured pairs: a rate of fewer says more of these pairs than of the network."""


def smallest_rate(num_negatives: int) -> float:
    """Return the lowest false accept rate that so many pairs of different persons can show."""
    return FALSE_ACCEPTS_NEEDED / num_negatives


def check_rate(rate: float, num_negatives: int) -> None:
    """Refuse a false accept rate that the pairs cannot show.

    Args:
        rate: The rate.
        num_negatives: Pairs of different persons.

    Raises:
        ValueError: If it is none, or too low.
    """
    if not 0 < rate <= 1:
        raise ValueError(f"a false accept rate must be above 0 and up to 1, got {rate:g}")
    least = smallest_rate(num_negatives)
    if rate < least * (1 - 1e-9):
        raise ValueError(
            f"false accept rate {rate:g} is refused: it needs {FALSE_ACCEPTS_NEEDED} false accepts "
            f"and so {math.ceil(FALSE_ACCEPTS_NEEDED / rate):,} pairs of different persons, got "
            f"{num_negatives:,}; the smallest that these allow is {least:.2g}"
        )


@dataclass(frozen=True)
class Source:
    """What features are of.

    Attributes:
        model: Hash of the model, as ``tools/extract_features.py`` and ``tools/test.py`` record it;
            '' if unknown.
        dataset: Name of the data set; '' if unknown.
        feature: Which of the head's features, as ``before`` or ``after`` its neck; '' if unknown.
    """

    model: str = ""
    dataset: str = ""
    feature: str = ""


@dataclass(frozen=True)
class Interval:
    """A measured number with the interval of a bootstrap over persons.

    Attributes:
        value: The number.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class RatePoint:
    """A false accept rate that was asked for.

    Attributes:
        rate: The rate that was asked for.
        threshold: The lowest similarity that accepts no more.
        false_accept_rate: What it accepts of different persons.
        true_accept_rate: What it accepts of one person.
    """

    rate: float
    threshold: float
    false_accept_rate: float
    true_accept_rate: Interval


@dataclass(frozen=True)
class Curve:
    """Points of the ROC down to the smallest rate that the pairs show.

    Attributes:
        thresholds: Similarities, falling.
        false_accept_rates: Of each, not falling.
        true_accept_rates: Of each, not falling.
    """

    thresholds: list[float]
    false_accept_rates: list[float]
    true_accept_rates: list[float]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals were found.

    Attributes:
        replicates: How often persons were drawn.
        seed: Of the draws.
        confidence: Share of the replicates within an interval.
    """

    replicates: int = 500
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if self.replicates < 20 or not 0 < self.confidence < 1:
            raise ValueError(
                "a bootstrap needs 20 replicates or more and a confidence between 0 and 1, got "
                f"{self.replicates} and {self.confidence:g}"
            )


@dataclass(frozen=True)
class Verdict:
    """What a similarity says; no decision, which needs a threshold that somebody chooses.

    Attributes:
        similarity: Cosine of two features.
        probability: That a pair of such a similarity shows one person.
        false_accept_rate: Share of different persons that are at least as similar, at most.
        expected_false_alarms: How many of the gallery's other tracklets are, at most; None if its
            size was not said.
    """

    similarity: float
    probability: float
    false_accept_rate: float
    expected_false_alarms: float | None = None

    def __str__(self) -> str:
        alarms = self.expected_false_alarms
        expected = "" if alarms is None else f", {alarms:.3g} false alarms expected at most"
        return (
            f"similarity {self.similarity:.3f}: one person with probability "
            f"{self.probability:.3f}; {self.false_accept_rate:.2g} of different persons are as "
            f"similar{expected}"
        )
