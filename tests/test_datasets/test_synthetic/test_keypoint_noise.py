"""Noise laid over exact keypoints: what changes, how much of it, and what stays."""

from __future__ import annotations

import numpy as np
import pytest

from mmctl.datasets.synthetic import (
    NOISES,
    drop_joints,
    estimate_joints,
    jitter_joints,
    reveal_joints,
    swap_sides,
)
from mmctl.datasets.synthetic.keypoint_noise import MISTAKES
from mmctl.structures import FLIP_ORDER

NUM_FRAMES = 4000


def keypoints() -> np.ndarray:
    rng = np.random.default_rng(3)
    array = rng.uniform(0, 100, (NUM_FRAMES, 17, 3)).astype(np.float32)
    array[..., 2] = rng.random((NUM_FRAMES, 17)) < 0.7
    return array


def generator() -> np.random.Generator:
    return np.random.default_rng(5)


def test_jitter_has_the_asked_spread_along_each_axis_and_no_drift() -> None:
    exact = keypoints()
    steps = jitter_joints(exact, 2.5, generator()) - exact
    # 68000 steps per axis: the spread's standard error is 0.007, the mean's 0.01.
    assert steps[..., :2].std(axis=(0, 1)) == pytest.approx([2.5, 2.5], abs=0.035)
    assert steps[..., :2].mean(axis=(0, 1)) == pytest.approx([0, 0], abs=0.05)
    assert np.corrcoef(steps[..., 0].ravel(), steps[..., 1].ravel())[0, 1] == pytest.approx(
        0, abs=0.02
    )
    np.testing.assert_array_equal(steps[..., 2], 0)


def test_twice_the_jitter_is_the_same_steps_twice_as_long() -> None:
    exact = keypoints()
    short, long = (jitter_joints(exact, std, generator()) - exact for std in (1.0, 2.0))
    np.testing.assert_allclose(long[..., :2], 2 * short[..., :2], atol=1e-4)


def test_dropped_joints_lose_their_score_only() -> None:
    exact = keypoints()
    noisy = drop_joints(exact, 0.3, generator())
    np.testing.assert_array_equal(noisy[..., :2], exact[..., :2])
    visible = exact[..., 2] > 0
    assert set(np.unique(noisy[visible][:, 2])) == {0.0, 1.0}
    # 47600 visible joints: a standard error of 0.0021.
    assert (noisy[visible][:, 2] == 0).mean() == pytest.approx(0.3, abs=0.0105)
    assert not noisy[~visible][:, 2].any()


def test_joints_of_a_frame_are_dropped_one_by_one() -> None:
    shares = (drop_joints(np.ones((NUM_FRAMES, 17, 3), np.float32), 0.5, generator())[..., 2]).mean(
        axis=1
    )
    assert len(np.unique(shares)) > 8


def test_what_a_lower_share_drops_a_higher_one_drops_too() -> None:
    exact = keypoints()
    few, many = (drop_joints(exact, prob, generator())[..., 2] for prob in (0.2, 0.6))
    assert not (many > few).any()


def test_a_swapped_frame_has_all_its_sides_exchanged_and_another_none() -> None:
    exact = keypoints()
    noisy = swap_sides(exact, 0.4, generator())
    # Nose, then pairs of left and right.
    pairs = exact[:, 1:].reshape(NUM_FRAMES, 8, 2, 3)
    mirrored = np.concatenate([exact[:, :1], pairs[:, :, ::-1].reshape(NUM_FRAMES, 16, 3)], axis=1)
    is_swapped = (noisy == mirrored).all(axis=(1, 2))
    is_kept = (noisy == exact).all(axis=(1, 2))
    np.testing.assert_array_equal(is_swapped, ~is_kept)
    # 4000 frames: a standard error of 0.0078.
    assert is_swapped.mean() == pytest.approx(0.4, abs=0.039)


@pytest.mark.parametrize("kind", NOISES)
def test_level_0_changes_nothing_and_the_argument_is_never_changed(kind: str) -> None:
    exact = keypoints()
    np.testing.assert_array_equal(NOISES[kind](exact, 0, generator()), exact)
    noisy = NOISES[kind](exact, 1, generator())
    np.testing.assert_array_equal(exact, keypoints())
    assert (noisy != exact).any()
    assert noisy.dtype == np.float32
    np.testing.assert_array_equal(noisy, NOISES[kind](exact, 1, generator()))


def test_certain_noise_spares_nothing() -> None:
    assert not drop_joints(keypoints(), 1, generator())[..., 2].any()
    twice = swap_sides(swap_sides(keypoints(), 1, generator()), 1, generator())
    np.testing.assert_array_equal(twice, keypoints())


@pytest.mark.parametrize("level", [-0.1, np.inf, np.nan])
def test_a_spread_that_is_none_is_named(level: float) -> None:
    with pytest.raises(ValueError, match="std is a spread in pixels and must be finite"):
        jitter_joints(keypoints(), level, generator())


def test_revealed_joints_are_the_hidden_ones_that_have_a_place() -> None:
    exact = keypoints()
    exact[0] = 0
    shown = reveal_joints(exact, 0.4, generator())
    np.testing.assert_array_equal(shown[..., :2], exact[..., :2])
    hidden = exact[1:, :, 2] == 0
    assert not shown[0].any()
    assert (shown[1:][~hidden][:, 2] == 1).all()
    # 20400 hidden joints: a standard error of 0.0034.
    assert shown[1:][hidden][:, 2].mean() == pytest.approx(0.4, abs=0.017)


class TestEstimate:
    """What :func:`estimate_joints` does to many tracklets of eight frames."""

    SIZE = (1000, 1000)

    def found(self, strength: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(4)
        exact = rng.uniform(300, 700, (500, 8, 17, 3)).astype(np.float32)
        exact[..., 2] = rng.random(exact.shape[:-1]) < 0.7
        noise = generator()
        return exact, np.stack([estimate_joints(one, self.SIZE, strength, noise) for one in exact])

    def test_half_the_share_swapped_the_rest_in_place(self) -> None:
        exact, found = self.found()
        mirrored = exact[:, :, list(FLIP_ORDER)]
        for joints in (np.arange(1, 11), np.arange(11, 17)):
            here, there = (
                np.abs(found - one)[:, :, joints, :2].mean(axis=(2, 3)) for one in (exact, mirrored)
            )
            # Spans of 4 frames: 1000 of them, a standard error of 0.01.
            assert (there < here).mean() == pytest.approx(MISTAKES["swap"], abs=0.04)
        assert not (np.diff((there < here).astype(int), axis=1) != 0).all(axis=1).any()

    def test_places_and_scores_of_visible_and_hidden_joints(self) -> None:
        exact, found = self.found()
        nose = np.s_[:, :, 0]
        steps = (found - exact)[nose][..., :2] / self.SIZE[0]
        visible = exact[nose][..., 2] > 0
        # 2800 and 1200 steps an axis: errors of 2 and 3 %, half of each step lasts.
        assert steps[visible].std() == pytest.approx(MISTAKES["visible"], rel=0.06)
        assert steps[~visible].std() == pytest.approx(MISTAKES["hidden"], rel=0.09)
        kept = found[nose][..., 2] > 0
        assert found[nose][visible & kept][:, 2].mean() == pytest.approx(0.85, abs=0.01)
        assert found[nose][~visible & kept][:, 2].mean() == pytest.approx(0.5, abs=0.015)
        assert 1 - kept.mean() == pytest.approx(MISTAKES["lost"], abs=0.01)
        assert found[..., 2].min() == 0
        assert found[..., 2].max() <= 1

    def test_an_error_lasts_for_the_tracklet_by_half(self) -> None:
        exact, found = self.found()
        seen = exact[:, :, 0, 2] > 0
        steps = (found - exact)[:, :, 0, 0]
        both = seen[:, 0] & seen[:, 5]
        assert np.corrcoef(steps[both, 0], steps[both, 5])[0, 1] == pytest.approx(0.5, abs=0.15)

    def test_twice_the_strength_errs_twice_as_far(self) -> None:
        errors = [np.abs((b - a)[:, :, 0, :2]).mean() for a, b in map(self.found, (0.5, 1.0))]
        assert errors[1] == pytest.approx(2 * errors[0], rel=0.02)

    def test_what_is_unknown_or_outside_has_no_score(self) -> None:
        exact = np.zeros((6, 17, 3), np.float32)
        assert not estimate_joints(exact, self.SIZE, 1.0, generator())[..., 2].any()
        exact[..., :2], exact[..., 2] = 5000, 1
        assert not estimate_joints(exact, self.SIZE, 1.0, generator())[..., 2].any()


@pytest.mark.parametrize("noise", [drop_joints, swap_sides, reveal_joints])
@pytest.mark.parametrize("level", [-0.1, 1.1, np.nan])
def test_a_probability_that_is_none_is_named(noise, level: float) -> None:
    with pytest.raises(ValueError, match="prob is a probability and must be 0 to 1"):
        noise(keypoints(), level, generator())
