"""What an inferencer takes: paths, arrays, folders, streams; what it refuses before the work."""

from __future__ import annotations

import json
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmctl.apis import TrackletInferencer
from mmctl.datasets import MARS
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.datasets.tracklet import Tracklet


def features_of(results):
    return np.stack([prediction["feature"] for prediction in results["predictions"]])


def read_rgb(path):
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


def test_inputs_of_every_kind_give_one_feature(baseline, crops, drawn_mars, tmp_path):
    folder = crops("a", 5)
    paths = sorted(folder.glob("*.jpg"))
    arrays = [read_rgb(path) for path in paths]
    listed = {"camid": 1, "frames": [f"crops/a/{path.name}" for path in paths]}
    annotations = tmp_path / "annotations.json"
    annotations.write_text(json.dumps({"tracklets": [listed]}))
    expected = baseline(str(folder))["predictions"][0]
    assert expected["num_frames"] == 5
    for inputs in (
        folder,
        folder.parent / "a",
        [folder],
        paths,
        [paths],
        [list(map(str, paths))],
        arrays,
        [arrays],
        np.stack(arrays),
        [np.stack(arrays)],
        [Tracklet(None, 3, None, list(map(str, paths)))],
        annotations,
        tmp_path,
        {"type": "TrackletDataset", "data_root": str(tmp_path), "split": "all"},
        iter([folder]),
    ):
        (prediction,) = baseline(inputs)["predictions"]
        assert np.abs(prediction["feature"] - expected["feature"]).max() < 1e-6, inputs
        assert prediction["num_frames"] == 5
    turned = [array[..., ::-1] for array in arrays]
    (prediction,) = baseline(turned, channel_order="bgr")["predictions"]
    assert np.abs(prediction["feature"] - expected["feature"]).max() < 1e-6
    assert np.abs(features_of(baseline(turned)) - expected["feature"]).max() > 1e-4


def test_folders_of_folders_and_data_sets_are_many_tracklets(baseline, crops, drawn_mars):
    crops("b/2", 2)
    crops("b/1", 1)
    names = [p["name"] for p in baseline(crops("c", 1).parent)["predictions"]]
    assert [name.rpartition("crops/")[2] for name in names] == ["b/1", "b/2", "c"]
    dataset = MARS(str(drawn_mars), split="test")
    expected = features_of(baseline(dataset))
    assert len(expected) == len(dataset)
    parts = {"type": "TrackletParts", "dataset": {"type": "MARS", "data_root": str(drawn_mars)}}
    parts["dataset"]["split"] = "test"
    assert np.array_equal(features_of(baseline(parts)), expected)
    assert np.array_equal(features_of(baseline(drawn_mars)), expected)  # known by its layout


def test_frames_are_in_the_order_of_their_numbers(baseline, crops):
    folder = crops("a", 2)
    (folder / "1.jpg").rename(folder / "10.jpg")
    (prediction,) = baseline(folder)["predictions"]
    assert prediction["frame_path"] == str(folder / "10.jpg")
    (folder / "c1_10.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"10.jpg and c1_10.jpg are both frame 10.*--dataset"):
        baseline(folder)


def test_a_stream_is_drawn_one_by_one_and_may_have_no_end(baseline, crops):
    folder, drawn = crops("a", 3), []

    def endless():
        for index in count():
            drawn.append(index)
            yield folder

    stream = baseline.stream(endless(), batch_size=2)
    assert drawn == []
    first = list(islice(stream, 3))
    stream.close()
    assert len(drawn) < 40
    assert first[0].keys() == baseline(folder)["predictions"][0].keys()


def test_inputs_that_are_none_are_refused_before_the_work(baseline, crops, tmp_path):
    empty, folder = tmp_path / "empty", crops("a", 2)
    empty.mkdir()
    (tmp_path / "notes.txt").write_text("no video")
    (tmp_path / "gate.mp4").touch()
    for inputs, message in (
        (empty, "must hold crops of persons"),
        (tmp_path / "nowhere", "does not exist"),
        ([], "at least one tracklet, got an empty list"),
        ([folder, folder / "1.jpg"], "a list must hold frames of one tracklet or tracklets"),
        ([[folder]], "input 0 must be the frames of one tracklet"),
        ([[]], "input 0 must have at least one frame"),
        ([np.zeros((4, 4), np.uint8)], "must be the frames of one tracklet"),
        ([np.zeros((4, 4, 3))], "must be uint8 pixels"),
        (tmp_path / "notes.txt", r"a video with tracks= \(--camera .* got the file"),
        (tmp_path / "gate.mp4", r"video \S+ needs tracks= \(--camera NUMBER TRACKS FRAMES\)"),
        ({"a": 1}, "data set config"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            baseline(inputs)
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            baseline.stream(inputs)  # at once, not when the first result is wanted
    with pytest.raises(TypeError, match="an input must be"):
        baseline(5)
    with pytest.raises(ValueError, match="channel_order must be"):
        baseline(folder, channel_order="rbg")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        baseline(folder, batch_size=0)
    with pytest.raises(ValueError, match="unknown argument"):
        baseline(folder, colour="rgb")
    with pytest.raises(ValueError, match=r"stream.. draws nothing"):
        baseline.stream(folder, show=True)


def test_a_folder_with_videos_beside_pictures_is_no_tracklet(baseline, crops):
    folder = crops("a", 2)
    (folder / "gate.MP4").touch()
    with pytest.raises(ValueError, match=r"crops/a must .*track_video.*got gate.MP4 beside 1.jpg"):
        baseline(folder.parent)


def test_an_unreadable_frame_is_named(baseline, crops):
    folder = crops("a", 3)
    content = (folder / "2.jpg").read_bytes()
    (folder / "2.jpg").write_bytes(content[: len(content) // 2])
    for choice in (None, FrameChoice(min_quality=0.1)):
        with pytest.raises(ValueError, match=r"a/2.jpg is cut off"):
            baseline(folder, frame_choice=choice)


def test_a_path_is_a_path(baseline: TrackletInferencer, crops, monkeypatch) -> None:
    folder: Path = crops("a", 2)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert np.array_equal(features_of(baseline("~/a")), features_of(baseline(folder)))
