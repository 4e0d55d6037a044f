import json

import numpy as np
import pytest

from mmctl.datasets.checks import frame_check
from mmctl.datasets.checks.dataset_check import (
    check_splits,
    frame_sizes,
    read_split,
    read_splits,
    tracklet_lengths,
)
from mmctl.datasets.checks.dataset_summary import count_protocols, count_subsets, find_shared_pids
from mmctl.datasets.checks.official_counts import compare
from mmctl.datasets.tracklet_dataset import EmptySplitError
from tests.test_datasets.mars_info import write_info


def tracklet(pid, camid, num_frames, split="gallery"):
    return {"pid": pid, "camid": camid, "split": split, "frame_paths": ["x"] * num_frames}


TEST = [
    tracklet(-1, 1, 2),
    tracklet(0, 2, 3),
    tracklet(4, 1, 2, "query"),
    tracklet(4, 3, 5),
    tracklet(9, 2, 7, "query"),
    tracklet(9, 5, 4, "query"),
    tracklet(9, 2, 1),
]


def test_subsets_are_counted_apart():
    counted = {n: tuple(c.to_dict().values()) for n, c in count_subsets(TEST).items()}
    # tracklets, pids, cameras, frames, shortest, longest, median
    assert counted == {
        "test": (7, 2, 4, 24, 1, 7, 3),
        "query": (3, 2, 3, 13, 2, 7, 4),
        "gallery": (4, 1 + 1, 3, 11, 1, 5, 2.5),
        "junk": (1, 0, 1, 2, 2, 2, 2),
        "distractors": (1, 0, 1, 3, 3, 3, 3),
    }
    assert list(count_subsets([tracklet(3, 1, 4, "train")])) == ["train"]


def test_a_query_is_scored_if_its_person_is_in_another_camera_of_the_gallery():
    # pid 4: camera 1 against 3. pid 9: queries in 2 and 5 match each other if they stay in the
    # gallery; without them only the tracklet of camera 2 is left, which the one in 5 can match.
    assert count_protocols(TEST) == {
        "query-in-gallery": {"queries": 3, "scored": 3, "gallery": 6},
        "query-excluded": {"queries": 3, "scored": 2, "gallery": 3},
    }


def test_persons_of_both_splits_are_found():
    train = [tracklet(pid, 1, 1, "train") for pid in (9, 5, 4)]
    assert find_shared_pids(train, TEST) == [4, 9]


@pytest.mark.parametrize(
    ("official", "mark", "expected"),
    [
        ({}, "not known", []),
        ({"pids": 3}, "OK", []),
        ({"pids": 3, "frames": 1234567}, "differs", ["frames 1,234,567"]),
    ],
)
def test_a_mark_says_what_is_known(official, mark, expected):
    assert compare({"pids": 3, "frames": 8}, official) == (mark, expected)


def read_both(root, **options):
    config = {"type": "MARS", "data_root": str(root), **options}
    return [read_split(config, split) for split in ("train", "test")]


def test_a_whole_drawn_set_is_not_broken(drawn_mars):
    splits = read_both(drawn_mars)
    report = check_splits(splits, "decode")
    assert not report.is_broken()
    assert {subset.mark for subset in report.subsets.values()} == {""}, "drawn data claim nothing"
    assert report.frames.num_checked == sum(len(split.paths) for split in splits)
    assert [keypoints.faults for keypoints in report.keypoints] == [[], []]
    assert report.keypoints[0].num_joints > 100
    np.testing.assert_array_equal(frame_sizes(splits, report.frames)[0], [64, 32])
    lengths = tracklet_lengths(splits)
    assert {name: len(values) for name, values in lengths.items()} == {
        "train": 16,
        "query": 8,
        "gallery": 5,
    }


def test_a_small_set_in_the_layout_of_mars_differs_from_it(tmp_path):
    splits = read_both(write_info(tmp_path))
    report = check_splits(splits, "none")
    assert report.is_broken()
    assert report.subsets["train"].mark == "differs"
    assert "tracklets 8,298" in report.subsets["train"].expected
    assert report.protocols["query-excluded"].expected == ["scored 1,840", "gallery 9,330"]
    own = [
        read_split(split.config, name, is_own=True)
        for name, split in zip(("train", "test"), splits, strict=True)
    ]
    assert not check_splits(own, "none").is_broken()


def test_sizes_come_from_first_frames_where_none_was_checked(drawn_mars):
    splits = read_both(drawn_mars)
    report = check_splits(splits, "exist")
    num_tracklets = sum(len(split.infos) for split in splits)
    assert frame_sizes(splits, report.frames).shape == (num_tracklets, 2)


def test_persons_of_both_splits_break_a_set(tmp_path):
    write_info(tmp_path, train=[(4, 1, 3)])
    splits = [
        read_split({"type": "mmctl.MARS", "data_root": str(tmp_path)}, s, True)
        for s in ("train", "test")
    ]
    report = check_splits(splits, "none")
    assert report.shared_pids == [4]
    assert report.is_broken()


def test_keypoints_of_other_frames_break_a_set(tmp_path):
    write_info(tmp_path)
    np.save(tmp_path / "info/keypoints.npy", np.zeros((22, 17, 3), np.float32))
    config = {"type": "MARS", "data_root": str(tmp_path)}
    report = check_splits([read_split(config, "train", is_own=True)], "none")
    assert "23 frames" in report.keypoints[0].faults[0]
    assert report.is_broken()


def test_a_wrapped_data_set_is_refused(drawn_mars):
    inner = {"type": "MARS", "data_root": str(drawn_mars)}
    with pytest.raises((TypeError, ValueError)):
        read_split({"type": "RepeatDataset", "dataset": inner, "times": 2}, "train")


@pytest.mark.parametrize(
    "wrapper",
    [
        {"type": "JointDataset", "datasets": [{"type": "MARS", "data_root": "a"}]},
        {"type": "RepeatDataset", "dataset": {"type": "MARS", "data_root": "a"}, "times": 2},
    ],
)
def test_a_wrapper_is_refused_before_it_is_built(wrapper):
    with pytest.raises(ValueError, match=rf"must be one data set.*got {wrapper['type']}"):
        read_split(wrapper, "train")


def test_keypoints_outside_of_their_frames_are_found_without_reading_all_headers(
    drawn_mars, tmp_path, monkeypatch
):
    shifted = np.load(drawn_mars / "info/keypoints.npy") + np.float32([400, 300, 0])
    np.save(tmp_path / "k.npy", shifted)
    splits = read_both(drawn_mars, keypoint_file=str(tmp_path / "k.npy"))
    monkeypatch.setattr(frame_check, "_NUM_SIZES", 5)
    report = check_splits(splits, "exist")
    assert report.is_broken()
    for split, found in zip(splits, report.keypoints, strict=True):
        assert (found.num_rows, found.num_sized) == (len(split.paths), 5)
        assert "lie outside of theirs" in found.faults[0]
    report = check_splits(splits, "none")
    assert [found.num_sized for found in report.keypoints] == [0, 0]
    assert not report.is_broken()


def write_tracklets(root, *tracklets):
    keys = ("pid", "camid", "split")
    entries = [
        {**dict(zip(keys, tracklet, strict=True)), "frames": [f"{number}.png"]}
        for number, tracklet in enumerate(tracklets)
    ]
    (root / "annotations.json").write_text(json.dumps({"tracklets": entries}))
    config = {"type": "TrackletDataset", "data_root": str(root)}
    return {"train": config, "test": config}


@pytest.mark.parametrize(("split", "other"), [("query", "train"), ("train", "test")])
def test_a_split_that_is_not_there_is_said_and_the_other_is_read(tmp_path, split, other):
    configs = write_tracklets(tmp_path, (1, 1, split))
    (found,), missing = read_splits(configs, must_exist=False)
    assert [info["split"] for info in found.infos] == [split]
    assert f"the {other!r} split needs at least one tracklet" in missing[0]
    with pytest.raises(EmptySplitError, match=other):
        read_splits(configs)
    with pytest.raises(EmptySplitError):
        read_splits(write_tracklets(tmp_path), must_exist=False)


@pytest.mark.parametrize(
    ("tracklets", "is_broken"),
    [
        ([(1, 1, "query"), (2, 1, "query"), (0, 1, "gallery")], False),
        ([(1, 1, "query"), (1, 1, "gallery")], True),
    ],
)
def test_tracklets_that_nobody_has_labelled_are_not_broken(tmp_path, tracklets, is_broken):
    config = write_tracklets(tmp_path, *tracklets)["test"]
    report = check_splits([read_split(config, "test", is_own=True)], "none")
    assert report.has_no_match()
    assert report.is_broken() == is_broken


def test_unlabelled_tracklets_are_checked_beside_the_splits(tmp_path):
    tracklets = [
        {"pid": 1, "camid": 1, "split": "train", "frames": ["a.jpg"]},
        {"camid": 1, "frames": ["b.jpg", "c.jpg"]},
        {"camid": 2, "frames": ["d.jpg"]},
    ]
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    keypoints = np.zeros((4, 17, 3), np.float32)
    keypoints[2, 0] = np.nan
    (tmp_path / "info").mkdir()
    np.save(tmp_path / "info/keypoints.npy", keypoints)
    config = {"type": "mmctl.TrackletDataset", "data_root": str(tmp_path)}
    names = ("train", "test", "unlabelled")
    splits, missing = read_splits(dict.fromkeys(names, config), must_exist=False)
    report = check_splits(splits, "exist")
    counts = {name: subset.counts for name, subset in report.subsets.items()}
    assert [counts[name]["tracklets"] for name in ("train", "unlabelled")] == [1, 2]
    assert counts["unlabelled"]["pids"] == 0
    assert len(missing) == 1
    assert len(report.frames.faults) == 4
    # Rows 1 to 3 are those of the unlabelled tracklets.
    assert [len(keypoints.faults) for keypoints in report.keypoints] == [0, 1]


def test_a_set_in_which_everybody_is_known_has_nothing_to_tell(tmp_path):
    tracklets = [{"pid": 1, "camid": 1, "split": "train", "frames": ["a.jpg"]}]
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    config = {"type": "mmctl.TrackletDataset", "data_root": str(tmp_path)}
    configs = dict.fromkeys(("train", "unlabelled"), config)
    assert read_splits(configs, must_exist=False)[1] == []
    with pytest.raises(ValueError, match="no tracklet is unlabelled"):
        read_splits({"unlabelled": config})
