import os
import re

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from mmctl.evaluation import PROTOCOLS, TrackletFeatures, read_features
from mmctl.evaluation.tracklet_features import recorded_setting
from tests.test_evaluation.drawn_split import drawn_tracklets


def halves(tracklets):
    """Return the arrays of the queries and of the others."""
    is_query = tracklets.splits == "query"
    return [
        {name: getattr(tracklets, name)[rows] for name in ("features", "pids", "camids")}
        for rows in (is_query, ~is_query)
    ]


def save_two_splits(path, query, gallery):
    arrays = {
        f"{split}_{name}": values
        for split, part in (("query", query), ("gallery", gallery))
        for name, values in part.items()
    }
    np.savez(path, **arrays)
    return path


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


def test_the_largest_label_and_junk_are_kept(tracklets, tmp_path):
    largest = np.iinfo(np.int64).max
    tracklets.pids[:2] = -1, largest
    tracklets.save(tmp_path / "own.npz")
    assert read_features(tmp_path / "own.npz").pids[:2].tolist() == [-1, largest]


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


def test_features_of_another_byte_order_are_read(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    query["features"] = query["features"].astype(">f4")
    gallery["features"] = gallery["features"].astype(">f8")
    again = read_features(save_two_splits(tmp_path / "two.npz", query, gallery))
    assert numbers(again) == pytest.approx(numbers(tracklets), abs=1e-12)


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


def test_a_saved_file_has_the_rights_that_the_user_s_mask_leaves(tracklets, tmp_path):
    before = os.umask(0o077)
    try:
        tracklets.save(tmp_path / "own.npz")
    finally:
        os.umask(before)
    assert (tmp_path / "own.npz").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("field", "value"), [("pids", 1.5), ("splits", "probe"), ("camids", -1)])
def test_what_the_metric_never_writes_is_refused_by_load(field, value, tracklets, tmp_path):
    names = ("features", "pids", "camids", "tracklet_ids", "splits", "frame_paths")
    arrays = {name: getattr(tracklets, name) for name in names}
    np.savez(tmp_path / "own.npz", **(arrays | {field: np.full(80, value)}))
    with pytest.raises(ValueError, match=rf"own\.npz: {field} must be"):
        TrackletFeatures.load(tmp_path / "own.npz")
