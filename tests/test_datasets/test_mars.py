import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat

from mmctl.datasets import MARS
from mmctl.registry import DATASETS
from tests.test_datasets.mars_info import (
    NUM_TEST_FRAMES,
    NUM_TRAIN_FRAMES,
    TEST,
    frame_names,
    write_info,
)

OFFICIAL_INFO = os.environ.get("MMCTL_MARS_INFO", "")


@pytest.fixture
def root(tmp_path):
    return write_info(tmp_path)


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_train_has_contiguous_labels_and_frames_in_order(root):
    dataset = MARS(str(root), split="train")
    rows = [(i["pid"], i["camid"], i["gt_label"], i["split"]) for i in infos(dataset)]
    assert rows == [(3, 1, 0, "train"), (3, 2, 0, "train"), (11, 6, 1, "train")]
    folder = root / "bbox_train" / "0003"
    assert dataset.get_data_info(1)["frame_paths"] == [
        str(folder / "0003C2T0001F001.jpg"),
        str(folder / "0003C2T0001F002.jpg"),
    ]
    assert dataset.metainfo == {"dataset_name": "MARS", "num_pids": 2}


def test_test_keeps_junk_distractors_and_queries_once_each(root):
    dataset = MARS(str(root), split="test")
    assert [(i["pid"], i["camid"], i["split"]) for i in infos(dataset)] == [
        (-1, 1, "gallery"),
        (0, 2, "gallery"),
        (4, 1, "query"),
        (4, 3, "gallery"),
        (9, 2, "query"),
    ]
    assert [i["tracklet_id"] for i in infos(dataset)] == [0, 1, 2, 3, 4]
    assert dataset.metainfo["num_pids"] == 2


def test_junk_and_distractors_have_their_own_folders(root):
    dataset = MARS(str(root), split="test")
    first = [i["frame_paths"][0] for i in infos(dataset)[:2]]
    assert first[0] == str(root / "bbox_test/00-1/00-1C1T0001F001.jpg")
    assert first[1] == str(root / "bbox_test/0000/0000C2T0001F001.jpg")


def test_every_line_belongs_to_one_tracklet(root):
    paths = [p for i in infos(MARS(str(root), split="test")) for p in i["frame_paths"]]
    assert [Path(p).name for p in paths] == frame_names(TEST)


def test_query_number_one_is_the_first_tracklet(tmp_path):
    # uint16 arithmetic would turn 1 - 2 into 65535, an offset of one would make row 2 the query
    root = write_info(tmp_path, test=TEST[2:], queries=(1,))
    assert [i["split"] for i in infos(MARS(str(root), split="test"))] == [
        "query",
        "gallery",
        "gallery",
    ]


def test_windows_line_ends_are_no_part_of_a_name(root):
    path = root / "info/train_name.txt"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert MARS(str(root)).get_data_info(0)["frame_paths"][0].endswith("F001.jpg")


def test_it_reads_info_alone_and_builds_from_a_config(root):
    assert not (root / "bbox_train").exists()
    dataset = DATASETS.build({"type": "MARS", "data_root": str(root), "split": "test"})
    assert len(dataset) == 5


def test_it_serves_decoded_clips(root):
    pipeline = [
        {"type": "mmctl.SampleClip", "clip_len": 2, "mode": "interleaved"},
        {"type": "mmctl.LoadFrames"},
        {"type": "mmctl.ResizeClip", "size": (8, 4)},
        {"type": "mmctl.PackClip"},
    ]
    dataset = MARS(str(root), split="test", pipeline=pipeline)
    for path in dataset.get_data_info(3)["frame_paths"]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(path, np.full((16, 8, 3), 90, dtype=np.uint8))
    item = dataset[3]
    assert item["inputs"].shape == (3, 2, 3, 8, 4)
    assert item["data_samples"].clip_weights.tolist() == [2, 2, 1]
    assert (item["data_samples"].pid, item["data_samples"].split) == (4, "gallery")


@pytest.mark.parametrize(
    ("split", "expected"),
    [("train", [[0, 1, 2, 3], [4, 5], [6, 7, 8]]), ("test", [[9, 10], [11, 12, 13]])],
)
def test_keypoint_rows_are_the_lines_of_train_then_test(root, split, expected):
    num_rows = NUM_TRAIN_FRAMES + NUM_TEST_FRAMES
    np.save(root / "info/keypoints.npy", np.zeros((num_rows, 17, 3), dtype=np.float32))
    dataset = MARS(str(root), split=split, keypoint_file="info/keypoints.npy")
    rows = [i["keypoint_rows"].tolist() for i in infos(dataset)]
    assert rows[: len(expected)] == expected
    assert dataset.get_data_info(0)["keypoint_file"] == str(root / "info/keypoints.npy")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_keypoint_array_of_one_split_alone_is_refused(root, split):
    np.save(root / "info/keypoints.npy", np.zeros((NUM_TEST_FRAMES, 17, 3), dtype=np.float32))
    with pytest.raises(ValueError, match=r"all splits.* 23 frames, got 14 rows"):
        MARS(str(root), split=split, keypoint_file="info/keypoints.npy")


@pytest.mark.skipif(not OFFICIAL_INFO, reason="MMCTL_MARS_INFO names no folder")
def test_the_official_metadata_has_the_known_counts(tmp_path):
    info = tmp_path / "info"
    info.mkdir()
    for path in Path(OFFICIAL_INFO).glob("*.mat"):
        (info / path.name).write_bytes(path.read_bytes())
    for split in ("train", "test"):
        rows = loadmat(info / f"tracks_{split}_info.mat")[f"track_{split}_info"].tolist()
        tracklets = [(pid, camid, end - start + 1) for start, end, pid, camid in rows]
        (info / f"{split}_name.txt").write_text("\n".join(frame_names(tracklets)) + "\n")
    train, test = infos(MARS(str(tmp_path))), infos(MARS(str(tmp_path), split="test"))
    assert len(train) == 8298
    assert {i["gt_label"] for i in train} == set(range(625))
    assert sum(len(i["frame_paths"]) for i in train) == 509_914
    assert len(test) == 12180
    assert sum(len(i["frame_paths"]) for i in test) == 681_089
    queries = {(i["pid"], i["camid"]) for i in test if i["split"] == "query"}
    assert len(queries) == sum(i["split"] == "query" for i in test) == 1980
    assert len({pid for pid, _ in queries}) == 626
    assert sum(i["pid"] == -1 for i in test) == 870
    assert sum(i["pid"] == 0 for i in test) == 3248
