import numpy as np
import pytest
from scipy.io import savemat

from mmctl.evaluation import PROTOCOLS, TrackletFeatures, read_features
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
        ({"query_pids": np.ones(3)}, r"query pids must have one entry per row of features, \d+, "),
        ({"gallery_camids": np.full(57, 1.5)}, "must have one entry|must be whole numbers"),
        ({"query_features": np.ones((2, 2, 2))}, "query features must be a matrix"),
        ({"gallery_features": np.ones((57, 6), int)}, "gallery features must be a matrix"),
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
    with pytest.raises(ValueError, match="query camids must be whole numbers, got float64"):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


def test_a_feature_that_is_not_finite_is_named_by_its_row(tracklets, tmp_path):
    query, gallery = halves(tracklets)
    gallery["features"][4, 2] = np.nan
    with pytest.raises(ValueError, match=r"features must be finite .* row 4 of gallery is not"):
        read_features(save_two_splits(tmp_path / "two.npz", query, gallery))


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
        with pytest.raises(ValueError, match=rf"{name} cannot be read as a feature file"):
            read_features(tmp_path / name)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "objects.npz", features=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"objects\.npz cannot be read as a feature file"):
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
