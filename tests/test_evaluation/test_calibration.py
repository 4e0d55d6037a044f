"""What a calibration says of similarities, and the file that keeps it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from mmctl.evaluation import Calibration, read_calibration, verify
from mmctl.evaluation.calibration_records import Bootstrap, Source
from tests.test_evaluation.verified_tracklets import drawn

SOURCE = Source(model="ab12", dataset="MARS", feature="after")


@pytest.fixture(scope="module")
def measured():
    """A measurement of 40 persons, and a rate of its own."""
    return verify(drawn(1, 400, 40), SOURCE, rates=[0.01, 0.003], bootstrap=Bootstrap(20))


@pytest.fixture
def calibration(measured) -> Calibration:
    return measured.calibration


def test_a_file_gives_back_what_was_saved(calibration, tmp_path):
    calibration.save(tmp_path / "new" / "calibration.json")
    assert read_calibration(tmp_path / "new" / "calibration.json") == calibration
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["calibration.json"]


def test_the_probability_is_the_logistic_function_of_the_similarity(calibration):
    for similarity in (-1.0, -0.2, 0.0, 0.4, 1.0):
        logit = calibration.slope * similarity + calibration.intercept
        assert calibration.probability(similarity) == pytest.approx(1 / (1 + math.exp(-logit)))
    found = calibration.probability(np.array([[0.1, 0.2]]))
    assert found.shape == (1, 2)
    assert found[0, 1] == calibration.probability(0.2) > found[0, 0]
    assert isinstance(calibration.probability(0.2), float)


def test_a_prior_moves_the_odds_by_its_own(calibration):
    counts = calibration.counts
    measured = counts.one_person / (counts.one_person + counts.different_persons)
    plain = calibration.probability(0.5)
    assert calibration.probability(0.5, prior=measured) == pytest.approx(plain)
    even = calibration.probability(0.5, prior=0.5)
    odds = plain / (1 - plain) * (1 - measured) / measured
    assert even / (1 - even) == pytest.approx(odds)
    for prior in (0.0, 1.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="prior must be a probability between 0 and 1, got"):
            calibration.probability(0.5, prior=prior)


def test_thresholds_accept_what_they_promise_of_the_measured_pairs(measured):
    calibration, negatives = measured.calibration, measured.pairs.negatives
    for rate in (0.003, 0.01, 0.0123, 0.2, 0.7, 1.0):
        threshold = calibration.threshold(rate)
        assert (negatives >= threshold).mean() <= rate
        # Of a thousand points of the curve, the next one accepts too many.
        assert (negatives >= threshold).mean() >= 0.97 * rate
    for point in calibration.rates:
        assert calibration.threshold(point.rate) == point.threshold


def test_false_alarms_are_never_understated(measured):
    calibration, negatives = measured.calibration, measured.pairs.negatives
    similarities = np.linspace(-0.9, calibration.threshold(0.003), 50)
    found = calibration.false_accept_rate(similarities)
    counted = np.array([(negatives >= similarity).mean() for similarity in similarities])
    assert (found >= counted - 1e-12).all()
    assert (found <= 1.03 * counted + 1e-12).all()
    assert calibration.false_accept_rate(-1.0) == 1
    # Beyond all that was measured nobody knows: the smallest rate that the pairs show.
    assert calibration.false_accept_rate(1.0) == 10 / calibration.counts.different_persons


def test_false_alarms_grow_with_the_gallery(calibration):
    similarity = calibration.threshold(0.01)
    rate = calibration.false_accept_rate(similarity)
    assert calibration.expected_false_alarms(similarity, 2000) == pytest.approx(2000 * rate)
    assert rate == pytest.approx(0.01, rel=0.03)
    assert calibration.expected_false_alarms([similarity, -1.0], 3)[1] == 3
    assert calibration.expected_false_alarms(similarity, 0) == 0
    for size in (-1, math.inf, math.nan, True):
        with pytest.raises(ValueError, match="gallery_size must be a number of tracklets"):
            calibration.expected_false_alarms(similarity, size)


def test_a_verdict_says_everything_and_decides_nothing(calibration):
    verdict = calibration.verdict(0.5, gallery_size=1000)
    assert verdict.probability == calibration.probability(0.5)
    assert verdict.expected_false_alarms == 1000 * verdict.false_accept_rate
    assert str(verdict) == (
        f"similarity 0.500: one person with probability {verdict.probability:.3f}; "
        f"{verdict.false_accept_rate:.2g} of different persons are as similar, "
        f"{verdict.expected_false_alarms:.3g} false alarms expected at most"
    )
    assert "alarms" not in str(calibration.verdict(0.5))


@pytest.mark.parametrize("similarity", [1.1, -1.001, math.nan, math.inf])
def test_what_is_no_cosine_is_refused(calibration, similarity):
    for ask in (calibration.probability, calibration.false_accept_rate, calibration.verdict):
        with pytest.raises(ValueError, match="similarity must be a cosine, from -1 to 1, got"):
            ask(similarity)
    assert calibration.false_accept_rate(1.000001) > 0  # rounding


def test_rates_that_the_pairs_cannot_show_have_no_threshold(calibration):
    with pytest.raises(ValueError, match=r"0.0001 is refused: .* smallest that these allow is"):
        calibration.threshold(1e-4)
    with pytest.raises(ValueError, match="must be above 0 and up to 1, got 0"):
        calibration.threshold(0)
    assert calibration.threshold(calibration.smallest_rate) <= 1


def test_other_features_are_named(calibration):
    assert calibration.mismatches(SOURCE) == []
    other = Source(model="cd34", dataset="MARS", feature="before")
    model, feature = calibration.mismatches(other)
    assert model == (
        "the calibration is of another model: 'ab12', not 'cd34'; its probabilities and rates may "
        "not hold"
    )
    assert "another feature: 'after', not 'before'" in feature
    lines = calibration.mismatches(Source(model="ab12"))
    assert lines[0] == "the features do not say which data set, so nobody knows whether they fit"
    assert len(lines) == 2


def changed(calibration, tmp_path, change) -> str:
    path = tmp_path / "calibration.json"
    calibration.save(path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"calibration.json") as error:
        read_calibration(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(version=2), "is of version 2, which this mmctl does not know"),
        (lambda c: c.update(threshold=0.5), "has the unknown key 'threshold'"),
        (lambda c: c.pop("slope"), "lacks the key 'slope'"),
        (lambda c: c.update(slope="1"), "'slope' must be a finite number, got '1'"),
        (lambda c: c["curve"]["thresholds"].pop(), "curve must have lists of one length"),
        (lambda c: c["curve"].update({k: [] for k in c["curve"]}), "not empty, got [0, 0, 0]"),
        (lambda c: c["curve"]["thresholds"].reverse(), "must be falling cosines"),
        (lambda c: c["curve"]["thresholds"].__setitem__(0, 1.5), "must be falling cosines"),
        (lambda c: c["curve"]["false_accept_rates"].reverse(), "rates from 0 to 1 that never"),
        (lambda c: c["counts"].update(one_person=0), "counts must have a pair of one person"),
        (lambda c: c["counts"].update(different_persons=9), "and 10 of different ones, got"),
        (lambda c: c["counts"].update(junk=-1), "counts must not be negative"),
        (lambda c: c.update(area=1.2), "area must be from 0 to 1, got 1.2"),
        (lambda c: c["equal_error_rate"].update(low=-0.1), "low must be from 0 to 1, got -0.1"),
        (lambda c: c["rates"][0].update(rate=1e-9), "rate 1e-09 is refused"),
        (lambda c: c["bootstrap"].update(replicates=0), "needs 20 replicates or more"),
        (lambda c: c.update(similarity="euclidean"), "similarity must be 'cosine'"),
    ],
)
def test_a_file_that_no_measurement_gives_is_refused(calibration, tmp_path, change, message):
    assert message in changed(calibration, tmp_path, change)


@pytest.mark.parametrize("content", ["[]", "", "{", "null"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"calibration file .*a.json"):
        read_calibration(tmp_path / "a.json")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"b.json"):
        read_calibration(tmp_path / "b.json")


@pytest.mark.parametrize(("replicates", "confidence"), [(19, 0.95), (20, 1.0), (20, math.nan)])
def test_a_bootstrap_that_gives_no_interval_is_refused(replicates, confidence):
    with pytest.raises(ValueError, match="needs 20 replicates or more and a confidence between"):
        Bootstrap(replicates, 0, confidence)
