"""The table of features: what is unknown stays unknown, and tools of features read it."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from mmctl.evaluation import TrackletFeatures, rank_across_cameras, read_features
from mmctl.evaluation.tracklet_table import COLUMNS, TrackletTable, number_unknown

KNOWN = {
    "feature": np.array([1, 0], np.float32),
    **{"feature_norm": 2.5, "num_frames": 3, "dropped": {"quality": 2}, "quality": 0.25},
    **{"name": "a", "frame_path": "a/1.jpg", "camera": 4, "pid": 7, "split": "query"},
    **{"video": "c4.mp4", "track": 9, "first_frame": 10, "last_frame": 20},
    **{"first_time": 0.4, "last_time": 0.8, "start": "2024-05-31T12:30:00Z"},
}
UNKNOWN = {
    "feature": np.array([0, 1], np.float32),
    **{"feature_norm": 1.0, "num_frames": 1, "dropped": {}, "quality": None},
    **{"name": "b", "frame_path": "frame 0 of b"},
}


@pytest.fixture
def table():
    return TrackletTable.from_predictions([KNOWN, UNKNOWN])


def test_unknown_cells_are_empty(table):
    rows = list(csv.reader(table.to_csv().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert dict(zip(COLUMNS, rows[1], strict=True)) == {
        **{"tracklet_id": "0", "camera": "4", "video": "c4.mp4", "track": "9"},
        **{"first_frame": "10", "last_frame": "20", "first_time": "0.400", "last_time": "0.800"},
        **{"start": "2024-05-31T12:30:00Z", "pid": "7", "split": "query", "frames": "3"},
        **{"left_out": "2", "quality": "0.2500", "norm": "2.5", "name": "a"},
        "frame_path": "a/1.jpg",
    }
    known = {key for key, cell in zip(COLUMNS, rows[2], strict=True) if cell}
    assert known == {"tracklet_id", "frames", "left_out", "norm", "name", "frame_path"}


def test_it_is_saved_and_read_and_a_feature_file_for_every_tool(table, tmp_path):
    table.save(tmp_path / "a", {"model": "abc"})
    loaded = TrackletTable.load(tmp_path / "a" / "features.npz")
    assert loaded.to_csv() == table.to_csv() == (tmp_path / "a" / "tracks.csv").read_text()
    features = read_features(tmp_path / "a" / "features.npz")
    assert isinstance(features, TrackletFeatures)
    assert features.pids.tolist() == [7, 8]
    assert features.splits.tolist() == ["query", "gallery"]
    assert rank_across_cameras(features).nearest[:, 0].tolist() == [1, 0]


def test_joined_tables_count_their_rows_and_strangers_anew(table):
    joined = TrackletTable.join([table, table, table])
    assert joined.tracklet_ids.tolist() == list(range(6))
    assert joined.pids.tolist() == [7, 8, 7, 9, 7, 10]
    assert joined.known_pids.tolist() == [True, False] * 3


def test_strangers_are_nobody_who_is_known():
    known = np.array([True, False, True, False])
    assert number_unknown(np.array([-1, 5, 3, 5]), known).tolist() == [-1, 4, 3, 5]
    assert number_unknown(np.array([-1]), np.array([False])).tolist() == [1]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("videos", np.array([1, 2]), r"videos must be texts \(2,\), got int64"),
        ("times", np.zeros(2), r"times must be floats \(2, 2\), got float64 \(2,\)"),
        ("known_pids", np.ones(3, bool), r"known_pids must be truth values \(2,\)"),
        ("features", np.ones((3, 2), np.float32), "one entry per row of features, 3"),
        ("tracks", np.array(5), r"tracks must be whole numbers"),
    ],
)
def test_a_column_of_another_kind_is_refused(table, tmp_path, name, values, message):
    np.savez(tmp_path / "x.npz", **(table.arrays() | {name: values}))
    with pytest.raises(ValueError, match=message):
        TrackletTable.load(tmp_path / "x.npz")


def test_another_file_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", features=np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"must be a table of tracklets .* lacks pids"):
        TrackletTable.load(tmp_path / "x.npz")
