"""Stored arrays with headers, and how data sets of each layout refuse those of others."""

import hashlib
import json
import os
import re
import signal

import numpy as np
import pytest

from mmctl.datasets import TrackletDataset
from mmctl.datasets.keypoints import keypoint_file, keypoint_header
from mmctl.datasets.keypoints.keypoint_file import write_stored_array, write_stored_blocks
from mmctl.datasets.keypoints.keypoint_header import hash_frame_list, header_path, read_header
from tests.test_apis.tiny_estimator import run_in_child
from tests.test_datasets.test_keypoints.headed_arrays import (
    FRAMES,
    HEADER,
    header_of,
    heatmaps_of,
    keypoints_of,
)


@pytest.fixture
def dataset_root(tmp_path):
    tracklets = [
        {"pid": 1, "camid": 1, "split": "train", "frames": FRAMES[:2]},
        {"pid": 2, "camid": 1, "split": "query", "frames": FRAMES[2:]},
    ]
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    return tmp_path


def open_dataset(root, **arguments):
    return TrackletDataset(data_root=str(root), **arguments)


def test_a_header_comes_back_as_it_was(tmp_path):
    path = tmp_path / "info" / "keypoints.npy"
    write_stored_array(path, keypoints_of(), HEADER)
    assert read_header(path) == HEADER
    np.testing.assert_array_equal(np.load(path), keypoints_of())
    assert sorted(p.name for p in path.parent.iterdir()) == ["keypoints.json", "keypoints.npy"]


@pytest.mark.parametrize("text", ['{"images": []}', "[1]", "no JSON"])
def test_a_file_that_is_no_header_is_never_replaced(tmp_path, text):
    path = tmp_path / "keypoints.npy"
    header_path(path).write_text(text)
    with pytest.raises(ValueError, match=r"keypoints\.json must be free for the header .*--out"):
        write_stored_array(path, keypoints_of(), HEADER)
    assert header_path(path).read_text() == text
    assert not path.exists()


def test_the_hash_is_that_of_the_lines_and_sees_order_and_boundaries(monkeypatch):
    expected = hashlib.sha256(b"a/0.jpg\na/1.jpg\nb/0.jpg\n").hexdigest()
    assert hash_frame_list(FRAMES) == expected
    monkeypatch.setattr(keypoint_header, "_NAMES_PER_CHUNK", 2)
    assert hash_frame_list(FRAMES) == expected
    assert hash_frame_list(FRAMES[::-1]) != expected
    assert hash_frame_list(["ab", "c"]) != hash_frame_list(["a", "bc"])


@pytest.mark.parametrize("kind", ["keypoints", "heatmaps"])
def test_an_array_of_the_data_set_is_taken_without_a_word(dataset_root, kind, caplog):
    array = keypoints_of() if kind == "keypoints" else heatmaps_of()
    path = dataset_root / "info" / f"{kind}.npy"
    write_stored_array(path, array, header_of(kind))
    argument = f"{kind.removesuffix('s')}_file"
    for split, rows in (("train", [0, 1]), ("test", [2])):
        info = open_dataset(dataset_root, split=split, **{argument: f"info/{path.name}"})
        data = info.get_data_info(0)
        assert data[argument] == str(path)
        assert data["keypoint_rows"].tolist() == rows
        assert len({"keypoint_file", "heatmap_file"} & set(data)) == 1


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES[::-1], r"was made for other frames \(by 'a test'\)"),
        (["a/0.png", *FRAMES[1:]], r"was made for other frames"),
    ],
)
def test_an_array_of_other_frames_is_refused_with_the_command(dataset_root, frames, message):
    path = dataset_root / "info" / "keypoints.npy"
    write_stored_array(path, keypoints_of(), header_of(frame_list_sha256=hash_frame_list(frames)))
    command = (
        r"To make it: python tools/dataset_converters/extract_keypoints\.py --dataset "
        rf"TrackletDataset --data-root {dataset_root} --ann-file annotations\.json$"
    )
    with pytest.raises(ValueError, match=rf"keypoint file .*{message}.*{command}"):
        open_dataset(dataset_root, keypoint_file="info/keypoints.npy")


def test_rows_of_other_numbers_than_the_header_s_are_refused(dataset_root):
    path = dataset_root / "info" / "keypoints.npy"
    write_stored_array(path, keypoints_of(), HEADER)
    other = header_of(num_frames=4)
    header_path(path).write_bytes(other.to_bytes())
    with pytest.raises(ValueError, match=r"has 3 rows, but its header .* says 4"):
        open_dataset(dataset_root, keypoint_file="info/keypoints.npy")
    write_stored_array(path, keypoints_of(4), other)
    with pytest.raises(ValueError, match=r"one row per frame .* 3 frames, got 4 rows\. To make it"):
        open_dataset(dataset_root, keypoint_file="info/keypoints.npy")


def test_heatmaps_in_the_place_of_keypoints_are_refused(dataset_root):
    path = dataset_root / "k.npy"
    write_stored_array(path, keypoints_of(), header_of("heatmaps"))
    command = rf"--ann-file \S+ --out {path}$"
    with pytest.raises(ValueError, match=rf"must hold keypoints, but .* says heatmaps.*{command}"):
        open_dataset(dataset_root, keypoint_file="k.npy")
    write_stored_array(path, heatmaps_of(), header_of("heatmaps"))
    with pytest.raises(ValueError, match=r"must hold float32 .* got float16 \(3, 17, 4, 2\)"):
        open_dataset(dataset_root, keypoint_file="k.npy")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (keypoints_of(), r"must hold float16 .* got float32 \(3, 17, 3\)"),
        (heatmaps_of().astype(np.float32), "must hold float16 .* got float32"),
        (heatmaps_of()[:, :16], r"must hold float16 .* got float16 \(3, 16, 4, 2\)"),
        (heatmaps_of()[:2], "must have one row per frame .* 3 frames, got 2 rows"),
    ],
)
def test_other_arrays_in_the_place_of_heatmaps_are_refused(dataset_root, array, message):
    np.save(dataset_root / "maps.npy", array)
    command = rf"--heatmaps {dataset_root}/maps\.npy$"
    with pytest.raises(ValueError, match=rf"heatmap file .*maps\.npy {message}.*{command}"):
        open_dataset(dataset_root, heatmap_file="maps.npy")


def test_a_missing_or_cut_off_array_is_refused_with_the_command(dataset_root):
    with pytest.raises(FileNotFoundError, match=r"heatmaps\.npy does not exist.*--heatmaps$"):
        open_dataset(dataset_root, heatmap_file="info/heatmaps.npy")
    path = dataset_root / "info" / "heatmaps.npy"
    write_stored_array(path, heatmaps_of(), header_of("heatmaps"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"must have the \S+ bytes .*To make it: .*--heatmaps$"):
        open_dataset(dataset_root, heatmap_file="info/heatmaps.npy")


def test_an_array_without_header_is_taken_with_one_warning(dataset_root, monkeypatch):
    said = []
    monkeypatch.setattr(keypoint_file, "print_log", lambda text, **_: said.append(text))
    monkeypatch.setattr(keypoint_file, "_warned", set())
    np.save(dataset_root / "own.npy", keypoints_of())
    for split in ("train", "test", "train"):
        open_dataset(dataset_root, split=split, keypoint_file="own.npy")
    (text,) = said
    assert "own.npy has no header own.json beside it" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "{", "is not JSON that can be read: Expecting"),
        (lambda text: "[" * 100_000, "is not JSON .*nested too deeply"),
        (lambda text: "[]", "must have format_version 1.* got None"),
        (lambda text: text.replace('version": 1', 'version": 2'), "format_version 1.* got 2"),
        (lambda text: text.replace('"estimator"', '"estimate"'), "key 'estimat"),
        (lambda text: text.replace('"keypoints"', '"points"'), "'kind' must be .* got 'points'"),
        (lambda text: text.replace("stored frame", "crop"), "'coordinates' must be 'pixels of"),
        (lambda text: text.replace('"map_size": null', '"map_size": 3'), "'map_size' must be"),
        (
            lambda text: text.replace('"map_size": null', '"map_size": ["a", null]'),
            r"'map_size' must be a list of 2 or null, got \['a', None\]",
        ),
        (
            lambda text: text.replace('"map_size": null', '"map_size": [0, 8]'),
            r"'map_size' must be \[height, width\], got \[0, 8\]",
        ),
        (lambda text: text.replace("true", "1").replace("false", "0"), "must be true or false"),
        (lambda text: text.replace('"num_frames": 3', '"num_frames": true'), "must be an integer"),
        (lambda text: text.replace("{", '{"num_frames": 9,', 1), "'num_frames' stands twice"),
        (
            lambda text: re.sub('"frame_list_sha256": "[^"]*"', '"frame_list_sha256": null', text),
            "'frame_list_sha256' must be text, got None",
        ),
    ],
)
def test_a_malformed_header_is_named(dataset_root, change, message):
    path = dataset_root / "keypoints.npy"
    write_stored_array(path, keypoints_of(), HEADER)
    header = header_path(path)
    changed = change(header.read_text())
    assert changed != header.read_text()
    header.write_text(changed)
    with pytest.raises(ValueError, match=rf"header .*keypoints\.json.* {message}"):
        open_dataset(dataset_root, keypoint_file="keypoints.npy")


def test_the_printed_command_names_the_file_as_the_data_set_takes_it(
    dataset_root, monkeypatch, tmp_path_factory
):
    monkeypatch.chdir(dataset_root.parent)
    name = dataset_root.name
    with pytest.raises(FileNotFoundError, match=rf"--data-root {name} --ann-file annotations"):
        open_dataset(name, keypoint_file="info/keypoints.npy")
    elsewhere = tmp_path_factory.mktemp("lists") / "mine.json"
    elsewhere.write_bytes((dataset_root / "annotations.json").read_bytes())
    with pytest.raises(FileNotFoundError, match=r"--ann-file \S+mine\.json") as caught:
        open_dataset(name, ann_file=str(elsewhere), keypoint_file="info/keypoints.npy")
    ann_file = str(caught.value).split("--ann-file ")[1]
    assert open_dataset(name, ann_file=ann_file).frame_names() == FRAMES


@pytest.mark.parametrize("name", ["keypoints.npy", "keypoints.json"])
def test_a_pipe_in_the_place_of_an_array_or_its_header_is_refused(dataset_root, name):
    write_stored_array(dataset_root / "keypoints.npy", keypoints_of(), HEADER)
    (dataset_root / name).unlink()
    os.mkfifo(dataset_root / name)
    with pytest.raises(ValueError, match=rf"{name} must be a regular file.* got a named pipe"):
        open_dataset(dataset_root, keypoint_file="keypoints.npy")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(50), b"\x93NUMPY\x01\x00", b"text"])
def test_what_is_no_array_is_named(dataset_root, content):
    (dataset_root / "keypoints.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"keypoints\.npy is not a whole \.npy array"):
        open_dataset(dataset_root, keypoint_file="keypoints.npy")


@pytest.mark.parametrize("num_blocks", [1, 2])
def test_a_kill_at_any_moment_leaves_no_array_with_another_s_header(tmp_path, num_blocks):
    path = tmp_path / "keypoints.npy"
    old, new = keypoints_of(), keypoints_of() + 1
    new_header = header_of(estimator="another")
    outcomes = set()
    for num_calls in range(20):
        write_stored_array(path, old, HEADER)

        def work():
            write_stored_blocks(path, np.array_split(new, num_blocks), new_header)

        killed = run_in_child(work, num_calls) == -signal.SIGKILL
        is_new = bool((np.load(path) == new).all())
        assert is_new or (np.load(path) == old).all()
        header = read_header(path)
        assert header in (None, new_header if is_new else HEADER)
        outcomes.add((is_new, header is None))
        if not killed:
            break
    assert not killed
    assert outcomes == {(False, False), (False, True), (True, True), (True, False)}


def test_the_message_about_a_long_number_of_frames_is_short(tmp_path):
    write_stored_array(tmp_path / "keypoints.npy", keypoints_of(), HEADER)
    header = json.dumps({**vars(HEADER), "num_frames": 10**3000})
    (tmp_path / "keypoints.json").write_text(header)
    with pytest.raises(ValueError, match=r"^[^\n]{1,900}$"):
        keypoint_file.check_belongs(str(tmp_path / "keypoints.npy"), "keypoints", 3, list)
