import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mmctl.datasets import MARS
from mmctl.registry import DATASETS

# pid, camid, number of frames of each tracklet
TRAIN = [(3, 1, 4), (3, 2, 2), (11, 6, 3)]
TEST = [(-1, 1, 2), (0, 2, 3), (4, 1, 2), (4, 3, 5), (9, 2, 2)]
NUM_TRAIN_FRAMES, NUM_TEST_FRAMES = 9, 14
OFFICIAL_INFO = os.environ.get("MMCTL_MARS_INFO", "")


def frame_names(tracklets):
    names, seen = [], {}
    for pid, camid, num_frames in tracklets:
        track = seen[pid, camid] = seen.get((pid, camid), 0) + 1
        person = "00-1" if pid == -1 else f"{pid:04d}"
        names += [f"{person}C{camid}T{track:04d}F{i + 1:03d}.jpg" for i in range(num_frames)]
    return names


def row_table(tracklets):
    ends = np.cumsum([num_frames for *_, num_frames in tracklets])
    return np.array(
        [
            [end - num_frames + 1, end, pid, camid]
            for (pid, camid, num_frames), end in zip(tracklets, ends, strict=True)
        ],
        dtype=np.int32,
    )


def write_info(root, train=TRAIN, test=TEST, queries=(3, 5)):
    info = root / "info"
    info.mkdir(exist_ok=True)
    for split, tracklets in (("train", train), ("test", test)):
        (info / f"{split}_name.txt").write_text("\n".join(frame_names(tracklets)) + "\n")
        savemat(info / f"tracks_{split}_info.mat", {f"track_{split}_info": row_table(tracklets)})
    savemat(info / "query_IDX.mat", {"query_IDX": np.array([queries], dtype=np.uint16)})
    return root


@pytest.fixture
def root(tmp_path):
    return write_info(tmp_path)


def edit_lines(path, change):
    lines = path.read_text().splitlines()
    change(lines)
    path.write_text("\n".join(lines) + "\n")


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
