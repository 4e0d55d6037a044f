from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mmctl.datasets.synthetic import DrawnSettings, draw_planned, draw_tracklet, plan_tracklets
from mmctl.datasets.synthetic.camera import make_camera
from mmctl.datasets.synthetic.plan import JUNK_PID, identity_of

SMALL = DrawnSettings(num_train_pids=8, num_test_pids=4, frames=4, size=(64, 32), seed=1)


def draw_one(settings: DrawnSettings, seed: int = 0, *, is_junk: bool = False):
    looks, camera = identity_of(settings, "train", 1), make_camera(settings, 1)
    rng = np.random.default_rng(seed)
    return draw_tracklet(settings, looks, camera, 4, rng, is_junk=is_junk)


def test_frames_and_keypoints_have_their_shapes_and_types() -> None:
    drawn = draw_one(SMALL)
    assert drawn.frames.shape == (4, 64, 32, 3)
    assert drawn.frames.dtype == np.uint8
    assert drawn.keypoints.shape == (4, 17, 3)
    assert drawn.keypoints.dtype == np.float32
    assert set(np.unique(drawn.keypoints[..., 2])) <= {0.0, 1.0}


def test_visible_keypoints_are_inside_the_frame() -> None:
    for seed in range(6):
        keypoints = draw_one(dataclasses.replace(SMALL, jitter=0.3), seed).keypoints
        x, y = keypoints[keypoints[..., 2] > 0, :2].T
        assert x.min() > -0.51
        assert y.min() > -0.51
        assert x.max() < 31.51
        assert y.max() < 63.51


def test_integer_coordinates_are_pixel_centres_at_every_size() -> None:
    small, large = (dataclasses.replace(SMALL, size=size) for size in ((64, 32), (192, 96)))
    at_small, at_large = draw_one(small).keypoints, draw_one(large).keypoints
    resized = (at_small[..., :2] + 0.5) * 3 - 0.5
    np.testing.assert_allclose(at_large[..., :2], resized, atol=1e-3)


def test_a_keypoint_is_where_the_picture_shows_its_part() -> None:
    """Shoes of a colour of their own are found by colour where the ankles are said to be."""
    settings = dataclasses.replace(SMALL, size=(128, 64), difficulty=0.0, occlusion=0.0)
    looks = identity_of(settings, "train", 1)
    shoes = (0.0, 255.0, 0.0)
    looks = dataclasses.replace(looks, clothes=((90, 0, 90), (90, 0, 0), (0, 0, 90), shoes))
    for camid in (1, 2, 3, 4):
        drawn = draw_tracklet(
            settings, looks, make_camera(settings, camid), 4, np.random.default_rng(camid)
        )
        frames = drawn.frames.astype(int)
        green = (frames[..., 1] > 100) & (frames[..., 0] < 90) & (frames[..., 2] < 90)
        for frame, keypoints in zip(green, drawn.keypoints, strict=True):
            rows, columns = np.nonzero(frame)
            for x, y, score in keypoints[15:17]:
                if score:
                    assert np.hypot(columns - x, rows - y).min() < 2.5


def test_the_street_moves_against_the_walk() -> None:
    settings = dataclasses.replace(SMALL, occlusion=0.0)
    drawn = draw_tracklet(
        settings,
        identity_of(settings, "train", 1),
        make_camera(settings, 3),
        4,
        np.random.default_rng(0),
    )
    corner = drawn.frames[:, :10, :6].astype(float)
    assert np.abs(corner[0] - corner[3]).mean() > 3


def test_junk_shows_nobody_or_little_of_somebody() -> None:
    whole = np.mean([draw_one(SMALL, seed).keypoints[..., 2].mean() for seed in range(20)])
    junk = [draw_one(SMALL, seed, is_junk=True).keypoints for seed in range(20)]
    seen = np.array([keypoints[..., 2].mean() for keypoints in junk])
    assert seen.mean() < 0.5 * whole
    assert (seen == 0).any()
    assert (seen > 0).any()


def test_occlusion_hides_joints() -> None:
    def seen(share: float) -> float:
        settings = dataclasses.replace(SMALL, occlusion=share)
        return float(np.mean([draw_one(settings, seed).keypoints[..., 2] for seed in range(25)]))

    assert seen(1.0) < seen(0.0) - 0.05


def test_any_tracklet_can_be_drawn_alone_in_any_order() -> None:
    plan = plan_tracklets(SMALL, "test")[-6:]
    forwards = [draw_planned(SMALL, planned) for planned in plan]
    backwards = [draw_planned(SMALL, planned) for planned in plan[::-1]][::-1]
    for first, second in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(first.frames, second.frames)
        np.testing.assert_array_equal(first.keypoints, second.keypoints)
    assert not np.array_equal(forwards[0].frames, forwards[1].frames)


@pytest.mark.parametrize("more", [{"num_train_pids": 12}, {"num_junk": 0}, {"num_cameras": 5}])
def test_a_person_looks_the_same_in_a_larger_set(more: dict[str, int]) -> None:
    other = dataclasses.replace(SMALL, **more)
    first, second = (
        next(item for item in plan_tracklets(settings, "train") if item.pid == 3)
        for settings in (SMALL, other)
    )
    np.testing.assert_array_equal(
        draw_planned(SMALL, first).frames, draw_planned(other, second).frames
    )


def test_another_seed_draws_other_pictures() -> None:
    other = dataclasses.replace(SMALL, seed=2)
    planned = plan_tracklets(SMALL, "train")[0]
    assert not np.array_equal(
        draw_planned(SMALL, planned).frames, draw_planned(other, planned).frames
    )


def test_planned_junk_is_drawn_as_junk() -> None:
    settings = dataclasses.replace(SMALL, num_junk=12)
    junk = [item for item in plan_tracklets(settings, "test") if item.pid == JUNK_PID]
    seen = [draw_planned(settings, item).keypoints[..., 2].mean() for item in junk]
    assert len(junk) == 12
    assert np.mean(seen) < 0.35
