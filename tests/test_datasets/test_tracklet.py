"""What a data set of a user's own must return."""

from __future__ import annotations

import numpy as np
import pytest

from mmctl.datasets import FixedLayoutDataset, Tracklet

ROWS = np.arange(2)


class Own(FixedLayoutDataset):
    made: object = None

    def read_tracklets(self):
        return self.made


def build(made: object, **arguments: object) -> Own:
    return type("Own", (Own,), {"made": made})("data", **arguments)


def train(**changes: object) -> Tracklet:
    values = {"pid": 1, "camid": 1, "split": "train", "frame_paths": ["a.jpg", "b.jpg"]}
    return Tracklet(**{**values, **changes})


def test_right_tracklets_pass_with_numbers_of_numpy():
    dataset = build(([train(pid=np.int64(4), keypoint_rows=ROWS)], 2))
    assert dataset.get_data_info(0)["gt_label"] == 0


@pytest.mark.parametrize(
    "made", [[train()], None, ([train()], "2"), ({1: train()}, None), ([train()], None, 3)]
)
def test_something_else_than_tracklets_and_a_number_is_refused(made):
    with pytest.raises(TypeError, match=r"Own.read_tracklets must return a list of Tracklet and"):
        build(made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pid": "1"}, "pid must be an integer, got '1'"),
        ({"camid": 1.0}, "camid must be an integer, got 1.0"),
        ({"pid": True}, "pid must be an integer, got True"),
        ({"split": "val"}, "its split must be 'train', got 'val'"),
        ({"split": "query"}, "its split must be 'train', got 'query'"),
        ({"frame_paths": []}, r"frame_paths must be a list of at least one path, got \[\]"),
        ({"frame_paths": "a.jpg"}, "frame_paths must be a list .* got 'a.jpg'"),
        ({"frame_paths": [3]}, "frame_paths must be texts, .* got 3"),
        ({"keypoint_rows": [0, 1]}, r".* an integer array with a row per frame, \(2,\), got list"),
        ({"keypoint_rows": np.arange(3)}, r".* row per frame, \(2,\), got int64 of shape \(3,\)"),
        ({"keypoint_rows": np.array([-1, 0])}, "keypoint_rows must be 0 or more, got -1"),
    ],
)
def test_a_wrong_tracklet_is_named_by_its_place(changes, message):
    with pytest.raises(ValueError, match=f"Own: tracklet 1 of split 'train': {message}"):
        build(([train(), train(**changes)], None))


def test_something_else_than_a_tracklet_is_named():
    with pytest.raises(TypeError, match=r"must return Tracklet\(.* got \('a', 1\) as tracklet 0"):
        build(([("a", 1)], None))


def test_rows_are_needed_where_there_is_an_array():
    with pytest.raises(ValueError, match="keypoint_rows must name the rows of a stored array"):
        build(([train()], 2), keypoint_file="keypoints.npy")


def test_a_layout_that_lists_nothing_says_so():
    with pytest.raises(TypeError, match=r"Bare must define list_tracklets\(self, \*, all_splits"):
        type("Bare", (FixedLayoutDataset,), {})("data")
