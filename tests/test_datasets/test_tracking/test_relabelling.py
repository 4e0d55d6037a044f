import json
import re

import numpy as np
import pytest

from mmctl.datasets import TrackletDataset
from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, hash_frame_list
from mmctl.datasets.tracking import SplitChoice
from mmctl.datasets.tracking.relabelling import label_tracklets
from mmctl.datasets.tracking.set_folder import track_table


def tracklet(camid, track, piece=1, length=2):
    folder = f"crops/camera{camid}/track{track:06d}_{piece}"
    numbers = [10 * piece + index for index in range(length)]
    frames = [f"{folder}/{number:06d}.jpg" for number in numbers]
    return {"camid": camid, "frames": frames, "track": track, "frame_numbers": numbers}


ENTRIES = [
    tracklet(1, 4),
    tracklet(1, 4, piece=2, length=3),
    tracklet(1, 5),
    tracklet(2, 4),
    tracklet(2, 9),
]
WHO = {(1, 4): 7, (2, 9): 7, (1, 5): 8, (2, 4): 8}


@pytest.fixture
def street(tmp_path):
    """An unlabelled data set with keypoints."""
    content = {"metainfo": {"dataset_name": "street"}, "tracklets": ENTRIES}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    (tmp_path / "tracks.csv").write_bytes(track_table(ENTRIES))
    names = [frame for entry in ENTRIES for frame in entry["frames"]]
    keypoints = np.random.default_rng(0).random((len(names), 17, 3), dtype=np.float32)
    header = ArrayHeader("keypoints", len(names), hash_frame_list(names), "test")
    write_stored_array(tmp_path / "info/keypoints.npy", keypoints, header)
    return tmp_path


def read(folder, split="all"):
    dataset = TrackletDataset(
        data_root=str(folder), split=split, keypoint_file="info/keypoints.npy"
    )
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def test_persons_and_splits_are_given_and_keypoints_stay(street):
    before = [info["keypoint_rows"].tolist() for info in read(street)]
    labels = label_tracklets(street, WHO, SplitChoice("test"))
    assert labels.pids == {7, 8}
    assert labels.splits == {"query": 4, "gallery": 1}
    found = read(street)
    assert [info["pid"] for info in found] == [7, 7, 8, 8, 7]
    # The longer piece is the query of its person and camera.
    assert [info["split"] for info in found] == ["gallery", "query", "query", "query", "query"]
    assert [info["keypoint_rows"].tolist() for info in found] == before
    assert len(read(street, "test")) == 5
    lines = (street / "tracks.csv").read_text().splitlines()
    assert lines[2] == "1,4,7,query,20,22,3,crops/camera1/track000004_2"


def test_labels_can_be_changed_and_taken_away(street):
    original = (street / "annotations.json").read_bytes()
    label_tracklets(street, WHO, SplitChoice("train"))
    assert [info["gt_label"] for info in read(street, "train")] == [0, 0, 1, 1, 0]
    assert label_tracklets(street, None, None).splits == {"unlabelled": 5}
    assert json.loads((street / "annotations.json").read_bytes()) == json.loads(original)
    assert (street / "tracks.csv").read_bytes() == track_table(ENTRIES)


def test_tracks_that_the_map_lacks_stay_unlabelled(street):
    labels = label_tracklets(street, {(1, 5): 3, (2, 4): 3, (7, 7): 1}, SplitChoice("test"))
    assert labels.splits == {"query": 2, "unlabelled": 3}
    assert re.search("1 of 3 tracks .* the first one is track 7 of camera 7", labels.warnings[0])
    assert [info.get("pid") for info in read(street)] == [None, None, 3, 3, None]


def test_nobody_trains_nobody(street):
    labels = label_tracklets(street, {**WHO, (1, 5): -1, (2, 4): 0}, SplitChoice("train"))
    assert labels.splits == {"train": 3, "unlabelled": 2}


def test_without_a_map_every_track_is_a_person(street):
    assert label_tracklets(street, None, SplitChoice("test")).pids == {1, 2, 3, 4}
    assert [info["pid"] for info in read(street)] == [1, 1, 2, 3, 4]


def test_rows_that_the_list_names_itself_stay(street):
    content = json.loads((street / "annotations.json").read_text())
    rows = iter(reversed(range(11)))
    for entry in content["tracklets"]:
        entry["keypoint_rows"] = [next(rows) for _ in entry["frames"]]
    (street / "annotations.json").write_text(json.dumps(content))
    label_tracklets(street, WHO, SplitChoice("test"))
    found = json.loads((street / "annotations.json").read_text())["tracklets"]
    assert [entry["keypoint_rows"] for entry in found] == [
        entry["keypoint_rows"] for entry in content["tracklets"]
    ]


def test_a_number_of_persons_in_the_list_is_counted_anew(street):
    content = json.loads((street / "annotations.json").read_text())
    content["metainfo"]["num_pids"] = 5
    (street / "annotations.json").write_text(json.dumps(content))
    label_tracklets(street, WHO, SplitChoice("test"))
    assert len(read(street, "test")) == 5


@pytest.mark.parametrize(
    ("identities", "choice", "message"),
    [
        ({(3, 3): 1}, SplitChoice("test"), "must have the split 'query' .* got none among 0 of 5"),
        ({(1, 4): 0}, SplitChoice("train"), "must have the split 'train' .* got none among 2 of 5"),
        (WHO, SplitChoice("test", (3,)), r"query_cameras must be cameras of .* \[1, 2\].* got 3"),
        ({(1, 4): 5}, SplitChoice("random"), "needs at least two persons"),
    ],
)
def test_labels_that_leave_nothing_are_refused_and_change_nothing(
    street, identities, choice, message
):
    before = (street / "annotations.json").read_bytes()
    with pytest.raises(ValueError, match=message):
        label_tracklets(street, identities, choice)
    assert (street / "annotations.json").read_bytes() == before


def test_a_list_without_tracks_is_refused(street):
    content = {"tracklets": [{"camid": 1, "frames": ["a.jpg"]}]}
    (street / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"tracklet 0 must have the key 'track'.*camid, frames"):
        label_tracklets(street, WHO, SplitChoice("test"))
    with pytest.raises(FileNotFoundError, match=r"folder .*nowhere does not exist"):
        label_tracklets(street / "nowhere", WHO, SplitChoice("test"))
