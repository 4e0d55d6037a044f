"""Feature files that do not fit, lie or cannot be read: named in one line."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from mmctl.evaluation import TrackletFeatures, read_features
from mmctl.evaluation.tracklet_features import recorded_setting
from tests.test_evaluation.drawn_split import drawn_tracklets
from tests.test_evaluation.feature_arrays import halves, save_two_splits


@pytest.fixture
def tracklets():
    return drawn_tracklets()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query_pids": None}, r"lacks query_pids, it has the arrays \['gallery_camids'"),
        ({"query_pids": np.ones(3)}, r"query_pids must have one entry per row of features, \d+, "),
        ({"gallery_camids": np.full(57, 1.5)}, "must have one entry|must be whole numbers"),
        ({"query_features": np.ones((2, 2, 2))}, "query_features must be a matrix"),
        ({"gallery_features": np.ones((57, 6), int)}, "gallery_features must be a matrix"),
        ({"query_features": np.ones((4, 0))}, r"at least one of each, got float64 \(4, 0\)"),
    ],
)
def test_arrays_that_do_not_fit_are_named(change, message, tracklets, tmp_path):
    path = save_two_splits(tmp_path / "two.npz", *halves(tracklets))
    with np.load(path) as file:
        arrays = {**file} | change
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(ValueError, match=message) as error:
        read_features(path)
    assert "two.npz" in str(error.value)


def test_whole_numbers_are_wanted_as_labels(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    query["camids"] = query["camids"] + 0.5
    with pytest.raises(ValueError, match=r"query_camids must be whole .*got \d\.5 in row 0"):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


@pytest.mark.parametrize(
    ("field", "value", "dtype", "said"),
    [
        ("pids", np.inf, np.float64, "inf"),
        ("pids", np.nan, np.float64, "nan"),
        ("pids", 1e300, np.float64, r"1e\+300"),
        ("pids", 2.0**63, np.float32, r"9\.2.*e\+18"),
        ("pids", 2**64 - 1, np.uint64, "18446744073709551615"),
        ("pids", -2, np.int64, "-2"),
        ("camids", -1, np.int16, "-1"),
        ("camids", -np.inf, np.float64, "-inf"),
        ("camids", 2**63, np.uint64, "9223372036854775808"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_label_that_no_data_set_has_is_named(field, value, dtype, said, tracklets, tmp_path):
    query, gallery = halves(tracklets)
    gallery[field] = np.abs(gallery[field]).astype(dtype)
    gallery[field][3] = value
    message = rf"two\.npz: gallery_{field} must be whole numbers, .* or more .*got {said} in row 3"
    with pytest.raises(ValueError, match=message):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


def test_a_feature_that_is_not_finite_is_named_by_its_row(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    gallery["features"][4, 2] = np.nan
    with pytest.raises(ValueError, match=r"gallery_features must be finite .*got nan in row 4"):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


@pytest.mark.parametrize("value", [1e300, 1e25, 1e19])
@pytest.mark.filterwarnings("error")
def test_a_feature_whose_square_overflows_is_named_by_its_row(value, tracklets, tmp_path):
    query, gallery = halves(tracklets)
    query["features"] = query["features"].astype(np.float64)
    query["features"][2, 1] = -value
    message = rf"two\.npz: query_features must be finite .*got -{value:g} in row 2".replace(
        "+", r"\+"
    )
    with pytest.raises(ValueError, match=message):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"frame_paths": np.full(5, "a.jpg")}, r"frame_paths must have one entry .* got \(5,\)"),
        ({"frame_paths": np.arange(80)}, "frame_paths must be text for each tracklet, got int64"),
        ({"tracklet_ids": np.full(80, "7")}, "tracklet_ids must be whole numbers, got <U1"),
        ({"tracklet_ids": np.arange(7)}, "tracklet_ids must have one entry .*"),
        ({"splits": np.ones(80)}, "splits must be text for each tracklet, got float64"),
    ],
)
def test_further_arrays_that_do_not_fit_are_named(extra, message, tracklets, tmp_path):
    arrays = {name: getattr(tracklets, name) for name in ("features", "pids", "camids", "splits")}
    np.savez(tmp_path / "one.npz", **(arrays | extra))
    with pytest.raises(ValueError, match=rf"one\.npz: {message}"):
        read_features(tmp_path / "one.npz")


@pytest.mark.parametrize("name", ["query_f", "query_label"])
def test_a_sparse_array_of_matlab_is_named(name, tracklets, tmp_path):
    query, gallery = halves(tracklets)
    arrays = {
        f"{split}_{short}": np.atleast_2d(part[field]).astype(float)
        for split, part in (("query", query), ("gallery", gallery))
        for field, short in (("features", "f"), ("pids", "label"), ("camids", "cam"))
    }
    savemat(tmp_path / "result.mat", arrays | {name: csc_matrix(arrays[name])})
    with pytest.raises(
        ValueError, match=rf"result\.mat .*{name}' must be a full array.*sparse.*full\({name}\)"
    ):
        read_features(tmp_path / "result.mat")


def test_different_widths_are_named(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    query["features"] = query["features"][:, :5]
    with pytest.raises(ValueError, match=r"features of one width, got \[5, 6\]"):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


def test_a_file_without_splits_says_what_files_may_hold(tracklets, tmp_path):
    np.savez(tmp_path / "one.npz", features=tracklets.features)
    with pytest.raises(ValueError, match=r"must say which tracklets are queries.*query_label"):
        read_features(tmp_path / "one.npz")


def test_splits_that_are_none_are_named(tracklets, tmp_path):
    arrays = {name: getattr(tracklets, name) for name in ("features", "pids", "camids")}
    splits = np.where(tracklets.splits == "query", "probe", "gallery")
    np.savez(tmp_path / "one.npz", **arrays, splits=splits)
    with pytest.raises(ValueError, match=r"splits must be 'query' or 'gallery' .*'probe' among"):
        read_features(tmp_path / "one.npz")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz does not exist"):
        read_features(tmp_path / "none.npz")
    (tmp_path / "features.pkl").write_bytes(b"")
    with pytest.raises(ValueError, match=r"must end in \.npz or \.mat, got .*features\.pkl"):
        read_features(tmp_path / "features.pkl")
    for name in ("broken.npz", "broken.mat"):
        (tmp_path / name).write_bytes(b"no archive")
        with pytest.raises(ValueError, match=rf"feature file .*{name} is not a (whole|readable)"):
            read_features(tmp_path / name)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "objects.npz", features=np.array([{}], dtype=object))
    with pytest.raises(
        ValueError, match=r"objects\.npz is not a whole .* numbers or text, got object"
    ):
        read_features(tmp_path / "objects.npz")


@pytest.mark.parametrize("name", ["splits", "frame_paths"])
def test_texts_of_bytes_that_are_no_characters_are_named(name, tracklets, tmp_path):
    arrays = {key: getattr(tracklets, key) for key in ("features", "pids", "camids", "splits")}
    wrong = np.frombuffer(b"\xff\xff\xff\x7f" * 80, "<U1")
    np.savez(tmp_path / "one.npz", **(arrays | {name: wrong}))
    with pytest.raises(
        ValueError, match=rf"one\.npz: {name} must be text for .*0x7fffffff.*no character"
    ):
        read_features(tmp_path / "one.npz")


@pytest.mark.parametrize("name", ["features.npz", "features.mat"])
def test_a_named_pipe_is_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{re.escape(name)} must be a regular file"):
        read_features(tmp_path / name)
    if name.endswith(".npz"):
        with pytest.raises(ValueError, match="must be a regular file"):
            recorded_setting(tmp_path / name, "protocol", "none")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array(["a", "b"]), r"protocol must be one text, got <U1 \(2,\)"),
        (np.array(3), "protocol must be text .*, got int64"),
        (np.array("official"), r"protocol must be one of \('one', 'two'\), got 'official'"),
        (np.array({}), "must hold numbers or text, got object"),
    ],
)
def test_a_recorded_setting_that_is_none_is_named(value, message, tmp_path):
    np.savez(tmp_path / "own.npz", protocol=value)
    with pytest.raises(ValueError, match=rf"feature file .*own\.npz.*{message}"):
        recorded_setting(tmp_path / "own.npz", "protocol", "one", ("one", "two"))


@pytest.mark.parametrize(("field", "value"), [("pids", 1.5), ("splits", "probe"), ("camids", -1)])
def test_what_the_metric_never_writes_is_refused_by_load(field, value, tracklets, tmp_path):
    names = ("features", "pids", "camids", "tracklet_ids", "splits", "frame_paths")
    arrays = {name: getattr(tracklets, name) for name in names}
    np.savez(tmp_path / "own.npz", **(arrays | {field: np.full(80, value)}))
    with pytest.raises(ValueError, match=rf"own\.npz: {field} must be"):
        TrackletFeatures.load(tmp_path / "own.npz")
