from __future__ import annotations

import sys

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from mmctl.datasets import LSVID
from mmctl.registry import DATASETS

# Prefix, camera, frame numbers; number 10 begins like number 1, and frames have no leading zeros.
TRAIN = [
    ("tracklet_train/0003/0003_2", 4, (1, 2)),
    ("tracklet_train/0003/0003_1", 15, (9, 10)),
    ("tracklet_train/0003/0003_10", 2, (1, 2, 3)),
    ("tracklet_train/0001/0001_1", 1, (7,)),
]
TEST = [
    ("tracklet_test/0005/0005_1", 1, (1, 2)),
    ("tracklet_test/0005/0005_2", 3, (1,)),
    ("tracklet_test/0008/0008_1", 2, (1, 2)),
]


def lines_of(tracklets):
    return [f"{prefix} {int(prefix.split('/')[1])}" for prefix, _, _ in tracklets]


def write_list(root, split, lines):
    (root / "list_sequence" / f"list_seq_{split}.txt").write_text("\n".join(lines) + "\n")


def write_queries(root, numbers, **more):
    with h5py.File(root / "test" / "data" / "info_test.mat", "w", userblock_size=512) as file:
        file["query"] = np.array([numbers], np.float64)  # MATLAB's column is a row here
        for name, value in more.items():
            file[name] = value


@pytest.fixture
def root(tmp_path):
    for folder in ("list_sequence", "test/data"):
        (tmp_path / folder).mkdir(parents=True)
    for split, tracklets in (("train", TRAIN), ("test", TEST)):
        write_list(tmp_path, split, lines_of(tracklets))
        for prefix, camid, frames in tracklets:
            (tmp_path / prefix).parent.mkdir(parents=True, exist_ok=True)
            for frame in frames:
                (tmp_path / f"{prefix}_{camid:02d}_{frame}.jpg").write_bytes(b"x")
    write_queries(tmp_path, [3, 1], others=np.ones(3))
    return tmp_path


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_tracklets_are_lines_and_cameras_the_third_field(root):
    dataset = LSVID(str(root))
    rows = [(i["pid"], i["camid"], i["gt_label"], len(i["frame_paths"])) for i in infos(dataset)]
    assert rows == [(3, 4, 1, 2), (3, 15, 1, 2), (3, 2, 1, 3), (1, 1, 0, 1)]
    assert dataset.metainfo == {"dataset_name": "LSVID", "num_pids": 2}


def test_frames_are_sorted_by_number(root):
    paths = infos(LSVID(str(root)))[1]["frame_paths"]
    folder = root / "tracklet_train" / "0003"
    assert paths == [str(folder / "0003_1_15_9.jpg"), str(folder / "0003_1_15_10.jpg")]


def test_queries_are_counted_from_1(root):
    test = infos(LSVID(str(root), split="test"))
    rows = [(i["pid"], i["camid"], i["split"]) for i in test]
    assert rows == [(5, 1, "query"), (5, 3, "gallery"), (8, 2, "query")]


def test_people_counted_from_0_are_no_distractors(root):
    write_list(root, "train", ["tracklet_train/0003/0003_2 0", "tracklet_train/0001/0001_1 4"])
    assert [i["pid"] for i in infos(LSVID(str(root)))] == [1, 5]
    assert [i["pid"] for i in infos(LSVID(str(root), split="test"))] == [6, 6, 9]


def test_a_prefix_may_end_with_the_separator(root):
    write_list(root, "train", ["tracklet_train/0003/0003_1_ 3"])
    assert len(infos(LSVID(str(root)))[0]["frame_paths"]) == 2


def test_a_list_from_windows_is_read(root):
    write_list(root, "train", [line.replace("/", "\\", 1) for line in lines_of(TRAIN)])
    paths = infos(LSVID(str(root)))[0]["frame_paths"]
    assert paths[0] == str(root / "tracklet_train/0003/0003_2_04_1.jpg")


def test_rows_are_the_training_list_then_the_test_list(root):
    names = LSVID(str(root)).frame_names()
    assert len(names) == 13
    assert names[:4] == [
        *("tracklet_train/0003/0003_2_04_1.jpg", "tracklet_train/0003/0003_2_04_2.jpg"),
        *("tracklet_train/0003/0003_1_15_9.jpg", "tracklet_train/0003/0003_1_15_10.jpg"),
    ]
    np.save(root / "keypoints.npy", np.zeros((13, 17, 3), np.float32))
    for split in ("train", "test"):
        dataset = LSVID(str(root), split=split, keypoint_file="keypoints.npy")
        for info in infos(dataset):
            assert [str(root / names[row]) for row in info["keypoint_rows"]] == info["frame_paths"]


def test_a_keypoint_array_of_another_length_is_refused(root):
    np.save(root / "keypoints.npy", np.zeros((8, 17, 3), np.float32))
    with pytest.raises(ValueError, match="13 frames, got 8 rows"):
        LSVID(str(root), keypoint_file="keypoints.npy")


def test_folders_of_the_other_split_are_not_listed_without_keypoints(root):
    (root / "tracklet_test").rename(root / "elsewhere")
    assert len(LSVID(str(root))) == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tracklet_train/0003/0003_1", "line 2 must have two columns.*got 'tracklet_train/0003/0"),
        ("tracklet_train/0003/0003_1 3 4", "line 2 must have two columns"),
        ("", "line 2 must have two columns.*got ''"),
        ("tracklet_train/0003/0003_1 x3", "line 2: the pid must be a whole number.*got 'x3'"),
        ("tracklet_train/0003/0003_1 -1", "line 2: the pid must be a whole number.*got '-1'"),
        ("tracklet_train/0003/0003_1 " + "9" * 19, "line 2: the pid .* at most 18 digits.*got '9"),
        ("tracklet_train/0003/0003_1 " + "9" * 5000, "line 2: the pid .* at most 18 digits"),
        ("/tracklet_train/0003/0003_1 3", "line 2: a prefix must lie below the folder of the data"),
        ("../tracklet_train/0003_1 3", "line 2: a prefix must lie below the folder of the data"),
        ("tracklet_train/0001/0001_1 1", "line 3: every tracklet .* once, but line 2 has"),
        ("tracklet_train/0003/0003_3 3", "line 2: a tracklet must have frames, got no file .*_3_"),
    ],
)
def test_a_broken_line_is_named(root, line, message):
    lines = lines_of(TRAIN)
    write_list(root, "train", [lines[0], line, lines[3]])
    with pytest.raises(ValueError, match=rf"list_seq_train\.txt: {message}"):
        LSVID(str(root))


@pytest.mark.parametrize("prefix", ["y" * 5000 + "/a", "y/" * 5000 + "a", "\0/a"])
def test_a_name_that_no_folder_can_have_is_refused_in_short(root, prefix):
    write_list(root, "train", [f"{prefix} 9"])
    message = r"^[^\n]{1,1500}$"
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        LSVID(str(root))


def test_a_line_that_only_looks_blank_is_no_end_of_the_list(root):
    write_list(root, "train", [*lines_of(TRAIN)[:-1], "\u2028"])
    with pytest.raises(ValueError, match=r"line \d+: control characters and line sep.*u2028"):
        LSVID(str(root))


def test_a_missing_folder_is_named_with_its_line(root):
    write_list(root, "train", ["tracklet_train/0009/0009_1 9"])
    with pytest.raises(
        FileNotFoundError, match=r"line 1: the folder .*train/0009', does not exist"
    ):
        LSVID(str(root))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0003_2_16_3.jpg", "camera 1 to 15, frame.*got 0003_2_16_3.jpg"),
        ("0003_2_00_3.jpg", "camera 1 to 15, frame.*got 0003_2_00_3.jpg"),
        ("0003_2_c4_3.jpg", "camera 1 to 15, frame.*got 0003_2_c4_3.jpg"),
        ("0003_2_04_x.jpg", "camera 1 to 15, frame.*got 0003_2_04_x.jpg"),
        ("0003_2_04_.jpg", "camera 1 to 15, frame.*got 0003_2_04_.jpg"),
        ("0003_2_04.jpg", "camera 1 to 15, frame.*got 0003_2_04.jpg"),
        ("0003_2_05_3.jpg", "one camera, got 0003_2_04_1.jpg and 0003_2_05_3.jpg"),
        ("0003_2_04_01.jpg", "a number of its own"),
    ],
)
def test_frames_that_disagree_are_refused(root, name, message):
    (root / "tracklet_train" / "0003" / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=rf"list_seq_train\.txt: line 1: .*{message}"):
        LSVID(str(root))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([4], "'query' counts the 3 test tracklets from 1, got 4"),
        ([0], "'query' counts the 3 test tracklets from 1, got 0"),
        ([2, 2], "a tracklet is a query once, got 2 twice"),
        ([1.5], "'query' must hold whole numbers"),
    ],
)
def test_broken_queries_are_refused(root, numbers, message):
    write_queries(root, numbers)
    with pytest.raises(ValueError, match=rf"info_test\.mat.*{message}"):
        LSVID(str(root), split="test")


def test_queries_saved_by_an_older_matlab_are_read(root):
    savemat(root / "test" / "data" / "info_test.mat", {"query": np.array([[2]])})
    splits = [i["split"] for i in infos(LSVID(str(root), split="test"))]
    assert splits == ["gallery", "query", "gallery"]


def test_without_h5py_the_test_split_says_what_to_install(root, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert len(LSVID(str(root))) == 4
    with pytest.raises(ValueError, match=r"info_test\.mat is a MATLAB 7\.3 .*pip install h5py"):
        LSVID(str(root), split="test")


@pytest.mark.parametrize(
    "name",
    [
        "list_sequence/list_seq_train.txt",
        "list_sequence/list_seq_test.txt",
        "test/data/info_test.mat",
    ],
)
def test_a_missing_file_is_named_with_the_layout(root, name):
    (root / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{name} does not exist\. LS-VID needs below"):
        LSVID(str(root))


def test_a_list_of_another_encoding_is_named(root):
    (root / "list_sequence" / "list_seq_test.txt").write_bytes(b"tracklet_test/\xe4_1 5\n")
    with pytest.raises(ValueError, match=r"list_seq_test\.txt must be UTF-8 text"):
        LSVID(str(root))


def test_an_empty_list_is_refused(root):
    (root / "list_sequence" / "list_seq_test.txt").write_text("\n")
    with pytest.raises(ValueError, match=r"list_seq_test\.txt must list at least one tracklet"):
        LSVID(str(root))


def test_it_builds_from_a_config(root):
    config = {"type": "LSVID", "data_root": str(root), "split": "test"}
    assert len(DATASETS.build(config)) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tracklet_train/0003/0003_9 03", "line 5: .* because 3 and 03 would both be person 3"),
        ("tracklet_train/0003/0003_2 ３", "line 5: the pid must be a whole number"),
        ("tracklet_train/0003/0003_2_ 7", "line 5: every tracklet must be listed once, but line 1"),
    ],
)
def test_lines_that_fall_together_are_refused(root, line, message):
    write_list(root, "train", [*lines_of(TRAIN), line])
    with pytest.raises(ValueError, match=rf"list_seq_train\.txt: {message}"):
        LSVID(str(root))


def test_cameras_that_fall_together_are_refused_with_both_names(root):
    (root / "tracklet_train" / "0003" / "0003_5_4_1.jpg").write_bytes(b"x")
    write_list(root, "train", [*lines_of(TRAIN), "tracklet_train/0003/0003_5 3"])
    with pytest.raises(ValueError, match="04 and 4 would both be camera 4"):
        LSVID(str(root))
