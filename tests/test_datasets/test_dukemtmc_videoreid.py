from __future__ import annotations

import numpy as np
import pytest

from mmctl.datasets import DukeMTMCVideoReID
from mmctl.registry import DATASETS

# Section, person, tracklet, camera, frame numbers; the first frame is not always number 1.
TRACKLETS = [
    ("train", "0002", "0004", 3, (1, 2)),
    ("train", "0002", "0003", 6, (2, 3, 4)),
    ("train", "0010", "0001", 1, (1,)),
    ("query", "0005", "0007", 2, (1, 2)),
    ("gallery", "0005", "0008", 4, (1, 2, 3)),
    ("gallery", "7140", "2193", 2, (1,)),
]
OLD, NEW = "{pid}C{camid}F{frame:04d}X{video}.jpg", "{pid}_C{camid}_F{frame:04d}_X{video}.jpg"


def draw(root, name):
    for section, pid, tracklet, camid, frames in TRACKLETS:
        folder = root / section / pid / tracklet
        folder.mkdir(parents=True)
        for frame in reversed(frames):
            text = name.format(pid=pid, camid=camid, frame=frame, video=30000 + frame)
            (folder / text).write_bytes(b"x")
    return root


@pytest.fixture(params=[OLD, NEW], ids=["old names", "new names"])
def named(tmp_path, request):
    return draw(tmp_path, request.param), request.param


@pytest.fixture
def root(tmp_path):
    return draw(tmp_path, NEW)


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_tracklets_are_sorted_and_cameras_read_from_both_kinds_of_names(named):
    root, _ = named
    dataset = DukeMTMCVideoReID(str(root))
    rows = [(i["pid"], i["camid"], i["gt_label"], len(i["frame_paths"])) for i in infos(dataset)]
    assert rows == [(2, 6, 0, 3), (2, 3, 0, 2), (10, 1, 1, 1)]
    assert dataset.metainfo == {"dataset_name": "DukeMTMCVideoReID", "num_pids": 2}


def test_the_test_split_is_query_then_gallery(named):
    root, _ = named
    test = infos(DukeMTMCVideoReID(str(root), split="test"))
    rows = [(i["pid"], i["camid"], i["split"]) for i in test]
    assert rows == [(5, 2, "query"), (5, 4, "gallery"), (7140, 2, "gallery")]


def test_all_frames_are_there_in_order_from_whichever_number(named):
    root, name = named
    paths = infos(DukeMTMCVideoReID(str(root)))[0]["frame_paths"]
    folder = root / "train" / "0002" / "0003"
    expected = [name.format(pid="0002", camid=6, frame=f, video=30000 + f) for f in (2, 3, 4)]
    assert paths == [str(folder / text) for text in expected]


def test_rows_are_train_query_gallery(root):
    names = DukeMTMCVideoReID(str(root), split="test").frame_names()
    assert len(names) == 12
    assert [name.split("/")[0] for name in names] == ["train"] * 6 + ["query"] * 2 + ["gallery"] * 4
    np.save(root / "keypoints.npy", np.zeros((12, 17, 3), np.float32))
    for split in ("train", "test"):
        dataset = DukeMTMCVideoReID(str(root), split=split, keypoint_file="keypoints.npy")
        for info in infos(dataset):
            assert [str(root / names[row]) for row in info["keypoint_rows"]] == info["frame_paths"]


def test_a_keypoint_array_of_another_length_is_refused(root):
    np.save(root / "keypoints.npy", np.zeros((11, 17, 3), np.float32))
    with pytest.raises(ValueError, match="12 frames, got 11 rows"):
        DukeMTMCVideoReID(str(root), keypoint_file="keypoints.npy")


def test_other_sections_are_not_listed_without_keypoints(root):
    (root / "gallery" / "0005" / "0008" / "wrong.jpg").write_bytes(b"x")
    assert len(DukeMTMCVideoReID(str(root))) == 3
    with pytest.raises(ValueError, match=r"wrong\.jpg"):
        DukeMTMCVideoReID(str(root), split="test")


def test_other_files_and_hidden_ones_are_passed_over(root):
    folder = root / "train" / "0010" / "0001"
    for name in ("notes.txt", "._0010_C1_F0001_X30001.jpg", ".DS_Store"):
        (folder / name).write_bytes(b"x")
    assert len(infos(DukeMTMCVideoReID(str(root)))[2]["frame_paths"]) == 1


@pytest.mark.parametrize("section", ["train", "query", "gallery"])
def test_a_missing_section_is_named_with_the_layout(root, section):
    (root / section).rename(root / "elsewhere")
    with pytest.raises(
        FileNotFoundError, match=rf"{section} does not exist\. DukeMTMC-VideoReID needs .*query and"
    ):
        DukeMTMCVideoReID(str(root))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("train/0010/0001/0010_C1_F0002.jpg", r"0010/0001: every frame must be named like .*F0002"),
        ("train/0010/0001/0011_C1_F0002_X3.jpg", r"of the person of its folder, 10, got 0011_C1"),
        ("train/0010/0001/0010_C2_F0002_X3.jpg", r"one camera, got 0010_C1_F0001.* and 0010_C2_F0"),
        ("train/0010/0001/0010_C1_F0001_X9.jpg", r"F0001_X9.jpg \(frame 1\) comes after 0010_C1"),
        ("train/0010/0001/0010_C1_F00009_X9.jpg", r"comes after .* \(frame 9\)"),
        ("train/backup/0001/a.jpg", r"every folder of train must be named by a pid .*got backup"),
        ("train/0000/0001/a.jpg", r"every folder of train must be named by a pid .*got 0000"),
    ],
)
def test_frames_that_disagree_are_refused(root, place, message):
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match=message):
        DukeMTMCVideoReID(str(root))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("train/0011/0009", r"0011/0009 must hold the \.jpg frames of one tracklet, got none"),
        ("train/0011", "0011 must hold a folder per tracklet, got none"),
    ],
)
def test_empty_folders_are_refused(root, place, message):
    (root / place).mkdir(parents=True)
    with pytest.raises(ValueError, match=message):
        DukeMTMCVideoReID(str(root))


def test_a_section_without_persons_is_refused(tmp_path):
    for section in ("train", "query", "gallery"):
        (tmp_path / section).mkdir()
    with pytest.raises(ValueError, match="train must hold folders of persons, got none"):
        DukeMTMCVideoReID(str(tmp_path))


def test_it_builds_from_a_config(root):
    config = {"type": "DukeMTMCVideoReID", "data_root": str(root), "split": "test"}
    assert len(DATASETS.build(config)) == 3


@pytest.mark.parametrize(
    ("folder", "name", "message"),
    [
        ("train/2", "2_C3_F0001_X1.jpg", "0002 and 2 would both be person 2"),
        ("query/00005", "00005_C2_F0001_X1.jpg", "0005 and 5|00005 and 0005 would both be person"),
        ("gallery/5", "5_C4_F0001_X1.jpg", "0005 and 5 would both be person 5"),
        ("train/0003", "0003_C03_F0001_X1.jpg", "3 and 03 would both be camera 3"),
        ("train/３", "３_C3_F0001_X1.jpg", "must be named by a pid .* got ３"),
        ("train/+3", "3_C3_F0001_X1.jpg", r"must be named by a pid .* got \+3"),
        ("train/ 3", "3_C3_F0001_X1.jpg", "must be named by a pid .* got  3"),
        ("train/3\n", "3_C3_F0001_X1.jpg", "a name must be one line"),
        ("train/0003", "0003_C３_F0001_X1.jpg", "must be named like"),
    ],
)
def test_numbers_that_fall_together_are_refused_with_both_names(root, folder, name, message):
    (root / folder / "0001").mkdir(parents=True)
    (root / folder / "0001" / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=message):
        DukeMTMCVideoReID(str(root), split="train" if "train" in folder else "test")
