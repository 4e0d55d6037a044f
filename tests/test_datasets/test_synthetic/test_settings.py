from __future__ import annotations

import json

import pytest

from mmctl.datasets.synthetic import DrawnSettings


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_cameras", 7, r"num_cameras must be 2 to 6, because .* MARS has six; got 7"),
        ("num_cameras", 1, r"num_cameras must be 2 to 6, because a match .*; got 1"),
        ("num_train_pids", 0, r"num_train_pids must be 1 to 4999"),
        ("num_test_pids", 5000, r"num_test_pids must be 1 to 4999"),
        ("tracklets_per_camera", 0, r"tracklets_per_camera must be 1 to 9999"),
        ("frames", 1000, r"frames must be 1 to 999, because names have three digits"),
        ("frames", (8, 6), r"least <= most, got \(8, 6\)"),
        ("frames", (1, 2, 3), r"frames must be one number"),
        ("size", (16, 64), r"size must be 32 to 1024"),
        ("size", (128,), r"size must be \(height, width\)"),
        ("difficulty", 2.5, r"difficulty must be 0 to 2"),
        ("occlusion", -0.1, r"occlusion must be 0 to 1, because it is a probability; got -0.1"),
        ("jitter", 0.5, r"jitter must be 0 to 0.3"),
        ("jpeg_quality", 0, r"jpeg_quality must be 1 to 100"),
        ("num_junk", -1, r"num_junk must be 0 to"),
        ("num_distractors", -1, r"num_distractors must be 0 to"),
        ("seed", -1, r"seed must be 0 to"),
        ("camera_shift", 1.5, r"camera_shift must be 0 to 1, because 1 is another set of cameras"),
        ("keypoint_mistakes", 4, r"keypoint_mistakes must be 0 to 3"),
        ("num_train_pids", 2.5, r"num_train_pids must be a whole number, got 2.5"),
        ("difficulty", "high", r"difficulty must be a number, got 'high'"),
    ],
)
def test_impossible_settings_are_refused_by_name(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DrawnSettings(**{name: value})


def test_more_test_tracklets_than_uint16_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at most 65535 tracklets.*uint16, got 80036"):
        DrawnSettings(num_test_pids=4000, num_cameras=4, tracklets_per_camera=5)


def test_one_number_of_frames_means_exactly_that_many() -> None:
    assert DrawnSettings(frames=8) == DrawnSettings(frames=(8, 8)) == DrawnSettings(frames=[8])


def test_settings_survive_json() -> None:
    settings = DrawnSettings(frames=(3, 9), size=(64, 32), seed=5)
    assert DrawnSettings(**json.loads(json.dumps(settings.to_dict()))) == settings
