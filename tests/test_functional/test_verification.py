"""Error rates of thresholds, and scores as probabilities, against loops and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mmctl.functional.verification import OperatingPoint, ScoreSteps, fit_logistic
from tests.references.verification import (
    loop_area,
    loop_cross_entropy,
    loop_equal_error_rate,
    loop_operating_point,
)


def draw(seed: int, ties: bool, num_positives: int = 23, num_negatives: int = 61):
    rng = np.random.default_rng(seed)
    positives = rng.normal(0.8, 1, num_positives)
    negatives = rng.normal(0, 1, num_negatives)
    return (np.round(positives, 1), np.round(negatives, 1)) if ties else (positives, negatives)


CASES = [(seed, ties) for seed in range(4) for ties in (False, True)]


@pytest.mark.parametrize(("seed", "ties"), CASES)
def test_area_and_rates_are_those_of_the_loops(seed, ties):
    positives, negatives = draw(seed, ties)
    roc = ScoreSteps(positives, negatives).trace()
    assert roc.area() == pytest.approx(loop_area(positives, negatives), abs=1e-12)
    expected = loop_equal_error_rate(positives.tolist(), negatives.tolist())
    assert roc.equal_error_rate()[0] == pytest.approx(expected, abs=1e-12)
    for rate in (1 / 61, 0.05, 10 / 61, 0.3, 1.0):
        found = roc.operating_point(rate)
        wanted = loop_operating_point(rate, positives.tolist(), negatives.tolist())
        if wanted is None:  # the highest scores are those of different persons
            assert (found.false_accept_rate, found.true_accept_rate) == (0, 0)
            assert found.threshold > max(positives.max(), negatives.max())
        else:
            assert found == OperatingPoint(*map(pytest.approx, wanted))


def test_a_weight_counts_a_pair_as_often_as_it_says():
    positives, negatives = draw(5, ties=True)
    rng = np.random.default_rng(0)
    often, seldom = rng.integers(0, 4, len(positives)), rng.integers(0, 4, len(negatives))
    weighted = ScoreSteps(positives, negatives).trace(often, seldom)
    repeated = ScoreSteps(np.repeat(positives, often), np.repeat(negatives, seldom)).trace()
    assert weighted.area() == pytest.approx(repeated.area(), abs=1e-12)
    assert weighted.equal_error_rate()[0] == pytest.approx(repeated.equal_error_rate()[0])
    for rate in (0.02, 0.1, 0.5):
        found, wanted = (roc.operating_point(rate) for roc in (weighted, repeated))
        assert found.true_accept_rate == pytest.approx(wanted.true_accept_rate)
        assert found.false_accept_rate == pytest.approx(wanted.false_accept_rate)


@pytest.mark.parametrize("change", [np.exp, np.arctan, lambda x: 3 * x - 7], ids=["e", "a", "l"])
def test_a_rising_map_of_the_scores_changes_no_rate_and_maps_the_thresholds(change):
    positives, negatives = draw(1, ties=True)
    plain, mapped = (
        ScoreSteps(*pair).trace()
        for pair in ((positives, negatives), (change(positives), change(negatives)))
    )
    assert mapped.area() == plain.area()
    assert mapped.equal_error_rate()[0] == plain.equal_error_rate()[0]
    for rate in (0.05, 0.2, 0.7):
        before, after = plain.operating_point(rate), mapped.operating_point(rate)
        assert after.true_accept_rate == before.true_accept_rate
        assert after.threshold == pytest.approx(float(change(np.array(before.threshold))))


def test_turning_the_scores_around_exchanges_the_kinds():
    positives, negatives = draw(2, ties=True)
    plain = ScoreSteps(positives, negatives).trace()
    turned = ScoreSteps(-negatives, -positives).trace()
    assert turned.area() == pytest.approx(plain.area())
    assert turned.equal_error_rate()[0] == pytest.approx(plain.equal_error_rate()[0])


def test_a_worked_example():
    # Falling: 0.9 p, 0.8 n, 0.7 p, 0.6 p n, 0.1 n n. Of 6 wins of 3 x 4 pairs ...
    positives, negatives = np.array([0.9, 0.7, 0.6]), np.array([0.8, 0.6, 0.1, 0.1])
    roc = ScoreSteps(positives, negatives).trace()
    # 0.9 beats 4, 0.7 beats 3, 0.6 beats 2 and ties with one.
    assert roc.area() == pytest.approx((4 + 3 + 2.5) / 12)
    assert roc.operating_point(0.25) == OperatingPoint(0.7, 0.25, pytest.approx(2 / 3))
    assert roc.operating_point(0.24) == OperatingPoint(0.9, 0.0, pytest.approx(1 / 3))
    # Between (1/4, 2/3) and (1/2, 1): 1/4 + s/4 = 1 - 2/3 - s/3, s = 1/7.
    assert roc.equal_error_rate() == (pytest.approx(1 / 4 + 1 / 28), 0.6)


def test_kinds_that_a_threshold_parts_have_no_error():
    roc = ScoreSteps(np.array([0.9, 0.8]), np.array([0.1, 0.2, 0.3])).trace()
    assert roc.area() == 1
    assert roc.equal_error_rate()[0] == 0
    assert roc.operating_point(0.1) == OperatingPoint(0.8, 0.0, 1.0)


def test_scores_that_are_all_alike_say_nothing():
    roc = ScoreSteps(np.ones(3), np.ones(5)).trace()
    assert roc.area() == 0.5
    assert roc.equal_error_rate()[0] == 0.5
    assert roc.operating_point(0.9).true_accept_rate == 0
    assert roc.operating_point(1.0).true_accept_rate == 1


def test_float32_scores_keep_the_order_at_the_top():
    top = np.float32(1)
    point = ScoreSteps(np.array([0.5], np.float32), np.array([top])).trace().operating_point(0.5)
    assert point.threshold > 1


@pytest.mark.parametrize(
    ("positives", "negatives", "message"),
    [
        ([], [0.1], "positives must be a row of scores, at least one, to have a rate, got"),
        ([0.1], [], "negatives must be a row of scores"),
        ([math.nan], [0.1], "positives must be finite to be compared with a threshold, got nan"),
        ([0.1], [0.2, math.inf], "negatives must be finite to be compared .* got inf"),
    ],
)
def test_scores_without_a_rate_are_refused(positives, negatives, message):
    with pytest.raises(ValueError, match=message):
        ScoreSteps(np.array(positives), np.array(negatives))


def test_weights_that_leave_nobody_are_refused():
    with pytest.raises(ValueError, match="weights must have a positive sum to give a rate"):
        ScoreSteps(np.array([0.5]), np.array([0.1])).trace(np.zeros(1), np.ones(1))


# Calibration


@pytest.mark.parametrize("seed", range(3))
def test_no_neighbour_of_the_fit_has_a_smaller_loss(seed):
    positives, negatives = draw(seed, ties=False)
    slope, intercept = fit_logistic(positives, negatives)
    least = loop_cross_entropy(slope, intercept, positives, negatives)
    for size in (1e-1, 1e-3, 1e-5):
        for turn in np.linspace(0, 2 * math.pi, 8, endpoint=False):
            moved = slope + size * math.cos(turn), intercept + size * math.sin(turn)
            assert loop_cross_entropy(*moved, positives, negatives) >= least - 1e-12


def test_two_scores_have_the_shares_of_the_pairs_as_probabilities():
    # At each of two scores the fit is free: it gives the mean target there, in closed form.
    positives = np.array([1.0] * 6 + [0.0] * 2)
    negatives = np.array([1.0] * 3 + [0.0] * 9)
    slope, intercept = fit_logistic(positives, negatives)
    high, low = (8 + 1) / (8 + 2), 1 / (12 + 2)
    at_one = (6 * high + 3 * low) / 9
    at_zero = (2 * high + 9 * low) / 11
    assert 1 / (1 + math.exp(-(slope + intercept))) == pytest.approx(at_one, abs=1e-9)
    assert 1 / (1 + math.exp(-intercept)) == pytest.approx(at_zero, abs=1e-9)


def test_the_mean_probability_is_the_mean_target():
    positives, negatives = draw(3, ties=False)
    slope, intercept = fit_logistic(positives, negatives)
    scores = np.concatenate([positives, negatives])
    targets = np.repeat([24 / 25, 1 / 63], [23, 61])
    errors = 1 / (1 + np.exp(-(slope * scores + intercept))) - targets
    assert abs(errors.sum()) < 1e-6
    assert abs(errors @ scores) < 1e-6


def test_a_linear_map_of_the_scores_changes_no_probability():
    positives, negatives = draw(4, ties=False)
    slope, intercept = fit_logistic(positives, negatives)
    # Cosines before a neck: all within a few hundredths.
    mapped = fit_logistic(0.98 + 0.004 * positives, 0.98 + 0.004 * negatives)
    assert 0.004 * mapped[0] == pytest.approx(slope, rel=1e-6)
    assert mapped[0] * 0.98 + mapped[1] == pytest.approx(intercept, rel=1e-6)


def test_exchanged_kinds_give_the_other_probability():
    positives, negatives = draw(6, ties=False, num_negatives=23)
    slope, intercept = fit_logistic(positives, negatives)
    assert fit_logistic(negatives, positives) == pytest.approx((-slope, -intercept), rel=1e-6)


def test_weights_count_as_often_as_they_say():
    positives, negatives = draw(7, ties=False)
    often = np.random.default_rng(1).integers(1, 4, len(negatives))
    weighted = fit_logistic(positives, negatives, np.ones(len(positives)), often)
    repeated = fit_logistic(positives, np.repeat(negatives, often))
    assert weighted == pytest.approx(repeated, rel=1e-8)


def test_kinds_that_a_threshold_parts_have_a_finite_fit():
    slope, intercept = fit_logistic(np.linspace(0.8, 0.9, 50), np.linspace(0.1, 0.2, 500))
    assert 0 < slope < 1e3
    assert math.isfinite(intercept)
    assert 1 / (1 + math.exp(-(slope * 0.85 + intercept))) > 0.9


def test_equal_scores_of_another_order_of_sums_have_no_fit():
    # Of alike features, as a product with edges gives them: one, and a last bit less.
    scores = np.array([1, 1 - 2**-24, 1 - 2**-23, 1], dtype=np.float32)
    with pytest.raises(ValueError, match="needs scores that differ"):
        fit_logistic(scores[:2], scores[2:])
    slope, _ = fit_logistic(scores[:2].astype(np.float64), scores[2:].astype(np.float64))
    assert math.isfinite(slope)


@pytest.mark.parametrize(
    ("positives", "negatives", "message"),
    [
        ([0.5], [0.5, 0.5], "needs scores that differ, .* got 0.5 for all 3"),
        ([], [0.5], "needs finite scores of pairs of one person and of different persons"),
        ([math.nan], [0.5], "needs finite scores"),
    ],
)
def test_scores_without_a_fit_are_refused(positives, negatives, message):
    with pytest.raises(ValueError, match=message):
        fit_logistic(np.array(positives), np.array(negatives))
