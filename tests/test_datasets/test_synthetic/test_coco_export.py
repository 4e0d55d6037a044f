"""Drawn pedestrians as COCO keypoints: the file itself, and what mmpose reads from it."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmctl.datasets import MARS
from mmctl.datasets.listings.mars_names import FrameNames
from mmctl.datasets.synthetic import DrawnSettings, MarsWriter, clear_folder, write_coco_files
from mmctl.datasets.synthetic.coco_export import describe_split
from mmctl.structures import FLIP_ORDER, KEYPOINTS
from tests.drawn_sets import draw_tiny

HEIGHT, WIDTH = 64, 32


@pytest.fixture(scope="module")
def exported(drawn_mars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn set of 64x32 frames with its annotations."""
    root = tmp_path_factory.mktemp("coco") / "mars"
    shutil.copytree(drawn_mars, root)
    write_coco_files(root)
    return root


def read(root: Path, split: str) -> dict:
    return json.loads((root / "info" / f"coco_{split}.json").read_text())


def coco_dataset(root: Path, split: str, pipeline: list | None = None):
    datasets = pytest.importorskip("mmpose.datasets")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mmpose looks for its own config in our folder first
        return datasets.CocoDataset(
            data_root=str(root), ann_file=f"info/coco_{split}.json", pipeline=pipeline or []
        )


def one_frame(joints: np.ndarray, pid: int = 1) -> dict:
    number = np.array([1])
    names = FrameNames(Path(), ["0001C1T0001F001.jpg"], np.array([pid]), number, number, number)
    return describe_split("train", names, joints[None].astype(np.float32), (HEIGHT, WIDTH))


def test_images_are_the_frames_in_the_order_of_the_keypoint_array(exported: Path) -> None:
    images = [image for split in ("train", "test") for image in read(exported, split)["images"]]
    assert [image["file_name"] for image in images] == MARS(str(exported)).frame_names()
    assert [image["id"] for image in images] == list(range(1, len(images) + 1))
    for image in images:
        picture = cv2.imread(str(exported / image["file_name"]))
        assert picture.shape == (image["height"], image["width"], 3)


def test_everybody_is_annotated_once_but_junk_is_not(exported: Path) -> None:
    for split in ("train", "test"):
        content = read(exported, split)
        people = {item["id"] for item in content["images"] if "00-1" not in item["file_name"]}
        assert len(people) < len(content["images"]) or split == "train"
        assert {item["image_id"] for item in content["annotations"]} == people
        ids = [item["id"] for item in content["annotations"]]
        assert len(ids) == len(people)
        assert min(ids) >= 1  # 0 means no match in COCO's evaluation


def test_mmpose_reads_the_drawn_keypoints_back(exported: Path) -> None:
    exact = np.load(exported / "info" / "keypoints.npy")
    num_hidden = 0
    for split in ("train", "test"):
        for sample in coco_dataset(exported, split):
            drawn = exact[sample["img_id"] - 1]
            inside = (drawn[:, :2] >= -0.5).all(axis=1)
            inside &= (drawn[:, :2] <= np.array([WIDTH, HEIGHT]) - 0.5).all(axis=1)
            np.testing.assert_array_equal(sample["keypoints_visible"][0], inside)
            np.testing.assert_allclose(
                sample["keypoints"][0][inside], drawn[inside, :2], atol=0.005
            )
            num_hidden += int((inside & (drawn[:, 2] == 0)).sum())
            assert Path(sample["img_path"]).is_file()
    assert num_hidden > 50


def test_mmpose_has_the_same_names_mirror_and_skeleton(exported: Path) -> None:
    dataset = coco_dataset(exported, "train")
    names = dataset.metainfo["keypoint_id2name"]
    assert tuple(names[index] for index in range(17)) == KEYPOINTS
    assert tuple(dataset.metainfo["flip_indices"]) == FLIP_ORDER
    category = read(exported, "train")["categories"][0]
    assert category["keypoints"] == list(KEYPOINTS)
    theirs = {frozenset(link) for link in dataset.metainfo["skeleton_links"]}
    assert {frozenset((a - 1, b - 1)) for a, b in category["skeleton"]} == theirs


def test_mmposes_cut_keeps_joints_on_their_pixels(exported: Path) -> None:
    transforms = pytest.importorskip("mmpose.datasets.transforms")
    sample = coco_dataset(exported, "train")[0]
    joint = int(np.flatnonzero(sample["keypoints_visible"][0])[0])
    column, row = np.rint(sample["keypoints"][0, joint]).astype(int)
    sample["keypoints"][0, joint] = column, row
    # One white pixel in place of the picture: after the cut it must be where its joint is.
    sample["img"] = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    sample["img"][row, column] = 255
    sample = transforms.GetBBoxCenterScale(padding=1.0)(sample)
    sample = transforms.TopdownAffine(input_size=(4 * WIDTH, 4 * HEIGHT))(sample)
    mass = sample["img"][..., 0].astype(float)
    rows, columns = np.indices(mass.shape)
    centre = np.array([(columns * mass).sum(), (rows * mass).sum()]) / mass.sum()
    np.testing.assert_allclose(sample["transformed_keypoints"][0, joint], centre, atol=0.1)


def test_visible_hidden_and_outside_joints_have_flags_2_1_and_0() -> None:
    joints = np.zeros((17, 3))
    joints[0] = (4, 6, 1)
    joints[1] = (WIDTH - 0.5, HEIGHT - 0.5, 0)  # the outer corner of the last pixel
    joints[2] = (WIDTH - 0.4, 5, 1)
    joints[3] = (5, -0.6, 0)
    joints[4:] = (-3, 5, 0)
    (person,) = one_frame(joints)["annotations"]
    triples = np.reshape(person["keypoints"], (17, 3))
    assert triples[0].tolist() == [4, 6, 2]
    assert triples[1].tolist() == [WIDTH - 0.5, HEIGHT - 0.5, 1]
    assert not triples[2:].any()
    assert person["num_keypoints"] == 2


def test_box_is_the_frame_and_area_a_share_of_what_the_joints_span() -> None:
    joints = np.zeros((17, 3))
    joints[:] = (10, 20, 1)
    joints[5] = (14, 50, 0)
    joints[6] = (100, 20, 0)  # outside: it does not count
    (person,) = one_frame(joints)["annotations"]
    assert person["bbox"] == [0, 0, WIDTH, HEIGHT]
    # (14 - 10) * (50 - 20) * 0.53
    assert person["area"] == pytest.approx(63.6)


def test_a_person_out_of_sight_has_no_keypoint_and_junk_no_annotation() -> None:
    gone = np.full((17, 3), -5.0)
    (person,) = one_frame(gone)["annotations"]
    assert (person["num_keypoints"], person["area"]) == (0, 0)
    content = one_frame(gone, pid=-1)
    assert (len(content["images"]), content["annotations"]) == (1, [])


def test_a_folder_that_was_not_drawn_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"drawn\.json does not exist.*draw_pedestrians"):
        write_coco_files(tmp_path)


def test_keypoints_of_other_frames_are_refused(drawn_mars: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_mars / "info", tmp_path / "info")
    np.save(tmp_path / "info" / "keypoints.npy", np.zeros((3, 17, 3), np.float32))
    with pytest.raises(ValueError, match=r"must have a row per frame .* got 3"):
        write_coco_files(tmp_path)


def test_drawing_anew_removes_the_annotations_of_the_old_pictures(tmp_path: Path) -> None:
    settings = DrawnSettings(
        num_train_pids=1, num_test_pids=1, num_cameras=2, frames=(1,), size=(32, 32)
    )
    MarsWriter(tmp_path / "set", settings).write()
    paths = write_coco_files(tmp_path / "set")
    assert all(path.is_file() for path in paths)
    clear_folder(tmp_path / "set")
    assert not any(path.exists() for path in paths)


def test_keypoints_with_mistakes_annotate_nothing(tmp_path: Path) -> None:
    root = draw_tiny(tmp_path / "set", keypoint_mistakes=1.0)
    header = json.loads((root / "info" / "keypoints.json").read_text())
    assert header["estimator"] == "drawn: with mistakes 1"
    with pytest.raises(ValueError, match=r"exact keypoints .* keypoint_mistakes 1\.0"):
        write_coco_files(root)
