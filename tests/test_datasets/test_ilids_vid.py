import json

import numpy as np
import pytest
from scipy.io import savemat

from mmctl.datasets import ILIDSVID, two_camera_dataset
from mmctl.registry import DATASETS

PERSONS = ["person001", "person002", "person010", "person319"]
# Number of frames of each person in camera 1 and 2
NUM_FRAMES = {1: [2, 3, 1, 2], 2: [1, 2, 2, 4]}
TOTAL = 17
# Two folds; 1-based numbers of the sorted persons, the test half first
LS_SET = np.array([[4, 1, 2, 3], [3, 2, 4, 1]], dtype=np.uint16)


def sequence_folder(root, camid, person):
    return root / "i-LIDS-VID" / "sequences" / f"cam{camid}" / person


@pytest.fixture
def root(tmp_path):
    for camid, counts in NUM_FRAMES.items():
        for person, count in zip(PERSONS, counts, strict=True):
            folder = sequence_folder(tmp_path, camid, person)
            folder.mkdir(parents=True)
            # Written backwards, so that the order of creation is not the order of names.
            for frame in reversed(range(count)):
                (folder / f"cam{camid}_{person}_{frame + 7:05d}.png").write_bytes(b"x")
    return tmp_path


@pytest.fixture
def official(root):
    folder = root / "train-test people splits"
    folder.mkdir()
    savemat(folder / "train_test_splits_ilidsvid.mat", {"ls_set": LS_SET})
    return root


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_the_first_half_of_a_row_is_the_test_set(official):
    test = infos(ILIDSVID(str(official), split="test", fold=0))
    assert [(i["pid"], i["camid"], i["split"]) for i in test] == [
        (1, 1, "query"),
        (319, 1, "query"),
        (1, 2, "gallery"),
        (319, 2, "gallery"),
    ]
    assert [i["tracklet_id"] for i in test] == [0, 1, 2, 3]


def test_the_last_half_of_a_row_is_the_training_set(official):
    dataset = ILIDSVID(str(official), split="train", fold=1)
    rows = [(i["pid"], i["camid"], i["gt_label"]) for i in infos(dataset)]
    assert rows == [(1, 1, 0), (319, 1, 1), (1, 2, 0), (319, 2, 1)]
    assert dataset.metainfo == {"dataset_name": "ILIDSVID", "num_pids": 2}


def test_frames_are_sorted_by_name(official):
    info = ILIDSVID(str(official), split="test").get_data_info(3)
    folder = sequence_folder(official, 2, "person319")
    expected = [str(folder / f"cam2_person319_{frame:05d}.png") for frame in range(7, 11)]
    assert info["frame_paths"] == expected


def test_keypoint_rows_are_camera_1_then_camera_2(official):
    np.save(official / "keypoints.npy", np.zeros((TOTAL, 17, 3), dtype=np.float32))
    arguments = {"data_root": str(official), "keypoint_file": "keypoints.npy"}
    test = [i["keypoint_rows"].tolist() for i in infos(ILIDSVID(split="test", **arguments))]
    # Camera 1 has rows 0-7 (2, 3, 1, 2 frames), camera 2 rows 8-16 (1, 2, 2, 4 frames)
    assert test == [[0, 1], [6, 7], [8], [13, 14, 15, 16]]
    train = [i["keypoint_rows"].tolist() for i in infos(ILIDSVID(**arguments))]
    assert train == [[2, 3, 4], [5], [9, 10], [11, 12]]


def test_a_keypoint_array_of_another_length_is_refused(official):
    np.save(official / "keypoints.npy", np.zeros((TOTAL - 1, 17, 3), dtype=np.float32))
    with pytest.raises(ValueError, match="17 frames, got 16 rows"):
        ILIDSVID(str(official), keypoint_file="keypoints.npy")


@pytest.mark.parametrize("fold", [2, 10])
def test_a_fold_beyond_the_file_is_refused(official, fold):
    with pytest.raises(ValueError, match=f"fold must be below 2.* got {fold}"):
        ILIDSVID(str(official), fold=fold)


@pytest.mark.parametrize("fold", [-1, 1.0, "0"])
def test_a_fold_that_is_no_number_is_refused(official, fold):
    with pytest.raises(ValueError, match="fold must be an integer, 0 or more"):
        ILIDSVID(str(official), fold=fold)


def test_without_the_official_file_splits_are_drawn_saved_and_the_same_again(root):
    saved = root / "splits_ilids_vid.json"
    first = [infos(ILIDSVID(str(root), split="test", fold=fold)) for fold in (0, 9)]
    content = saved.read_text()
    again = [infos(ILIDSVID(str(root), split="test", fold=fold)) for fold in (0, 9)]
    assert first == again
    saved.unlink()
    ILIDSVID(str(root))
    assert saved.read_text() == content
    assert not list(root.glob(".splits*"))


def test_drawn_splits_differ_between_folds_and_halve_the_persons(root):
    ILIDSVID(str(root))
    splits = json.loads((root / "splits_ilids_vid.json").read_text())["splits"]
    assert len(splits) == 10
    assert len({tuple(fold["test"]) for fold in splits}) > 1
    for fold in splits:
        assert sorted(fold["train"] + fold["test"]) == PERSONS
        assert len(fold["test"]) == 2


def test_drawn_splits_are_announced_whenever_they_are_used(root, monkeypatch):
    said = []
    monkeypatch.setattr(two_camera_dataset, "print_log", lambda text, **_: said.append(text))
    ILIDSVID(str(root))
    ILIDSVID(str(root), split="test")
    assert len(said) == 2
    for text in said:
        assert str(root / "splits_ilids_vid.json") in text
        assert "cannot be compared with published ones" in text


def test_official_and_named_splits_are_not_announced(official, monkeypatch):
    said = []
    monkeypatch.setattr(two_camera_dataset, "print_log", lambda text, **_: said.append(text))
    ILIDSVID(str(official))
    fold = {"train": ["person002"], "test": ["person010"]}
    (official / "own.json").write_text(json.dumps([fold]))
    ILIDSVID(str(official), split_file="own.json")
    assert said == []


def test_a_pid_of_more_than_64_bits_is_refused(official):
    name = f"person{'9' * 20}"
    for camid in (1, 2):
        before = sequence_folder(official, camid, "person319")
        before.rename(before.with_name(name))
    with pytest.raises(ValueError, match=rf"kept in 64 bits, but tracklet 1 \(.*cam1/{name}/"):
        ILIDSVID(str(official), split="test")


def test_a_split_file_may_lie_in_the_home_folder(official, monkeypatch):
    monkeypatch.setenv("HOME", str(official))
    fold = {"train": ["person002"], "test": ["person010"]}
    (official / "own.json").write_text(json.dumps([fold]))
    dataset = ILIDSVID("~", split="test", split_file="~/own.json")
    assert [i["pid"] for i in infos(dataset)] == [10, 10]


def test_an_edited_json_file_is_followed(root):
    fold = {"train": ["person002"], "test": ["person010"]}
    (root / "own.json").write_text(json.dumps({"splits": [fold]}))
    dataset = ILIDSVID(str(root), split="test", split_file="own.json")
    assert [i["pid"] for i in infos(dataset)] == [10, 10]
    assert not (root / "splits_ilids_vid.json").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ('{"splits": [{"train": []}]}', "fold 0 lacks the key 'test'"),
        ("[]", "must be like .*, got \\[\\]"),
        ("3", "must be like"),
        ("[" * 100_000, "nested too deeply"),
        ('{"splits": ' + "1" * 5000 + "}", "4300 digits"),
        ('{"splits": [{"train": ["person003"], "test": []}]}', "fold 0 names 'person003'"),
        (
            '{"splits": [{"train": ["person001"], "test": ["person001"]}]}',
            "fold 0 must have each person once.* has person001 twice",
        ),
    ],
)
def test_a_broken_json_file_is_refused(root, content, message):
    (root / "own.json").write_text(content)
    with pytest.raises(ValueError, match=rf"own\.json.*{message}"):
        ILIDSVID(str(root), split_file="own.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"ls": LS_SET}, "must hold the array 'ls_set', it holds"),
        ({"ls_set": LS_SET[:, :3]}, r"the 4 persons that have a folder, got \(2, 3\)"),
        ({"ls_set": np.array([[1, 2, 3, 4], [1, 1, 2, 3]])}, "row 2 .* each number 1..4 once"),
        ({"ls_set": LS_SET - 1}, "row 1 .* each number 1..4 once"),
    ],
)
def test_a_broken_official_file_is_refused(root, content, message):
    savemat(root / "own.mat", content)
    with pytest.raises(ValueError, match=rf"own\.mat.*{message}"):
        ILIDSVID(str(root), split_file="own.mat")


def test_a_missing_split_file_is_named(root):
    with pytest.raises(FileNotFoundError, match=r"split file .*own\.mat does not exist"):
        ILIDSVID(str(root), split_file="own.mat")


def test_a_missing_camera_is_named_with_the_layout(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cam1 does not exist\. iLIDS-VID needs"):
        ILIDSVID(str(tmp_path))


def test_persons_of_one_camera_only_are_refused(root):
    sequence_folder(root, 2, "person400").mkdir()
    with pytest.raises(ValueError, match="same persons, but person400 is in one"):
        ILIDSVID(str(root))


def test_a_folder_of_another_name_is_refused(root):
    sequence_folder(root, 1, "backup").mkdir()
    with pytest.raises(ValueError, match="named like person001, got backup"):
        ILIDSVID(str(root))


def test_a_person_without_frames_is_refused(official):
    folder = sequence_folder(official, 1, "person002")
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"person002 must hold the \.png frames"):
        ILIDSVID(str(official), split="test")


def test_frames_are_named_below_the_folder_in_the_order_of_the_rows(official):
    names = ILIDSVID(str(official)).frame_names()
    assert len(names) == TOTAL
    assert names[0] == "i-LIDS-VID/sequences/cam1/person001/cam1_person001_00007.png"
    assert names[8] == "i-LIDS-VID/sequences/cam2/person001/cam2_person001_00007.png"


def test_numbers_without_leading_zeros_are_refused(official):
    folder = sequence_folder(official, 1, "person002")
    for number in (9, 10):
        (folder / f"cam1_person002_{number}.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"person002: frames sorted by name must be in time order"):
        ILIDSVID(str(official))


def test_a_frame_without_a_number_is_refused(official):
    (sequence_folder(official, 1, "person002") / "cam_person_x.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"must have its number, as 0001.png.*got cam_person_x"):
        ILIDSVID(str(official))


def test_hidden_files_are_passed_over(official):
    (sequence_folder(official, 1, "person001") / "._cam1_person001_00007.png").write_bytes(b"x")
    (sequence_folder(official, 1, "person001").parent / ".cache").mkdir()
    assert len(ILIDSVID(str(official), split="test").get_data_info(0)["frame_paths"]) == 2


def test_it_builds_from_a_config(official):
    config = {"type": "ILIDSVID", "data_root": str(official), "split": "test", "fold": 1}
    assert len(DATASETS.build(config)) == 4
