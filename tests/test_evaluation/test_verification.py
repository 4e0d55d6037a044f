"""Verification across cameras: which pairs count, and how they are measured."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mmctl.evaluation import verify
from mmctl.evaluation.calibration_records import Bootstrap
from mmctl.evaluation.camera_pairs import PairFinder, normalize_rows
from mmctl.evaluation.feature_files import read_known_features
from mmctl.evaluation.pair_counts import ComparedTracklets
from tests.references.verification import (
    loop_area,
    loop_equal_error_rate,
    loop_operating_point,
    loop_pairs,
)
from tests.test_evaluation.verified_tracklets import QUICK, compared, drawn, made_of, replace


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
