"""Tracklets of nobody known: listed, packed, refused where people are wanted."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from tests.test_datasets.written_tracklets import (
    FULL_PIPELINE,
    NUM_FRAMES,
    infos,
    save_keypoints,
    write_frames,
)

ORIGINS = {
    "video": "gate.mp4",
    "track": 7,
    "frame_numbers": [3, 5],
    "times": [0.1, 0.35],
    "start": "2024-05-31T12:30:00.25Z",
    "boxes": [[-3.5, 10, 20, 40], [1, 2, 3.25, 4]],
    "quality": [0, 0.75],
}


@pytest.fixture
def unlabelled(content):
    found = {"camid": 3, "frames": ["new/0.png", "new/1.png"], **copy.deepcopy(ORIGINS)}
    content["tracklets"].insert(1, found)
    return found


@pytest.mark.usefixtures("unlabelled")
def test_all_lists_every_tracklet_in_the_order_of_the_file(build, content):
    rows = infos(build(split="all"))
    assert [row["camid"] for row in rows] == [entry["camid"] for entry in content["tracklets"]]
    assert [row.get("pid") for row in rows] == [40, None, 7, 12, 7, 40, -1, 0]
    assert not any("gt_label" in row for row in rows)
    assert {"pid", "split"}.isdisjoint(rows[1])
    assert build(split="all").metainfo["num_pids"] == 3
    assert [len(build(split=split)) for split in ("train", "test")] == [3, 4]


@pytest.mark.usefixtures("unlabelled")
def test_unlabelled_tracklets_have_keypoint_rows_like_others(build, tmp_path):
    save_keypoints(tmp_path, num_rows=NUM_FRAMES + 2)
    info = build(split="all", keypoint_file="keypoints.npy").get_data_info(1)
    assert info["keypoint_rows"].tolist() == [3, 4]


@pytest.mark.usefixtures("unlabelled")
def test_where_frames_are_from_is_carried(build):
    info = build(split="all").get_data_info(1)
    for key in ("frame_numbers", "times", "boxes", "quality"):
        assert info[key].tolist() == ORIGINS[key]
    assert info["frame_numbers"].dtype == np.int64
    assert info["boxes"].dtype == np.float64
    assert {key: info[key] for key in ("video", "track", "start")} == {
        key: ORIGINS[key] for key in ("video", "track", "start")
    }
    assert "video" not in build(split="all").get_data_info(0)


@pytest.mark.usefixtures("unlabelled")
def test_unlabelled_tracklets_are_packed_without_labels(build):
    dataset = build(
        split="all", pipeline=[step for step in FULL_PIPELINE if "Key" not in step["type"]]
    )
    write_frames(dataset)
    sample = dataset[1]["data_samples"]
    assert "pid" not in sample
    assert sample.camid == 3


def test_a_list_without_labels_trains_nobody_and_says_what_takes_it(build, content, unlabelled):
    content["tracklets"] = [unlabelled]
    assert len(build(split="all")) == 1
    for split in ("train", "test"):
        with pytest.raises(ValueError, match=r"got 0 tracklets .*split='all' takes unlabelled"):
            build(split=split)


def test_a_number_of_persons_of_one_split_is_nothing_about_all(build, content):
    content["metainfo"]["num_pids"] = 2
    assert build(split="all").metainfo["num_pids"] == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pid": 4}, "lacks the key 'split'.*neither"),
        ({"split": "gallery"}, "lacks the key 'pid'"),
        ({"video": ""}, "'video' must be the name of a video, got ''"),
        ({"video": "a\n"}, r"'video' must be a name of printable characters.*got 'a\\n'"),
        ({"track": -1}, "'track' must be an integer, 0 or more, got -1"),
        ({"frame_numbers": [1]}, r"'frame_numbers' must list one number per frame \(2\), got 1"),
        (
            {"frame_numbers": [5, 5]},
            r"'frame_numbers' must rise.*'frame_numbers'\[1\] is 5 after 5",
        ),
        ({"times": [1, 0.5]}, r"'times' must not fall.*'times'\[1\] is 0.5 after 1"),
        ({"times": [0, float("nan")]}, r"'times'\[1\] must be a finite number of seconds.*got nan"),
        ({"start": "2024-05-31T12:30:00"}, "'start' must be a time in UTC, like '2024.*got '2024"),
        ({"start": "2024-13-31T12:30:00Z"}, "'start' must be a time in UTC"),
        ({"boxes": [[1, 2, 3, 4], [1, 2, 0, 4]]}, r"'boxes'\[1\] must be left, top.*got \[1, 2, 0"),
        ({"boxes": [[1, 2, 3, 4]]}, r"'boxes' must list one box per frame \(2\), got 1"),
        ({"quality": [0.5, 1.5]}, r"'quality'\[1\] must be a number from 0 to 1, got 1.5"),
    ],
)
def test_a_broken_origin_is_named_with_key_rule_and_value(build, unlabelled, change, message):
    unlabelled.update(change)
    with pytest.raises(ValueError, match=rf"annotations\.json: tracklet 1.*{message}"):
        build(split="all")
