import os

import numpy as np
import pytest
from scipy.io import savemat

from mmctl.evaluation import PROTOCOLS, TrackletFeatures, read_features
from tests.test_evaluation.drawn_split import drawn_tracklets
from tests.test_evaluation.feature_arrays import halves, save_two_splits


def numbers(tracklets):
    # Query and gallery apart: another order, so ties aside the same numbers.
    return [
        tracklets.evaluate(protocol, distance="cosine").ranking.mean_average_precision
        for protocol in PROTOCOLS
    ]


@pytest.fixture
def tracklets():
    return drawn_tracklets()


def test_our_own_file_comes_back_whole(tracklets, tmp_path):
    tracklets.save(tmp_path / "own.npz")
    again = read_features(tmp_path / "own.npz")
    for name in ("features", "pids", "camids", "tracklet_ids", "splits", "frame_paths"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tracklets, name))


def test_a_plain_file_with_splits_needs_no_more(tracklets, tmp_path):
    np.savez(
        tmp_path / "plain.npz",
        features=tracklets.features.astype(np.float64),
        pids=tracklets.pids,
        camids=tracklets.camids.astype(np.uint8),
        splits=tracklets.splits,
    )
    again = read_features(tmp_path / "plain.npz")
    assert again.features.dtype == np.float32
    assert numbers(again) == numbers(tracklets)


def test_query_and_gallery_arrays_are_joined(tracklets, tmp_path):
    again = read_features(save_two_splits(tmp_path / "two.npz", *halves(tracklets)))
    assert numbers(again) == pytest.approx(numbers(tracklets), abs=1e-12)


def test_two_files_are_joined(tracklets, tmp_path):
    for name, part in zip(("q", "g"), halves(tracklets), strict=True):
        np.savez(tmp_path / f"{name}.npz", **part)
    again = read_features(tmp_path / "q.npz", tmp_path / "g.npz")
    assert numbers(again) == pytest.approx(numbers(tracklets), abs=1e-12)


def test_a_matlab_file_of_the_usual_names_is_read(tracklets, tmp_path):
    names = {"features": "f", "pids": "label", "camids": "cam"}
    arrays = {
        f"{split}_{names[name]}": values
        for split, part in zip(("query", "gallery"), halves(tracklets), strict=True)
        for name, values in part.items()
    }
    savemat(tmp_path / "result.mat", arrays)
    again = read_features(tmp_path / "result.mat")
    assert numbers(again) == pytest.approx(numbers(tracklets), abs=1e-12)


def test_queries_in_the_gallery_s_array_count_once(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    both = {name: np.concatenate([gallery[name], query[name]]) for name in query}
    again = read_features(save_two_splits(tmp_path / "in.npz", query, both))
    assert len(again.pids) == len(tracklets.pids)
    assert numbers(again) == pytest.approx(numbers(tracklets), abs=1e-12)


def test_a_repetition_of_a_query_by_another_camera_stays(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    gallery["features"][0] = query["features"][0]
    gallery["pids"][0], gallery["camids"][0] = query["pids"][0], query["camids"][0] + 1
    again = read_features(save_two_splits(tmp_path / "two.npz", query, gallery))
    assert len(again.pids) == len(tracklets.pids)


def test_the_largest_label_and_junk_are_kept(tracklets, tmp_path):
    largest = np.iinfo(np.int64).max
    tracklets.pids[:2] = -1, largest
    tracklets.save(tmp_path / "own.npz")
    assert read_features(tmp_path / "own.npz").pids[:2].tolist() == [-1, largest]


def test_features_of_another_byte_order_are_read(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    query["features"] = query["features"].astype(">f4")
    gallery["features"] = gallery["features"].astype(">f8")
    again = read_features(save_two_splits(tmp_path / "two.npz", query, gallery))
    assert numbers(again) == pytest.approx(numbers(tracklets), abs=1e-12)


def test_it_takes_what_the_metric_dumps(tmp_path):
    tracklets = drawn_tracklets()
    evaluation = tracklets.evaluate(PROTOCOLS[0], distance="cosine")
    tracklets.save(tmp_path / "dump.npz", evaluation, {"dataset": "MARS"})
    assert isinstance(read_features(tmp_path / "dump.npz"), TrackletFeatures)
    with np.load(tmp_path / "dump.npz") as file:
        assert str(file["dataset"]) == "MARS"
        matches = file["num_matches"]
        assert ((matches >= 0) == (file["splits"] == "query")).all()
        assert ((matches > 0) == (file["first_match"] >= 0)).all()


def test_ids_and_paths_that_a_file_lacks_are_unknown(tracklets, tmp_path):
    names = ("features", "pids", "camids", "splits")
    np.savez(tmp_path / "one.npz", **{name: getattr(tracklets, name) for name in names})
    again = read_features(tmp_path / "one.npz")
    assert set(again.tracklet_ids) == {-1}
    assert set(again.frame_paths) == {""}


def test_what_else_a_file_holds_is_not_looked_at(tracklets, tmp_path):
    arrays = {name: getattr(tracklets, name) for name in ("features", "pids", "camids", "splits")}
    others = {"query_names": np.array([{}], dtype=object), "config": np.array(None)}
    np.savez(tmp_path / "one.npz", **arrays, **others)
    assert numbers(read_features(tmp_path / "one.npz")) == numbers(tracklets)


def test_a_saved_file_has_the_rights_that_the_user_s_mask_leaves(tracklets, tmp_path):
    before = os.umask(0o077)
    try:
        tracklets.save(tmp_path / "own.npz")
    finally:
        os.umask(before)
    assert (tmp_path / "own.npz").stat().st_mode & 0o777 == 0o600
