from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat

from mmctl.datasets.synthetic import DrawnSettings, draw_planned, plan_tracklets

REAL = Path(os.environ.get("MMCTL_MARS_INFO", "absent"))


def names_of(root: Path, split: str) -> list[str]:
    return (root / "info" / f"{split}_name.txt").read_text().splitlines()


def table_of(root: Path, split: str) -> np.ndarray:
    return loadmat(root / "info" / f"tracks_{split}_info.mat")[f"track_{split}_info"]


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_named_frame_is_a_picture_in_its_folder(
    drawn_root: Path, tiny: DrawnSettings, split: str
) -> None:
    names = names_of(drawn_root, split)
    for name in names:
        picture = cv2.imread(str(drawn_root / f"bbox_{split}" / name[:4] / name))
        assert picture.shape == (*tiny.size, 3)
    assert len(names) == len(list((drawn_root / f"bbox_{split}").rglob("*"))) - len(
        list((drawn_root / f"bbox_{split}").iterdir())
    )


@pytest.mark.parametrize("split", ["train", "test"])
def test_rows_count_frames_from_one_and_include_the_last(drawn_root: Path, split: str) -> None:
    table, names = table_of(drawn_root, split), names_of(drawn_root, split)
    assert table.dtype == np.int32
    assert table[0, 0] == 1
    assert table[-1, 1] == len(names)
    np.testing.assert_array_equal(table[1:, 0], table[:-1, 1] + 1)
    for start, end, pid, camid in table.astype(int):
        own = names[start - 1 : end]
        assert {name[:11] for name in own} == {own[0][:11]}
        assert int(own[0][:4].replace("00-1", "-1")) == pid
        assert int(own[0][5]) == camid
        assert [int(name[12:15]) for name in own] == list(range(1, end - start + 2))


def test_queries_count_from_one_in_uint16(drawn_root: Path) -> None:
    queries = loadmat(drawn_root / "info" / "query_IDX.mat")["query_IDX"]
    assert queries.dtype == np.uint16
    assert queries.shape == (1, 8)
    rows = table_of(drawn_root, "test")[queries[0].astype(np.int64) - 1]
    assert rows[:, 2:].tolist() == [[pid, camid] for pid in (2, 4, 6, 8) for camid in (1, 2)]


@pytest.mark.skipif(
    not REAL.is_dir(), reason="MMCTL_MARS_INFO names no folder with the metadata of MARS"
)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("tracks_train_info.mat", "track_train_info"),
        ("tracks_test_info.mat", "track_test_info"),
        ("query_IDX.mat", "query_IDX"),
    ],
)
def test_types_and_order_are_those_of_the_real_files(drawn_root: Path, name: str, key: str) -> None:
    ours, theirs = loadmat(drawn_root / "info" / name), loadmat(REAL / name)
    public = [{entry for entry in content if entry[0] != "_"} for content in (ours, theirs)]
    assert public == [{key}, {key}]
    assert ours[key].dtype == theirs[key].dtype
    assert ours[key].ndim == theirs[key].ndim
    for content in (ours[key].astype(int), theirs[key].astype(int)):
        if key == "query_IDX":
            assert (np.diff(content[0]) > 0).all()
        else:
            order = content[:, 2] * 10 + content[:, 3]
            assert (np.diff(order) >= 0).all()


def test_keypoint_rows_follow_the_name_files(drawn_root: Path, tiny: DrawnSettings) -> None:
    keypoints = np.load(drawn_root / "info" / "keypoints.npy", mmap_mode="r")
    num_train = len(names_of(drawn_root, "train"))
    assert keypoints.shape == (num_train + len(names_of(drawn_root, "test")), 17, 3)
    assert keypoints.dtype == np.float32
    for split, first in (("train", 0), ("test", num_train)):
        planned = plan_tracklets(tiny, split)[-2]
        start = first + planned.first_row
        expected = draw_planned(tiny, planned).keypoints
        np.testing.assert_array_equal(keypoints[start : start + planned.num_frames], expected)


def test_the_finished_marker_names_settings_and_groups(
    drawn_root: Path, tiny: DrawnSettings
) -> None:
    content = json.loads((drawn_root / "info" / "drawn.json").read_text())
    assert content["settings"] == tiny.to_dict()
    people = content["people"]
    assert [people[pid]["group"] for pid in ("1", "3", "5", "7", "9")] == [0, 0, 0, 0, 1]
    assert people["2"]["split"] == "test"
    garments = ("torso", "sleeves", "legs", "shoes")
    worn = [sorted(people[pid][part] for part in garments) for pid in ("1", "3", "5", "7")]
    assert worn[0] == worn[1] == worn[2] == worn[3]
    assert content["num_frames"]["test"] == len(names_of(drawn_root, "test"))
