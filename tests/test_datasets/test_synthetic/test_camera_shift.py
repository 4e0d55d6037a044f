"""Cameras of the test split that are not those of training."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from mmctl.datasets.synthetic import DrawnSettings, MarsWriter, draw_planned, plan_tracklets
from mmctl.datasets.synthetic.camera import camera_of, make_camera
from tests.drawn_sets import draw_tiny

STILL = DrawnSettings(num_train_pids=4, num_test_pids=4, frames=2, size=(64, 32), occlusion=0.2)
SHIFTED = dataclasses.replace(STILL, camera_shift=1.0)
NUMBERS = ("yaw", "pitch", "gain", "gamma", "offset", "blur", "noise")


def test_without_a_shift_both_splits_have_the_same_cameras() -> None:
    for camid in (1, 2, 3, 4):
        assert camera_of(STILL, "test", camid) is camera_of(STILL, "train", camid)
    assert camera_of(SHIFTED, "train", 1).yaw == make_camera(STILL, 1).yaw


def test_a_shift_changes_the_test_frames_and_no_training_frame() -> None:
    for split, is_same in (("train", True), ("test", False)):
        planned = plan_tracklets(STILL, split)[-1]
        still, moved = (draw_planned(settings, planned) for settings in (STILL, SHIFTED))
        assert np.array_equal(still.frames, moved.frames) is is_same


@pytest.mark.parametrize("camid", [1, 2, 3, 4])
def test_half_a_shift_is_half_the_way(camid: int) -> None:
    half = dataclasses.replace(SHIFTED, camera_shift=0.5)
    start, middle, end = (camera_of(one, "test", camid) for one in (STILL, half, SHIFTED))
    for name in NUMBERS:
        expected = (np.array(getattr(start, name)) + np.array(getattr(end, name))) / 2
        np.testing.assert_allclose(getattr(middle, name), expected)
    assert 0.5 <= abs(end.yaw - start.yaw) <= 1.1
    assert not np.array_equal(start.background, middle.background)
    # 0.2 of the tracklets, and 0.3 of the others wherever the camera is shifted wholly.
    assert (start.occlusion, middle.occlusion, end.occlusion) == pytest.approx((0.2, 0.32, 0.44))


def test_a_set_that_was_drawn_before_there_were_shifts_is_still_complete(tmp_path: Path) -> None:
    root = draw_tiny(tmp_path / "set")
    marker = root / "info" / "drawn.json"
    content = json.loads(marker.read_text())
    settings = DrawnSettings(**content["settings"])
    del content["settings"]["camera_shift"], content["settings"]["keypoint_mistakes"]
    marker.write_text(json.dumps(content))
    assert MarsWriter(root, settings).is_finished()
    other = dataclasses.replace(settings, camera_shift=0.5)
    with pytest.raises(ValueError, match=r"camera_shift 0\.0 there, 0\.5 asked for"):
        MarsWriter(root, other).is_finished()


@pytest.mark.parametrize("layout", ["ilids-vid", "prid2011"])
def test_layouts_whose_people_change_the_split_have_no_shift(layout: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="camera_shift must be 0"):
        draw_tiny(tmp_path / "set", layout, num_train_pids=4, camera_shift=0.5)
