"""Verification across cameras: which pairs count, how they are measured, what is refused."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from mmctl.evaluation import TrackletFeatures, verify
from mmctl.evaluation.calibration_records import Bootstrap, Source
from mmctl.evaluation.camera_pairs import PairFinder, normalize_rows
from mmctl.evaluation.feature_files import KnownFeatures, read_known_features
from mmctl.evaluation.pair_counts import ComparedTracklets
from tests.references.verification import (
    loop_area,
    loop_equal_error_rate,
    loop_operating_point,
    loop_pairs,
)

QUICK = Bootstrap(replicates=20)


def drawn(
    seed: int = 0, number: int = 90, persons: int = 9, noise: float = 1.0, known: bool = True
) -> KnownFeatures:
    """Draw junk, distractors, persons and, unless all are known, some unknown labels."""
    rng = np.random.default_rng(seed)
    pids, camids = rng.integers(-1, persons, number), rng.integers(1, 5, number)
    centres = rng.normal(size=(persons + 1, 12))
    features = (centres[pids] + noise * rng.normal(size=(number, 12))).astype(np.float32)
    tracklets = TrackletFeatures(
        features=features * rng.uniform(0.1, 9, (number, 1)).astype(np.float32),
        pids=pids,
        camids=camids,
        tracklet_ids=np.arange(number),
        splits=np.where(rng.random(number) < 0.3, "query", "gallery"),
        frame_paths=np.full(number, ""),
    )
    flags = np.ones((2, number), bool) if known else rng.random((2, number)) < 0.8
    return KnownFeatures(tracklets, *flags)


def compared(features: KnownFeatures) -> ComparedTracklets:
    labels = features.tracklets
    flags = features.known_pids, features.known_cameras
    return ComparedTracklets(labels.pids, labels.camids, *flags)


def replace(drawn_ones: KnownFeatures, **fields) -> KnownFeatures:
    tracklets = dataclasses.replace(drawn_ones.tracklets, **fields)
    return KnownFeatures(tracklets, *np.ones((2, len(tracklets.pids)), bool))


def made_of(pids, camids) -> KnownFeatures:
    """Return a few tracklets with random features."""
    number = len(pids)
    features = np.random.default_rng(0).normal(size=(number, 4)).astype(np.float32)
    texts = np.full(number, "gallery"), np.full(number, "")
    labels = np.array(pids), np.array(camids), np.arange(number)
    return KnownFeatures(TrackletFeatures(features, *labels, *texts), *np.ones((2, number), bool))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_pairs_are_those_of_the_loops(seed, known):
    features = drawn(seed, known=known)
    labels = features.tracklets
    flags = (features.known_pids, features.known_cameras)
    positives, negatives = loop_pairs(labels.features, labels.pids, labels.camids, *flags)
    pairs = PairFinder(labels.features, compared(features)).find()
    assert np.allclose(np.sort(pairs.positives), sorted(positives), atol=1e-6)
    assert np.allclose(np.sort(pairs.negatives), sorted(negatives), atol=1e-6)
    assert pairs.counts.one_person == len(positives)
    assert pairs.counts.different_persons == len(negatives)
    assert pairs.exact_rate == 1
    assert set(pairs.positive_weights) == set(pairs.negative_weights) == {1}


def test_everything_that_is_left_out_is_counted():
    #      person 1 in two cameras, person 2, junk, three distractors, two unknown ones
    pids = np.array([1, 1, 1, 2, -1, 0, 0, 0, 5, 2])
    camids = np.array([1, 1, 2, 2, 1, 1, 2, 2, 1, 0])
    known_pids, known_cameras = np.ones((2, 10), bool)
    known_pids[8], known_cameras[9] = False, False
    counts = ComparedTracklets(pids, camids, known_pids, known_cameras).counts
    assert counts.tracklets == 7
    assert (counts.junk, counts.unknown_persons, counts.unknown_cameras) == (1, 1, 1)
    assert (counts.distractors, counts.persons) == (3, 1)
    # Camera 1: pids 1, 1, 0; camera 2: pids 1, 2, 0, 0. Across: 12 pairs.
    assert counts.same_camera == 3 + 6
    assert counts.two_distractors == 2
    assert counts.one_person == 2
    assert counts.different_persons == 12 - 2 - 2


def test_a_distractor_is_a_unit_of_its_own_and_a_person_is_one():
    features = drawn(2)
    found = compared(features)
    assert len(np.unique(found.units[found.pids == 0])) == (found.pids == 0).sum() > 1
    for pid in range(1, 9):
        assert len(np.unique(found.units[found.pids == pid])) == 1
    pairs = PairFinder(features.tracklets.features, found).find()
    assert pairs.num_units == len(np.unique(found.units))
    assert (pairs.negative_units[:, 0] != pairs.negative_units[:, 1]).all()


@pytest.mark.parametrize("seed", [0, 3])
def test_every_number_is_that_of_the_loops(seed):
    features = drawn(seed, number=70, persons=5)
    labels = features.tracklets
    found = verify(features, rates=[0.02, 0.1], bootstrap=QUICK)
    pairs = [values.tolist() for values in (found.pairs.positives, found.pairs.negatives)]
    calibration = found.calibration
    assert calibration.area == pytest.approx(loop_area(*pairs), abs=1e-9)
    assert calibration.equal_error_rate.value == pytest.approx(loop_equal_error_rate(*pairs))
    assert [point.rate for point in calibration.rates] == [0.1, 0.02]
    for point in calibration.rates:
        threshold, false, true = loop_operating_point(point.rate, *pairs)
        assert point.threshold == pytest.approx(threshold, abs=1e-7)
        assert point.false_accept_rate == pytest.approx(false)
        assert point.true_accept_rate.value == pytest.approx(true)
    expected = loop_pairs(labels.features, labels.pids, labels.camids)
    assert calibration.area == pytest.approx(loop_area(*expected), abs=1e-3)


def test_length_order_and_names_of_cameras_and_persons_change_nothing():
    features = drawn(4)
    labels, rng = features.tracklets, np.random.default_rng(0)
    first = verify(features, rates=[0.05], bootstrap=QUICK).calibration
    order = rng.permutation(len(labels.pids))
    names = np.array([0, *(rng.permutation(8) * 7 + 3), -1])  # of 0 .. 8, and -1
    moved = replace(
        features,
        features=4 * labels.features[order],
        pids=names[labels.pids][order],
        camids=np.array([0, 9, 2, 30, 4])[labels.camids][order],
    )
    second = verify(moved, rates=[0.05], bootstrap=QUICK).calibration
    assert second.counts == first.counts
    assert second.area == pytest.approx(first.area, abs=1e-6)
    assert second.rates[0].threshold == pytest.approx(first.rates[0].threshold, abs=1e-6)
    assert second.slope == pytest.approx(first.slope, rel=1e-4)


def test_of_many_pairs_low_rates_stay_exact_and_the_rest_is_estimated():
    features = drawn(5, number=400, persons=30)
    whole = verify(features, rates=[0.001, 0.01, 0.3], bootstrap=QUICK)
    part = verify(features, rates=[0.001, 0.01, 0.3], bootstrap=QUICK, max_pairs=4000)
    number = whole.calibration.counts.different_persons
    assert len(whole.pairs.negatives) == number > 40_000
    assert len(part.pairs.negatives) < 4500
    assert part.calibration.counts == whole.calibration.counts
    assert 0.02 < part.calibration.exact_rate <= 2000 / number
    assert part.pairs.negative_weights.sum() == pytest.approx(number, rel=1e-4)
    for exact, found in zip(whole.calibration.rates[1:], part.calibration.rates[1:], strict=True):
        assert found.threshold == exact.threshold
        assert found.true_accept_rate.value == exact.true_accept_rate.value
        assert found.false_accept_rate == pytest.approx(exact.false_accept_rate, rel=1e-5)
    assert part.calibration.area == pytest.approx(whole.calibration.area, abs=0.01)
    wide = part.calibration.rates[0].true_accept_rate.value
    assert wide == pytest.approx(whole.calibration.rates[0].true_accept_rate.value, abs=0.03)


def test_too_many_pairs_of_one_person_are_drawn_from_too():
    features = drawn(6, number=300, persons=2)
    part = PairFinder(features.tracklets.features, compared(features), 1000).find()
    assert 800 < len(part.positives) < 1200 < part.counts.one_person
    assert part.positive_weights.sum() == pytest.approx(part.counts.one_person, rel=1e-4)


def test_pairs_that_are_all_alike_do_not_fill_the_memory():
    features = drawn(6, number=300, persons=20)
    same = replace(features, features=np.ones((300, 4), np.float32))
    part = PairFinder(same.tracklets.features, compared(same), 1000).find()
    assert len(part.negatives) < 1200
    assert part.exact_rate == 0


def test_work_is_reported_up_to_all_of_it():
    told = []
    verify(drawn(), bootstrap=QUICK, report=lambda done, total: told.append((done, total)))
    done, totals = zip(*told, strict=True)
    assert list(done) == sorted(done)
    assert set(totals) == {done[-1]}


# Intervals


def test_intervals_are_those_of_persons_drawn_with_replacement():
    features = drawn(7, number=40, persons=6)
    found = verify(features, rates=[0.1], bootstrap=Bootstrap(replicates=20, seed=3))
    pairs = found.pairs
    rng, rates, errors = np.random.default_rng(3), [], []
    for _ in range(20):
        times = np.bincount(rng.integers(pairs.num_units, size=pairs.num_units), minlength=99)
        both = times[pairs.negative_units[:, 0]] * times[pairs.negative_units[:, 1]]
        positives = np.repeat(pairs.positives, times[pairs.positive_units]).tolist()
        negatives = np.repeat(pairs.negatives, both).tolist()
        point = loop_operating_point(0.1, positives, negatives)
        rates.append(0.0 if point is None else point[2])
        errors.append(loop_equal_error_rate(positives, negatives))
    accepted, error = found.calibration.rates[0].true_accept_rate, found.calibration
    assert (accepted.low, accepted.high) == pytest.approx(np.quantile(rates, [0.025, 0.975]))
    found_error = error.equal_error_rate
    assert (found_error.low, found_error.high) == pytest.approx(np.quantile(errors, [0.025, 0.975]))


def test_the_seed_decides_the_intervals_and_nothing_else():
    one, same, other = (
        verify(drawn(), bootstrap=Bootstrap(replicates=20, seed=seed)).calibration
        for seed in (1, 1, 2)
    )
    assert one == same
    assert other.equal_error_rate != one.equal_error_rate
    assert other.equal_error_rate.value == one.equal_error_rate.value
    assert other.slope == one.slope


def test_intervals_of_more_persons_are_narrower():
    few, many = (
        verify(drawn(8, number, persons), rates=[0.1], bootstrap=Bootstrap(100)).calibration
        for number, persons in ((80, 10), (640, 80))
    )
    widths = [c.equal_error_rate.high - c.equal_error_rate.low for c in (few, many)]
    assert widths[1] < 0.6 * widths[0]


def test_two_persons_are_drawn_until_somebody_can_be_mistaken():
    features = made_of([1, 1, 1, 1, 2, 2, 2, 2, 2, 2], [1, 2, 3, 4, 1, 2, 3, 4, 5, 6])
    found = verify(features, bootstrap=QUICK)
    assert found.calibration.refused == [0.01, 0.001, 0.0001]
    assert "only 2 persons are seen by two cameras" in found.oddities[0]


# What is refused, and what is warned of


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


def test_a_row_of_zeros_is_unlike_everything():
    rows = normalize_rows(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]


@pytest.mark.parametrize("apart", [False, True])
def test_unknown_labels_of_files_are_read(tmp_path, apart):
    features = drawn(known=False)
    arrays = vars(features.tracklets) | {
        "known_pids": features.known_pids,
        "known_cameras": features.known_cameras,
    }
    if not apart:
        np.savez(tmp_path / "all.npz", **arrays)
        found = read_known_features(tmp_path / "all.npz")
        assert np.array_equal(found.known_pids, features.known_pids)
        assert np.array_equal(found.known_cameras, features.known_cameras)
        return
    del arrays["splits"]
    np.savez(tmp_path / "query.npz", **{name: values[:30] for name, values in arrays.items()})
    # The gallery holds two of the queries, too, which are taken out.
    np.savez(tmp_path / "gallery.npz", **{name: values[28:] for name, values in arrays.items()})
    found = read_known_features(tmp_path / "query.npz", tmp_path / "gallery.npz")
    assert np.array_equal(found.tracklets.pids, features.tracklets.pids)
    assert np.array_equal(found.known_pids, features.known_pids)


def test_known_labels_that_are_no_truth_values_are_refused(tmp_path):
    features = drawn()
    wrong = {"known_pids": features.known_pids.astype(int)}
    np.savez(tmp_path / "a.npz", **vars(features.tracklets), **wrong)
    with pytest.raises(ValueError, match=r"a.npz: known_pids must be truth values \(90,\), got"):
        read_known_features(tmp_path / "a.npz")


def test_nothing_of_it_needs_torch(tmp_path):
    drawn().tracklets.save(tmp_path / "features.npz")
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from mmctl.evaluation import read_calibration, read_features, verify\n"
        "from mmctl.evaluation.calibration_records import Bootstrap\n"
        "from mmctl.evaluation.feature_files import read_known_features\n"
        f"found = verify(read_known_features({str(tmp_path / 'features.npz')!r}),"
        " bootstrap=Bootstrap(20))\n"
        f"found.calibration.save({str(tmp_path / 'c.json')!r})\n"
        f"print(read_calibration({str(tmp_path / 'c.json')!r}).verdict(0.5, 100))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "similarity 0.500: one person with probability 0." in run.stdout
