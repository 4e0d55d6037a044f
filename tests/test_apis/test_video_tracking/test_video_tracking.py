"""From drawn videos to a data set: what is in it, and what a killed run leaves."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from mmctl.apis.video_tracking import CameraVideo, VideoTracking
from mmctl.datasets.tracking import TrackSettings
from mmctl.models.detectors import MotFile
from mmctl.models.trackers import SORT
from mmctl.structures import Detections
from tests.test_apis.test_video_tracking.drawn_scene import (
    CROP,
    NUM_FRAMES,
    RATE,
    KnowingDetector,
    Scene,
)
from tests.test_apis.test_video_tracking.followed_street import START, follow, infos, read_set


def test_a_data_set_knows_where_its_crops_are_from(street, tmp_path):
    done = []
    result = follow(street, tmp_path).run(lambda *counts: done.append(counts))
    assert done[-1] == (2 * NUM_FRAMES, 2 * NUM_FRAMES)
    assert all(a <= b for (a, _), (b, _) in pairwise(done))
    first, second, third, _ = infos(tmp_path, keypoint_file="info/keypoints.npy")
    assert [first["camid"], second["track"], third["camid"]] == [1, 2, 2]
    assert (first["video"], third["video"]) == ("a.mp4", "b.avi")
    assert first["frame_numbers"].tolist() == list(range(NUM_FRAMES))
    assert first["times"] == pytest.approx(np.arange(NUM_FRAMES) / RATE)
    assert first["start"] == "2024-05-31T12:30:00Z"
    assert "start" not in third
    scene = Scene()
    assert second["boxes"].tolist() == [found.boxes[1].tolist() for found in scene.found]
    assert ((first["quality"] >= 0) & (first["quality"] <= 1)).all()
    # A box cut by the border is worth less than one that is whole.
    assert first["quality"][0] < first["quality"][6]
    assert "pid" not in first
    assert result.num_frames == [NUM_FRAMES] * 2


def test_crops_and_keypoints_are_those_of_the_box(street, tmp_path):
    import cv2

    follow(street, tmp_path, videos=("a.mp4",)).run()
    info = infos(tmp_path, keypoint_file="info/keypoints.npy")[0]
    scene, keypoints = Scene(), np.load(tmp_path / "info/keypoints.npy")
    for at in (0, 10):
        left = int(scene.found[at].boxes[0, 0])
        crop = cv2.imread(info["frame_paths"][at])[:, :, ::-1]
        cut = scene.frames[at][10 : 10 + CROP[0], max(left, 0) : left + CROP[1]]
        assert crop.shape == cut.shape
        assert np.abs(crop.astype(int) - cut).mean() < 12
        said, row = scene.found[at].keypoints[0], keypoints[info["keypoint_rows"][at]]
        moved = said[:, :2] - [max(left, 0), 10]
        assert row[:, :2] == pytest.approx(moved, abs=1e-3)
        # A joint beyond the crop is hidden, as some are at the border.
        inside = ((moved >= -0.5) & (moved <= np.array(crop.shape[1::-1]) - 0.5)).all(axis=1)
        assert row[:, 2].tolist() == np.where(inside, said[:, 2], 0).tolist()
        assert inside.all() == (at == 10)


def test_a_tracker_follows_what_a_detector_finds(street, tmp_path):
    pytest.importorskip("trackers")
    detector = KnowingDetector(has_tracks=False, has_keypoints=False)
    tracker = SORT(minimum_consecutive_frames=1, minimum_iou_threshold=0.1)
    result = follow(street, tmp_path, detector, tracker, ("a.mp4",)).run()
    assert [info["track"] for info in infos(tmp_path)] == [0, 1]
    assert not (tmp_path / "info/keypoints.npy").exists()
    assert sum(len(entry["frames"]) for entry in result.entries) >= 2 * NUM_FRAMES - 4


def test_strides_gaps_and_sizes_are_kept_to(street, tmp_path):
    class Blinking(KnowingDetector):
        def _find(self, position):
            found = super()._find(position)
            # Person 1 is lost from 8 to 15, person 2 is there for a moment.
            keep = [not 8 <= position < 16, position < 6]
            return found.select(np.flatnonzero(keep))

    detector = Blinking()
    result = follow(
        street, tmp_path, detector, videos=("a.mp4",), stride=2, max_gap=4, min_length=4
    ).run()
    assert detector.asked == list(range(0, NUM_FRAMES, 2))
    found = [info["frame_numbers"].tolist() for info in infos(tmp_path)]
    assert found == [[0, 2, 4, 6], [16, 18, 20, 22]]
    assert result.dropped["too short a tracklet"] == 3
    crops = [name for name in read_set(tmp_path) if name.startswith("crops/")]
    assert len(crops) == 8
    paths = [info["frame_paths"][0].removeprefix(f"{tmp_path}/") for info in infos(tmp_path)]
    assert paths == [f"crops/camera1/track000001_{i}/{n:06d}.jpg" for i, n in ((1, 0), (2, 16))]


@pytest.mark.parametrize(("stride", "max_gap"), [(1, 0), (4, 0), (4, 2)])
def test_frames_between_strides_are_not_lost_ones(street, tmp_path, stride, max_gap):
    follow(street, tmp_path, videos=("a.mp4",), stride=stride, max_gap=max_gap).run()
    assert [info["track"] for info in infos(tmp_path)] == [1, 2]


def test_nobody_left_is_an_error_that_keeps_what_was_detected(street, tmp_path):
    pytest.importorskip("trackers")
    detector = KnowingDetector(has_tracks=False)
    with pytest.raises(ValueError, match=r"at least one tracklet.* got none in 24 frames: .*small"):
        follow(street, tmp_path, detector, SORT(), ("a.mp4",), min_size=(99, 99)).run()
    assert len(detector.asked) == NUM_FRAMES
    detector.asked.clear()
    follow(street, tmp_path, detector, SORT(), ("a.mp4",)).run()
    assert detector.asked == []


def test_a_video_that_was_cut_off_is_taken_to_its_last_frame_and_told(street, tmp_path):
    content = (street / "b.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) * 6 // 10])
    result = follow(tmp_path, tmp_path / "set", videos=("cut.avi",)).run()
    number = result.num_frames[0]
    assert 5 < number < NUM_FRAMES
    assert len(infos(tmp_path / "set")[0]["frame_paths"]) == number
    assert f"{number} frames could be decoded" in result.warnings[0]


def test_boxes_of_another_program_need_no_tracker(street, tmp_path):
    camera = CameraVideo(str(street / "a.mp4"), 4, None, str(street / "a.txt"))
    VideoTracking(tmp_path, [camera], MotFile(), None, TrackSettings()).run()
    assert [info["track"] for info in infos(tmp_path)] == [1, 2]
    assert infos(tmp_path)[0]["camid"] == 4
    with pytest.raises(ValueError, match="MotFile has tracks itself, so it needs no tracker"):
        VideoTracking(tmp_path, [camera], MotFile(), KnowingDetector(), TrackSettings())


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        (KnowingDetector(has_tracks=False), "finds persons and no tracks, so it needs a tracker"),
        (None, "batch_size must be at least 1, got 0"),
    ],
)
def test_what_cannot_work_is_said_before_it_starts(street, tmp_path, detector, message):
    with pytest.raises(ValueError, match=message):
        follow(street, tmp_path, detector, batch_size=0 if detector is None else 1)
    assert not list(tmp_path.iterdir())


def test_a_start_needs_a_clock(street, tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "0.png"), Scene(2).frames[0])
    with pytest.raises(ValueError, match="a start needs a video with a clock"):
        follow(tmp_path.parent, tmp_path / "set", videos=(tmp_path.name,))


class Odd(KnowingDetector):
    """Breaks one rule of detectors."""

    def __init__(self, rule):
        super().__init__()
        self.rule = rule

    def detect(self, frames, positions):
        found = super().detect(frames, positions)
        if self.rule == "short":
            return found[:-1]
        keypoints = None if self.rule == "keypoints" else found[0].keypoints
        tracks = np.array([3, 3]) if self.rule == "twice" else found[0].tracks
        return [Detections(found[0].boxes, found[0].scores, keypoints, tracks)] * len(found)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("short", "Odd must return the detections of each frame, got 2 for 3 frames"),
        ("keypoints", "Odd says has_keypoints=True, so its detections must have keypoints"),
        ("twice", r"Odd must give each person of a frame a track of its own, got \[3 3\]"),
    ],
)
def test_a_detector_that_breaks_a_rule_is_named(street, tmp_path, rule, message):
    with pytest.raises(ValueError, match=message):
        follow(street, tmp_path, Odd(rule)).run()


def test_the_record_says_how_the_set_was_made(street, tmp_path):
    follow(street, tmp_path, videos=("a.mp4",)).run()
    record = json.loads((tmp_path / "info/tracking.json").read_text())
    assert record["detection"]["videos"][0]["name"] == "a.mp4"
    assert record["detection"]["detector"] == {"type": "KnowingDetector"}
    assert record["tracking"]["starts"] == [START]
