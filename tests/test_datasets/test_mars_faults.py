"""Info files of MARS that are missing, malformed or contradict each other: named with the place."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mmctl.datasets import MARS
from tests.test_datasets.mars_info import (
    NUM_TEST_FRAMES,
    NUM_TRAIN_FRAMES,
    TRAIN,
    edit_lines,
    write_info,
)


@pytest.fixture
def root(tmp_path):
    return write_info(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "train_name.txt",
        "test_name.txt",
        "tracks_train_info.mat",
        "tracks_test_info.mat",
        "query_IDX.mat",
    ],
)
def test_a_missing_info_file_is_named_with_the_layout(root, name):
    (root / "info" / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"info/{name} does not exist.*bbox_train/<pid>"):
        MARS(str(root))


@pytest.mark.parametrize(
    "name",
    [
        "0003C1T0001F1.jpg",
        "0003C1T0001F001.png",
        "0003CxT0001F001.jpg",
        "0-13C1T0001F001.jpg",
        "",
        "0003C1T0001F001.jpg ",
        "é003C1T0001F01.jpg",
    ],
)
def test_a_malformed_name_is_quoted_with_its_line(root, name):
    edit_lines(root / "info/train_name.txt", lambda lines: lines.__setitem__(5, name))
    with pytest.raises(ValueError, match=r"train_name\.txt: every line must be.* line 6 is"):
        MARS(str(root))


def test_an_empty_name_file_is_refused(root):
    (root / "info/train_name.txt").write_text("")
    with pytest.raises(ValueError, match="at least one frame, got an empty file"):
        MARS(str(root))


def change_row(root, row, column, value, split="train"):
    key = f"track_{split}_info"
    path = root / f"info/tracks_{split}_info.mat"
    rows = loadmat(path)[key]
    rows[row, column] = value
    savemat(path, {key: rows})


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, 0, r"row 2 must point to lines 1 <= start <= end <= 9 .*got 0\.\.6"),
        (0, 7, r"row 2 must point to .*got 7\.\.6"),
        (1, 10, r"row 2 must point to .*got 5\.\.10"),
        (2, 5, r"row 2 has pid 5, but line 5 .*has 3 \(0003C2T0001F001\.jpg\)"),
        (3, 4, r"row 2 has camid 4, but line 5 .*has 2 \(0003C2T0001F001\.jpg\)"),
        (0, 4, r"row 2 has camid 2, but line 4 .*has 1 \(0003C1T0001F004\.jpg\)"),
        (1, 7, r"row 2 has pid 3, but line 7 .*has 11 \(0011C6T0001F001\.jpg\)"),
    ],
)
def test_a_row_that_disagrees_with_the_names_is_named(root, column, value, message):
    change_row(root, 1, column, value)
    with pytest.raises(ValueError, match=message):
        MARS(str(root))


def test_an_off_by_one_within_the_last_line_is_seen(root):
    edit_lines(
        root / "info/test_name.txt", lambda lines: lines.__setitem__(13, "0009C3T0001F002.jpg")
    )
    with pytest.raises(ValueError, match=r"row 5 has camid 2, but line 14 .*has 3"):
        MARS(str(root), split="test")


def test_a_row_of_two_tracklets_is_refused(tmp_path):
    root = write_info(tmp_path)
    edit_lines(
        root / "info/train_name.txt", lambda lines: lines.__setitem__(2, "0003C1T0002F003.jpg")
    )
    with pytest.raises(ValueError, match=r"row 1 .*one tracklet.*line 2 is .* line 3 is .*T0002"):
        MARS(str(root))


@pytest.mark.parametrize("name", ["0003C1T0001F001.jpg", "0003C1T0001F002.jpg"])
def test_frames_out_of_order_or_twice_are_refused(root, name):
    edit_lines(root / "info/train_name.txt", lambda lines: lines.__setitem__(2, name))
    with pytest.raises(ValueError, match=r"row 1 .*time order, each once, but line 2 is"):
        MARS(str(root))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_line_of_no_row_is_named(root, split):
    edit_lines(root / f"info/{split}_name.txt", lambda lines: lines.append("0011C6T0002F001.jpg"))
    line = 1 + (NUM_TRAIN_FRAMES if split == "train" else NUM_TEST_FRAMES)
    message = (
        rf"tracks_{split}_info\.mat: every line of .*{split}_name\.txt must belong to exactly one "
        rf"row.* line {line} \(0011C6T0002F001\.jpg\) belongs to 0 rows"
    )
    with pytest.raises(ValueError, match=message):
        MARS(str(root), split=split)


def test_a_line_between_two_rows_is_named(root):
    change_row(root, 2, 0, 8)
    with pytest.raises(ValueError, match=r"line 7 \(0011C6T0001F001\.jpg\) belongs to 0 rows"):
        MARS(str(root))


def test_a_line_of_two_rows_is_named(root):
    path = root / "info/tracks_train_info.mat"
    rows = loadmat(path)["track_train_info"]
    savemat(path, {"track_train_info": rows[[0, 1, 1, 2]]})
    with pytest.raises(ValueError, match=r"line 5 \(0003C2T0001F001\.jpg\) belongs to 2 rows"):
        MARS(str(root))


@pytest.mark.parametrize("pid", [0, -1])
def test_junk_and_distractors_are_no_training_tracklets(tmp_path, pid):
    root = write_info(tmp_path, train=[*TRAIN, (pid, 1, 2)])
    message = rf"tracks_train_info\.mat: .*pid 1 or more.* tracklet 3 has pid {pid}$"
    with pytest.raises(ValueError, match=message):
        MARS(str(root))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tracks_train_info", {"track_info": np.ones((2, 4))}, "'track_train_info', it holds"),
        ("tracks_train_info", {"track_train_info": np.ones((2, 3))}, r"\(tracklets, 4\).*\(2, 3\)"),
        ("tracks_train_info", {"track_train_info": np.full((2, 4), 1.5)}, "whole numbers"),
        ("tracks_train_info", {"track_train_info": "text"}, "real numbers, got text"),
        ("query_IDX", {"query": np.ones((1, 2))}, "'query_IDX', it holds"),
        ("query_IDX", {"query_IDX": np.ones((2, 2))}, r"\(1, queries\), got \(2, 2\)"),
        ("query_IDX", {"query_IDX": np.array([[3, 6]])}, "counts the 5 test tracklets.* got 6"),
        ("query_IDX", {"query_IDX": np.array([[0, 3]])}, "counts the 5 test tracklets.* got 0"),
        ("query_IDX", {"query_IDX": np.array([[3, 3]])}, "a query once, got 3 twice"),
        ("query_IDX", {"query_IDX": np.array([[3, 2]])}, "but tracklet 2 has pid 0"),
    ],
)
def test_a_malformed_mat_file_is_named(root, name, content, message):
    savemat(root / f"info/{name}.mat", content)
    with pytest.raises(ValueError, match=rf"{name}\.mat.*{message}"):
        MARS(str(root), split="train" if "train" in name else "test")


def test_a_file_that_is_no_mat_file_is_named(root):
    (root / "info/tracks_train_info.mat").write_bytes(b"version https://git-lfs")
    with pytest.raises(ValueError, match=r"tracks_train_info\.mat is not a readable MATLAB"):
        MARS(str(root))
