"""The order of a data set's frames, which rows of arrays follow."""

from __future__ import annotations

import json
import shutil

import pytest

from mmctl.datasets import ILIDSVID, MARS, TrackletDataset
from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from mmctl.datasets.keypoints.keypoint_header import hash_frame_list, read_header
from tests.test_datasets.test_keypoints.headed_arrays import header_of, keypoints_of


def test_mars_lists_train_lines_then_test_lines(drawn_mars):
    names = MARS(str(drawn_mars)).frame_names()
    lines = [
        (split, line)
        for split in ("train", "test")
        for line in (drawn_mars / "info" / f"{split}_name.txt").read_text().split()
    ]
    assert names == [f"bbox_{split}/{line[:4]}/{line}" for split, line in lines]
    assert all((drawn_mars / name).is_file() for name in names)
    for split in ("train", "test"):
        dataset = MARS(
            str(drawn_mars), split=split, heatmap_file=None, keypoint_file="info/keypoints.npy"
        )
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            expected = [str(drawn_mars / names[row]) for row in info["keypoint_rows"]]
            assert info["frame_paths"] == expected


def test_the_drawn_keypoints_have_a_header_that_belongs(drawn_mars, tmp_path):
    header = read_header(drawn_mars / "info" / "keypoints.npy")
    assert header.estimator == "drawn: exact"
    assert header.frame_list_sha256 == hash_frame_list(MARS(str(drawn_mars)).frame_names())
    root = tmp_path / "mars"
    shutil.copytree(drawn_mars / "info", root / "info")
    names = root / "info" / "train_name.txt"
    names.write_text(names.read_text().replace("F001.jpg", "F000.jpg"))
    with pytest.raises(ValueError, match=rf"other frames.*--dataset MARS --data-root {root}$"):
        MARS(str(root), keypoint_file="info/keypoints.npy")


def test_ilids_vid_lists_camera_one_then_camera_two(tmp_path):
    root = tmp_path / "i-LIDS-VID" / "sequences"
    for camid in (1, 2):
        for person in ("person002", "person001"):
            folder = root / f"cam{camid}" / person
            folder.mkdir(parents=True)
            for number in (2, 1):
                (folder / f"cam{camid}_{person}_{number:05d}.png").write_bytes(b"")
    names = ILIDSVID(str(tmp_path)).frame_names()
    assert names == [
        f"i-LIDS-VID/sequences/cam{camid}/{person}/cam{camid}_{person}_{number:05d}.png"
        for camid in (1, 2)
        for person in ("person001", "person002")
        for number in (1, 2)
    ]
    write_stored_array(
        tmp_path / "k.npy",
        keypoints_of(8),
        header_of(frames=names, frame_list_sha256=hash_frame_list(names)),
    )
    for split in ("train", "test"):
        dataset = ILIDSVID(str(tmp_path), split=split, keypoint_file="k.npy")
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            assert [str(tmp_path / names[row]) for row in info["keypoint_rows"]] == info[
                "frame_paths"
            ]


def annotate(root, rows_by_frames):
    tracklets = [
        {"pid": 1, "camid": 1, "split": "train", "frames": frames, "keypoint_rows": rows}
        for frames, rows in rows_by_frames
    ]
    (root / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    return TrackletDataset(data_root=str(root))


def test_named_rows_decide_the_order_of_the_frames(tmp_path):
    dataset = annotate(tmp_path, [(["x", "y"], [2, 0]), (["z", "y"], [1, 0])])
    assert dataset.frame_names() == ["y", "z", "x"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [([1, 1], "row 1 belongs to x and to y"), ([0, 2], "from 0 to 2, .* no frame has row 1")],
)
def test_rows_that_are_no_order_are_refused(tmp_path, rows, message):
    with pytest.raises(ValueError, match=rf"annotations\.json.*{message}"):
        annotate(tmp_path, [(["x", "y"], rows)]).frame_names()
