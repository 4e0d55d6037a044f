from __future__ import annotations

import json

import numpy as np
import pytest

from mmctl.datasets import PRID2011
from mmctl.registry import DATASETS

# Number of frames of each person in camera a and b; 21 are too few, and 201 is two people.
NUM_FRAMES = {
    "person_0001": (22, 23),
    "person_0002": (21, 40),
    "person_0003": (30, 22),
    "person_0200": (22, 22),
    "person_0004": (25, 25),
}
ENOUGH = ["person_0001", "person_0003", "person_0004", "person_0200"]
FOLDS = [
    {"train": ["person_0003", "person_0001"], "test": ["person_0200", "person_0004"]},
    {"train": ["person_0200", "person_0004"], "test": ["person_0003", "person_0002"]},
]


def add_person(root, camera, person, count):
    folder = root / "prid_2011" / "multi_shot" / f"cam_{camera}" / person
    folder.mkdir(parents=True)
    for number in reversed(range(1, count + 1)):
        (folder / f"{number:04d}.png").write_bytes(b"x")


@pytest.fixture
def root(tmp_path):
    for person, counts in NUM_FRAMES.items():
        for camera, count in zip("ab", counts, strict=True):
            add_person(tmp_path, camera, person, count)
    add_person(tmp_path, "a", "person_0201", 25)
    add_person(tmp_path, "b", "person_0201", 25)
    add_person(tmp_path, "b", "person_0749", 25)
    return tmp_path


@pytest.fixture
def published(root):
    (root / "splits_prid2011.json").write_text(json.dumps(FOLDS))
    return root


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def test_camera_a_queries_camera_b(published):
    test = infos(PRID2011(str(published), split="test", fold=0))
    assert [(i["pid"], i["camid"], i["split"]) for i in test] == [
        (4, 1, "query"),
        (200, 1, "query"),
        (4, 2, "gallery"),
        (200, 2, "gallery"),
    ]


def test_persons_of_the_training_list_are_trained_on(published):
    dataset = PRID2011(str(published), split="train", fold=1)
    rows = [(i["pid"], i["camid"], i["gt_label"]) for i in infos(dataset)]
    assert rows == [(4, 1, 0), (200, 1, 1), (4, 2, 0), (200, 2, 1)]
    assert dataset.metainfo == {"dataset_name": "PRID2011", "num_pids": 2}


def test_the_published_splits_may_name_a_person_with_few_frames(published):
    test = infos(PRID2011(str(published), split="test", fold=1))
    assert [len(i["frame_paths"]) for i in test] == [21, 30, 40, 22]


def test_frames_are_sorted_by_name(published):
    paths = PRID2011(str(published), split="test", fold=0).get_data_info(3)["frame_paths"]
    folder = published / "prid_2011" / "multi_shot" / "cam_b" / "person_0200"
    assert paths == [str(folder / f"{number:04d}.png") for number in range(1, 23)]


def test_folders_may_lie_in_the_root_itself(published):
    (published / "prid_2011" / "multi_shot").rename(published / "multi_shot")
    assert len(PRID2011(str(published))) == 4


def test_drawn_splits_halve_the_persons_with_more_than_21_frames_in_both_cameras(root):
    PRID2011(str(root))
    splits = json.loads((root / "splits_prid2011_drawn.json").read_text())["splits"]
    assert len(splits) == 10
    for fold in splits:
        assert sorted(fold["train"] + fold["test"]) == ENOUGH
        assert len(fold["test"]) == 2
    assert not (root / "splits_prid2011.json").exists()


def test_drawn_splits_are_the_same_again(root):
    first = infos(PRID2011(str(root), split="test", fold=7))
    (root / "splits_prid2011_drawn.json").unlink()
    assert infos(PRID2011(str(root), split="test", fold=7)) == first


def test_published_splits_go_before_drawn_ones(published):
    drawn = {"splits": [{"train": ["person_0001"], "test": ["person_0002"]}]}
    (published / "splits_prid2011_drawn.json").write_text(json.dumps(drawn))
    assert [i["pid"] for i in infos(PRID2011(str(published)))] == [1, 3, 1, 3]


def test_too_few_persons_with_enough_frames_are_refused(tmp_path):
    for camera in "ab":
        for person in ("person_0001", "person_0002"):
            add_person(tmp_path, camera, person, 21)
    with pytest.raises(ValueError, match=r"two persons must have 22 frames .* got 0 of 2 persons"):
        PRID2011(str(tmp_path))


def test_rows_are_camera_a_then_camera_b_without_people_of_one_camera(published):
    names = PRID2011(str(published)).frame_names()
    first, second = (sum(counts[camera] for counts in NUM_FRAMES.values()) for camera in (0, 1))
    assert len(names) == first + second
    assert not any("person_0201" in name or "person_0749" in name for name in names)
    assert names[0] == "prid_2011/multi_shot/cam_a/person_0001/0001.png"
    np.save(published / "keypoints.npy", np.zeros((len(names), 17, 3), np.float32))
    dataset = PRID2011(str(published), split="test", keypoint_file="keypoints.npy")
    for info in infos(dataset):
        paths = [str(published / names[row]) for row in info["keypoint_rows"]]
        assert paths == info["frame_paths"]


def test_a_fold_beyond_the_file_is_refused(published):
    with pytest.raises(ValueError, match=r"PRID2011's fold must be below 2.*prid2011\.json, got 2"):
        PRID2011(str(published), fold=2)


def test_a_person_without_a_folder_is_refused(root):
    fold = {"train": ["person_0001"], "test": ["person_0150"]}
    (root / "splits_prid2011.json").write_text(json.dumps([fold]))
    with pytest.raises(ValueError, match=r"prid2011\.json: fold 0 names 'person_0150'"):
        PRID2011(str(root))


def test_a_shared_person_of_one_camera_is_refused(published):
    add_person(published, "a", "person_0100", 3)
    with pytest.raises(ValueError, match=r"person_0100 is in one of cam_a and cam_b only"):
        PRID2011(str(published))


def test_a_missing_camera_is_named_with_the_layout(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=r"multi_shot/cam_a does not exist\. PRID-2011 needs .*cam_a/person_0001/\*\.png",
    ):
        PRID2011(str(tmp_path))


def test_it_builds_from_a_config(published):
    config = {"type": "PRID2011", "data_root": str(published), "split": "test", "fold": 1}
    assert len(DATASETS.build(config)) == 4


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ("person_3", "0003 and 3 would both be person 3"),
        ("person_00200", "00200 and 0200 would both be person 200"),
        ("person_３", "must be named like person_0001, got person_３"),
        ("person_+3", "must be named like person_0001"),
    ],
)
def test_persons_that_fall_together_are_refused_with_both_names(published, person, message):
    for camera in "ab":
        add_person(published, camera, person, 2)
    with pytest.raises(ValueError, match=message):
        PRID2011(str(published))
