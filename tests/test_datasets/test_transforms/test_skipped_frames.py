"""Frames that cannot be read in training: the nearest takes their place, and a list names them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmctl.datasets.transforms import LoadFrames, LoadKeypoints, broken_frames, load_frames
from mmctl.files import read_bytes
from tests.test_datasets.test_transforms.written_pictures import encoded, picture, results_for


@pytest.fixture
def png_paths(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(".png", picture(seed, height=20 + seed)))
    return paths


def training_results(paths, indices, split="train"):
    results = results_for(paths, indices)
    counts = [len(set(row)) for row in indices]
    return {**results, "clip_weights": np.array(counts, np.float32), "split": split, "pid": 7}


@pytest.fixture
def warnings_said(monkeypatch):
    said = []
    monkeypatch.setattr(broken_frames, "print_log", lambda text, **_: said.append(text))
    return said


def test_a_broken_frame_gives_its_place_to_the_nearest_of_its_clip(png_paths, warnings_said):
    png_paths[1].unlink()
    results = training_results(png_paths, [[0, 1, 3]])
    results = LoadFrames(skip_broken=True).transform(results)
    assert results["clip_indices"].tolist() == [[0, 0, 3]]
    assert results["clip_weights"].tolist() == [2]
    assert results["clip_weights"].dtype == np.float32
    for frame, seed in zip(results["frames"], (0, 0, 3), strict=True):
        np.testing.assert_array_equal(frame, picture(seed, height=20 + seed))


def test_keypoints_follow_the_frame_that_came_instead(png_paths, tmp_path, warnings_said):
    png_paths[3].write_bytes(b"")
    np.save(tmp_path / "k.npy", np.arange(4 * 17 * 3, dtype=np.float32).reshape(4, 17, 3))
    results = training_results(png_paths, [[1, 2, 3]])
    rows = {"keypoint_file": str(tmp_path / "k.npy"), "keypoint_rows": np.array([3, 2, 1, 0])}
    results = LoadFrames(skip_broken=True).transform({**results, **rows})
    keypoints = LoadKeypoints().transform(results)["keypoints"]
    assert (keypoints[:, 0, 0] / 51).tolist() == [2, 1, 1]


def test_a_clip_without_a_readable_frame_takes_the_nearest_of_the_tracklet(
    png_paths, warnings_said
):
    for index in (0, 1):
        png_paths[index].write_bytes(b"no picture")
    results = training_results(png_paths, [[0, 1]])
    results = LoadFrames(skip_broken=True).transform(results)
    assert results["clip_indices"].tolist() == [[2, 2]]
    assert results["clip_weights"].tolist() == [1]
    np.testing.assert_array_equal(results["frames"][0], picture(2, height=22))


def test_a_tracklet_without_a_readable_frame_is_an_error(png_paths, warnings_said):
    for path in png_paths:
        path.unlink()
    with pytest.raises(
        ValueError, match=r"\(pid 7\) must have a frame .* none of its 4 can.*0\.png"
    ):
        LoadFrames(skip_broken=True).transform(training_results(png_paths, [[0, 1]]))


@pytest.mark.parametrize("split", ["query", "gallery"])
def test_test_tracklets_are_never_mended(png_paths, split):
    png_paths[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.png does not exist"):
        LoadFrames(skip_broken=True).transform(training_results(png_paths, [[0, 1]], split))


def test_the_default_is_strict_with_training_tracklets_too(png_paths):
    png_paths[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.png does not exist"):
        LoadFrames().transform(training_results(png_paths, [[0, 1]]))


def test_whole_clips_stay_as_they_are(png_paths, warnings_said):
    results = training_results(png_paths, [[0, 1], [2, 2]])
    loaded = LoadFrames(skip_broken=True).transform(dict(results))
    assert loaded["clip_indices"] is results["clip_indices"]
    assert loaded["clip_weights"] is results["clip_weights"]
    assert loaded["frames"][2] is loaded["frames"][3]
    assert not warnings_said


def test_warnings_come_at_powers_of_ten_and_the_list_names_each_frame_once(
    png_paths, tmp_path, warnings_said
):
    listed = tmp_path / "runs" / "broken.txt"
    png_paths[1].unlink()
    png_paths[2].write_bytes(b"")
    transform = LoadFrames(skip_broken=True, broken_list=str(listed))
    for _ in range(60):
        transform.transform(training_results(png_paths, [[0, 1, 2]]))
    counts = [
        re.search(r"met broken frames (\d+) times \((\d) dif", text) for text in warnings_said
    ]
    assert [count.groups() for count in counts] == [("1", "1"), ("10", "2"), ("100", "2")]
    assert "all of them are listed in" in warnings_said[0]
    assert str(png_paths[1]) in warnings_said[0]
    # Another worker, or the same one after a resume
    again = LoadFrames(skip_broken=True, broken_list=str(listed))
    again.transform(training_results(png_paths, [[0, 1, 2]]))
    lines = [line.split("\t") for line in listed.read_text().splitlines()]
    assert [path for path, _ in lines] == [str(png_paths[1]), str(png_paths[2])]
    assert lines[0][1].startswith("does not exist")
    assert lines[1][1].startswith("is empty")


def test_a_list_that_cannot_be_written_stops_no_run(png_paths, tmp_path, warnings_said):
    png_paths[1].unlink()
    (tmp_path / "file").touch()
    transform = LoadFrames(skip_broken=True, broken_list=str(tmp_path / "file" / "broken.txt"))
    transform.transform(training_results(png_paths, [[0, 1]]))
    assert "broken.txt (" in warnings_said[0]


def test_a_list_without_skipping_is_refused():
    with pytest.raises(ValueError, match=r"broken_list needs skip_broken=True.*'a\.txt'"):
        LoadFrames(broken_list="a.txt")


def test_a_read_error_of_the_disk_is_named_and_can_be_skipped(
    png_paths, monkeypatch, warnings_said
):
    def fail(path, what):
        if path == str(png_paths[1]):
            raise OSError(5, "Input/output error")
        return read_bytes(path, what)

    monkeypatch.setattr(load_frames, "read_bytes", fail)
    with pytest.raises(OSError, match=r"frame .*1\.png cannot be read: Input/output error"):
        LoadFrames().transform(training_results(png_paths, [[0, 1]]))
    results = LoadFrames(skip_broken=True).transform(training_results(png_paths, [[0, 1]]))
    assert results["clip_indices"].tolist() == [[0, 0]]


@given(st.integers(1, 30), st.data())
def test_mended_indices_are_the_nearest_ones_in_time_order(num_frames, data):
    frames = st.integers(0, num_frames - 1)
    indices = sorted(data.draw(st.lists(frames, min_size=1, max_size=8)))
    readable = sorted(data.draw(st.sets(frames, min_size=1)))
    mended = broken_frames.nearest_readable(np.array([indices]), np.array(readable))[0].tolist()
    assert mended == sorted(mended)
    for index, chosen in zip(indices, mended, strict=True):
        # The earlier one of two that are equally near
        assert chosen == min(readable, key=lambda other: (abs(other - index), other))


def test_other_frames_are_tried_from_near_to_far():
    order = broken_frames.outward_order(np.array([3, 4]), 8)
    assert order.tolist() == [2, 5, 1, 6, 0, 7]
