"""Nearest tracklets of other cameras, against a slow loop and by hand."""

import csv

import numpy as np
import pytest

from mmctl.evaluation import TrackletFeatures, rank_across_cameras, read_features
from mmctl.evaluation.across_cameras import COLUMNS, write_neighbours
from tests.test_evaluation.drawn_split import drawn_tracklets


def at_angles(angles, camids, pids=None):
    count = len(angles)
    return TrackletFeatures(
        features=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        pids=np.arange(1, count + 1) if pids is None else np.array(pids),
        camids=np.array(camids),
        tracklet_ids=np.full(count, -1),
        splits=np.full(count, "query"),
        frame_paths=np.array([f"{index}, of all.jpg" for index in range(count)]),
    )


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_it_equals_a_slow_loop(distance):
    tracklets = drawn_tracklets()
    found = rank_across_cameras(tracklets, distance=distance, num_matches=7)
    assert found.rows.tolist() == np.flatnonzero(tracklets.pids != -1).tolist()
    for place, row in enumerate(found.rows):
        others = [other for other in found.rows if tracklets.camids[other] != tracklets.camids[row]]
        distances = tracklets.distances(np.array([row]), np.array(others), distance)[0]
        order = np.argsort(distances, kind="stable")[:7]
        np.testing.assert_allclose(found.distances[place], distances[order], atol=1e-6)
        assert found.nearest[place].tolist() == [others[index] for index in order]


def test_where_there_are_no_more_nothing_is_made_up():
    # Camera 2 has one tracklet, camera 1 two.
    found = rank_across_cameras(at_angles([0.0, 0.1, 0.3], [1, 2, 1]), num_matches=5)
    assert found.nearest.tolist() == [[1, -1, -1], [0, 2, -1], [1, -1, -1]]
    assert np.isinf(found.distances[:, 2]).all()
    assert found.is_mutual().tolist() == [True, True, False]


def test_junk_is_left_out_and_distractors_are_not():
    found = rank_across_cameras(at_angles([0.0, 0.1, 0.3], [1, 2, 2], [1, -1, 0]))
    assert found.rows.tolist() == [0, 2]
    assert found.nearest[:, 0].tolist() == [2, 0]


@pytest.mark.parametrize(
    ("camids", "count", "message"),
    [
        ([4, 4, 4], 1, "at least two cameras are needed .* got 3 of camera 4"),
        ([1, 2, 3], 0, "num_matches must be positive to rank anything, got 0"),
    ],
)
def test_what_cannot_be_ranked_is_named(camids, count, message):
    with pytest.raises(ValueError, match=message):
        rank_across_cameras(at_angles([0.0, 0.1, 0.2], camids), num_matches=count)


def test_the_table_has_a_line_for_each_tracklet_and_neighbour(tmp_path):
    tracklets = at_angles([0.0, 0.1, 0.3], [1, 2, 1])
    write_neighbours(tmp_path / "new" / "t.csv", tracklets, rank_across_cameras(tracklets))
    with (tmp_path / "new" / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["row"], row["rank"], row["other_row"], row["mutual"]) for row in rows] == [
        *(("0", "1", "1", "1"), ("1", "1", "0", "1")),
        *(("1", "2", "2", "0"), ("2", "1", "1", "0")),
    ]
    assert rows[0]["distance"] == f"{1 - np.cos(0.1):.6f}"
    assert rows[0]["other_frame_path"] == "1, of all.jpg"
    assert rows[0]["tracklet_id"] == ""


def test_the_tool_takes_unlabelled_features_as_they_are_saved(tmp_path, run_tool, capsys):
    tracklets = at_angles([0.0, 0.1, 0.3], [1, 2, 1])
    assert tracklets.is_unlabelled
    tracklets.save(tmp_path / "f.npz")
    assert read_features(tmp_path / "f.npz").is_unlabelled
    run_tool(
        "analysis_tools/rank_across_cameras.py", str(tmp_path / "f.npz"), str(tmp_path / "t.csv")
    )
    assert "each of 3 tracklets (cosine distance); 1 pairs" in capsys.readouterr().out
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 5
