"""Is one system better than another? Differences over the same queries, with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmctl.evaluation.calibration_records import Bootstrap
from mmctl.files import read_npz

MEASURES = ("R1", "mAP")


@dataclass(frozen=True)
class ScoredQueries:
    """What one test says of each of its queries.

    Attributes:
        pids: Person of each scored query, (Q,), int64.
        tracklet_ids: Index of each in the data set, (Q,), int64.
        scores: By measure, (Q,) in percent: ``mAP`` the average precision, ``R1`` 100 or 0.
    """

    pids: NDArray[np.int64]
    tracklet_ids: NDArray[np.int64]
    scores: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Difference:
    """How much better one system is than another, in percentage points.

    Attributes:
        mean: Of all queries and seeds.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"


def read_scored_queries(path: str | Path) -> ScoredQueries:
    """Read the queries of a file that ``tools/test.py --out`` wrote.

    Args:
        path: The ``.npz`` file.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it has no scored query.
    """
    needed = ("pids", "tracklet_ids", "average_precision", "first_match")
    arrays = read_npz(path, "feature file", needed)
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise ValueError(
            f"{path} must say of each query how it was ranked, as tools/test.py --out writes it, "
            f"but has no {missing[0]}"
        )
    rows = np.flatnonzero(arrays["first_match"] >= 0)
    if not len(rows):
        raise ValueError(f"{path} must have a scored query, got none")
    return ScoredQueries(
        arrays["pids"][rows],
        arrays["tracklet_ids"][rows],
        {
            "R1": 100.0 * (arrays["first_match"][rows] == 0),
            "mAP": 100.0 * arrays["average_precision"][rows],
        },
    )


def paired_difference(
    ours: Sequence[ScoredQueries],
    theirs: Sequence[ScoredQueries],
    measure: str,
    bootstrap: Bootstrap | None = None,
    *,
    same_trainings: bool = False,
) -> Difference:
    """Return how much better one system ranks the same queries than another.

    Each side is one or more trainings that differ in their seed. Queries of one person are not
    independent, and nor are trainings of one system: every replicate draws persons, the same for
    both sides, and seeds, anew for each side, with replacement. Where both sides tested the same
    networks, seeds are drawn once for both: what sets trainings apart is the same on either side.

    Args:
        ours: Tests of one system, one per seed.
        theirs: Tests of the other.
        measure: ``'R1'`` or ``'mAP'``.
        bootstrap: Number of replicates, seed and confidence.
        same_trainings: Whether the tests of a place, one of either side, are of one network.

    Raises:
        ValueError: If the tests are not of the same queries, a side has none, or sides of the same
            trainings have different numbers.

    Example:
        >>> queries = ScoredQueries(np.array([1, 2]), np.arange(2), {"R1": np.array([100.0, 0.0])})
        >>> str(paired_difference([queries], [queries], "R1"))
        '+0.0 [+0.0, +0.0]'
    """
    if not ours or not theirs:
        raise ValueError(f"both sides must have a test, got {len(ours)} and {len(theirs)}")
    if same_trainings and len(ours) != len(theirs):
        raise ValueError(
            "sides of the same trainings must have one test of each, got "
            f"{len(ours)} and {len(theirs)}"
        )
    first, bootstrap = ours[0], bootstrap or Bootstrap()
    for other in (*ours, *theirs):
        if not np.array_equal(other.tracklet_ids, first.tracklet_ids):
            raise ValueError(
                "the tests must have ranked the same queries in the same order, because their "
                f"scores are subtracted one by one; got {len(first.pids)} and {len(other.pids)} "
                "queries that differ"
            )
    persons, rows = np.unique(first.pids, return_inverse=True)
    counts = np.bincount(rows).astype(np.float64)
    sums = [
        np.stack([np.bincount(rows, test.scores[measure]) for test in side])
        for side in (ours, theirs)
    ]
    rng, number = np.random.default_rng(bootstrap.seed), bootstrap.replicates
    weights = rng.multinomial(len(persons), np.full(len(persons), 1 / len(persons)), size=number)
    drawn = [rng.integers(len(side), size=(number, len(side))) for side in sums]
    if same_trainings:
        drawn[1] = drawn[0]
    ours_drawn, theirs_drawn = (
        side[seeds].mean(axis=1) for side, seeds in zip(sums, drawn, strict=True)
    )
    replicates = ((ours_drawn - theirs_drawn) * weights).sum(axis=1) / (weights @ counts)
    tail = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(replicates, [tail, 1 - tail])
    mean = float((sums[0].mean(axis=0) - sums[1].mean(axis=0)).sum() / counts.sum())
    return Difference(mean, float(low), float(high))
