"""Differences between systems: what they are, how sure, and what cannot be compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmctl.evaluation import Protocol, paired_difference, read_scored_queries
from mmctl.evaluation.calibration_records import Bootstrap
from mmctl.evaluation.paired_difference import MEASURES, Difference, ScoredQueries
from tests.test_evaluation.drawn_split import drawn_tracklets


def scored(values: np.ndarray, persons: np.ndarray) -> ScoredQueries:
    return ScoredQueries(persons, np.arange(len(persons)), {"mAP": values})


def simulate(
    rng: np.random.Generator, gain: float, num_persons: int = 60, each: int = 4
) -> tuple[list[ScoredQueries], list[ScoredQueries]]:
    """Return three trainings of two systems that share how hard each person is."""
    persons = np.repeat(np.arange(num_persons), each)
    hard = rng.normal(50, 20, num_persons)[persons]
    sides = []
    for mean in (gain, 0.0):
        liked = rng.normal(0, 8, num_persons)[persons]
        side = [hard + liked + mean + rng.normal(0, 10, len(persons)) for _ in range(3)]
        sides.append([scored(values + rng.normal(0, 1.0), persons) for values in side])
    return sides[0], sides[1]


def test_the_file_of_a_test_gives_the_numbers_that_the_test_printed(tmp_path: Path) -> None:
    tracklets = drawn_tracklets()
    evaluation = tracklets.evaluate(Protocol.named("query-in-gallery"), distance="cosine")
    tracklets.save(tmp_path / "features.npz", evaluation)
    found = read_scored_queries(tmp_path / "features.npz")
    assert found.scores["R1"].mean() == pytest.approx(100 * evaluation.ranking.cmc[0])
    assert found.scores["mAP"].mean() == pytest.approx(
        100 * evaluation.ranking.mean_average_precision
    )
    assert len(found.pids) == evaluation.ranking.num_queries
    for measure in MEASURES:
        assert paired_difference([found], [found], measure) == Difference(0, 0, 0)


def test_the_mean_is_that_of_all_queries_and_seeds() -> None:
    persons = np.array([1, 1, 1, 2])
    ours = [scored(np.array([10.0, 20, 30, 80]), persons), scored(np.full(4, 50.0), persons)]
    theirs = [scored(np.array([0.0, 0, 0, 40]), persons)]
    found = paired_difference(ours, theirs, "mAP")
    assert found.mean == pytest.approx((35 + 50) / 2 - 10)
    assert found.low <= found.mean <= found.high
    # Persons of one sort alone are among the replicates.
    assert found.high - found.low > 10


def test_hard_people_are_hard_for_both_and_widen_nothing() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(50), 1 + np.arange(50) % 3)
    hard = rng.normal(50, 30, 50)[persons]
    ours, theirs = scored(hard + 2.0, persons), scored(hard, persons)
    found = paired_difference([ours], [theirs], "mAP")
    np.testing.assert_allclose([found.mean, found.low, found.high], 2.0)


def test_the_interval_of_many_persons_is_that_of_a_normal_mean() -> None:
    gains = np.random.default_rng(2).normal(1.0, 4.0, 400)
    persons = np.arange(400)
    found = paired_difference(
        [scored(50 + gains, persons)], [scored(np.full(400, 50.0), persons)], "mAP", Bootstrap(4000)
    )
    half = 1.96 * gains.std() / 20
    # 4000 replicates: the quantiles are off by 3 % or so.
    assert found.low == pytest.approx(gains.mean() - half, abs=0.08 * half)
    assert found.high == pytest.approx(gains.mean() + half, abs=0.08 * half)


def test_intervals_hold_the_true_difference_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    bootstrap = Bootstrap(200)
    hits = 0
    for _ in range(150):
        found = paired_difference(*simulate(rng, gain=3.0), "mAP", bootstrap)
        hits += found.low <= 3.0 <= found.high
    # 95 % are asked for; seeds of which there are three are too alike when drawn anew.
    assert 0.85 <= hits / 150 <= 0.99


def test_trainings_that_differ_widen_the_interval() -> None:
    persons = np.repeat(np.arange(40), 2)
    level = np.full(80, 50.0)
    alike = [scored(level, persons)] * 3
    apart = [scored(level + step, persons) for step in (-5.0, 0.0, 5.0)]
    assert paired_difference(alike, alike, "mAP").high == 0
    found = paired_difference(apart, alike, "mAP")
    assert found.mean == pytest.approx(0)
    assert found.high - found.low > 5


def test_tests_of_the_same_trainings_do_not_pay_for_what_sets_trainings_apart() -> None:
    persons = np.repeat(np.arange(40), 2)
    level = np.full(80, 50.0)
    theirs = [scored(level + step, persons) for step in (-5.0, 0.0, 5.0)]
    ours = [scored(side.scores["mAP"] + 1.0, persons) for side in theirs]
    apart = paired_difference(ours, theirs, "mAP")
    assert apart.high - apart.low > 5
    same = paired_difference(ours, theirs, "mAP", same_trainings=True)
    np.testing.assert_allclose([same.mean, same.low, same.high], 1.0)
    with pytest.raises(ValueError, match="must have one test of each, got 3 and 2"):
        paired_difference(ours, theirs[:2], "mAP", same_trainings=True)


def test_the_text_has_signs_and_both_ends() -> None:
    assert str(Difference(1.26, -0.5, 3.0)) == "+1.3 [-0.5, +3.0]"


def test_tests_of_other_queries_are_refused() -> None:
    one = scored(np.zeros(3), np.array([1, 2, 3]))
    other = ScoredQueries(one.pids, np.array([0, 1, 5]), one.scores)
    with pytest.raises(ValueError, match="must have ranked the same queries"):
        paired_difference([one], [other], "mAP")
    with pytest.raises(ValueError, match="both sides must have a test, got 1 and 0"):
        paired_difference([one], [], "mAP")


def test_features_that_nobody_ranked_are_refused(tmp_path: Path) -> None:
    drawn_tracklets().save(tmp_path / "features.npz")
    with pytest.raises(ValueError, match=r"features\.npz .* has no average_precision"):
        read_scored_queries(tmp_path / "features.npz")
