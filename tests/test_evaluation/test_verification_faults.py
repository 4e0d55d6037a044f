"""Data and rates that cannot be measured are refused, doubtful ones warned of."""

from __future__ import annotations

import numpy as np
import pytest

from mmctl.evaluation import verify
from mmctl.evaluation.calibration_records import Source
from mmctl.evaluation.camera_pairs import normalize_rows
from mmctl.evaluation.feature_files import KnownFeatures
from tests.test_evaluation.verified_tracklets import QUICK, compared, drawn, made_of, replace


def alike(features: KnownFeatures) -> KnownFeatures:
    return replace(features, features=np.ones_like(features.tracklets.features))


def broken(features: KnownFeatures, value: float) -> KnownFeatures:
    values = features.tracklets.features.copy()
    values[np.flatnonzero(features.tracklets.pids > 0)[3], 2] = value
    return replace(features, features=values)


def relabel(features: KnownFeatures, **labels) -> KnownFeatures:
    return replace(features, **{k: v(getattr(features.tracklets, k)) for k, v in labels.items()})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda f: relabel(f, camids=np.ones_like),
            "different cameras and needs at least two, got",
        ),
        (
            lambda f: relabel(f, pids=np.ones_like),
            r"needs different persons in different cameras, got only one person \(pid 1\) among 90",
        ),
        (
            lambda f: relabel(f, pids=lambda p: np.arange(1, len(p) + 1)),
            "needs a person with tracklets from two cameras, got none of 90 among 90 tracklets",
        ),
        (
            lambda f: relabel(f, pids=np.zeros_like),
            "needs a person with tracklets from two cameras",
        ),
        (
            lambda f: relabel(f, pids=lambda p: np.full_like(p, -1)),
            r"needs at least two, got 0 among 0 tracklets \(90 left out\)",
        ),
        (
            lambda f: broken(f, np.nan),
            r"features must be finite .* got nan in row \d+",
        ),
        (lambda f: broken(f, np.inf), "features must be finite to be compared, got inf in row"),
        (alike, "needs scores that differ, because equal ones say nothing about a pair, got 1"),
    ],
    ids=["one camera", "one pid", "nobody twice", "distractors", "junk", "NaN", "inf", "alike"],
)
def test_data_that_cannot_be_measured_are_refused(change, message):
    with pytest.raises(ValueError, match=message) as error:
        verify(change(drawn()), bootstrap=QUICK)
    assert "\n" not in str(error.value)


def test_a_handful_of_pairs_is_refused():
    features = made_of([1, 1, 2, 3], [1, 2, 1, 2])
    with pytest.raises(ValueError, match=r"10 pairs of different persons .* got 3"):
        verify(features, bootstrap=QUICK)


def test_a_rate_of_fewer_than_ten_false_accepts_is_refused_with_the_smallest():
    features = drawn()
    number = compared(features).counts.different_persons
    verify(features, rates=[10 / number], bootstrap=QUICK)
    rate = 9.9 / number
    message = (
        f"false accept rate {rate:g} is refused: it needs 10 false accepts and so .* pairs of "
        f"different persons, got {number:,}; the smallest that these allow is {10 / number:.2g}"
    )
    with pytest.raises(ValueError, match=message):
        verify(features, rates=[0.1, rate], bootstrap=QUICK)
    calibration = verify(features, bootstrap=QUICK).calibration
    assert [point.rate for point in calibration.rates] == [0.01]
    assert calibration.refused == [0.001, 0.0001]


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.5, float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="a false accept rate must be above 0 and up to 1, got"):
        verify(drawn(), rates=[rate], bootstrap=QUICK)


def test_labels_of_other_features_are_warned_of():
    features = drawn(number=400, persons=40, noise=0.2)
    turned = replace(features, features=-features.tracklets.features)
    assert not any("slope" in line for line in verify(turned, bootstrap=QUICK).oddities)
    labels = features.tracklets.pids
    values = np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)
    # Pairs of one person point apart.
    values[1::2] = -values[::2]
    order = np.argsort(labels, kind="stable")
    found = verify(replace(features, features=values[np.argsort(order)]), bootstrap=QUICK)
    assert any("no more similar than others" in line for line in found.oddities)


def test_features_that_point_one_way_are_warned_of():
    features = drawn(number=400, persons=40)
    narrow = replace(features, features=normalize_rows(features.tracklets.features) + 2)
    (line,) = verify(narrow, Source("a", "b", "before"), bootstrap=QUICK).oddities
    assert "the features all point one way, as those before a neck do" in line
    assert verify(features, Source("a", "b", "after"), bootstrap=QUICK).oddities == ()


def test_what_the_features_do_not_say_is_warned_of():
    source = Source(model="ab", feature="after")
    (line,) = verify(drawn(number=400, persons=40), source, bootstrap=QUICK).oddities
    assert line.startswith("the features do not say their data set,")
