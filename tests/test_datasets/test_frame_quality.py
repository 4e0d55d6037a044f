"""How well frames show their person: each rating by hand, and what is chosen."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmctl.datasets.frame_quality import (
    FrameChoice,
    combine_ratings,
    mean_quality,
    rate_borders,
    rate_heights,
    rate_keypoints,
    rate_overlaps,
    rate_sharpness,
)


def test_height_counts_up_to_that_of_the_networks_input():
    assert rate_heights([0, 32, 128, 400]).tolist() == [0, 0.25, 1, 1]


def test_a_box_at_the_border_is_cut_and_one_beyond_it_by_its_area():
    boxes = [[10, 10, 20, 40], [0, 10, 20, 40], [90, 10, 20, 40], [10, 50, 20, 49.5]]
    # inside; touching: 1/2; half beyond the right of 100 pixels: 1/2 * 1/2; near the bottom: 1/2
    assert rate_borders(boxes, (100, 100)).tolist() == [1, 0.5, 0.25, 0.5]


def test_only_what_one_other_box_covers_counts_as_overlap():
    boxes = [[0, 0, 10, 10], [5, 0, 10, 10], [100, 100, 10, 10], [0, 0, 20, 20]]
    assert rate_overlaps(boxes).tolist() == [0, 0, 1, 0.75]
    assert rate_overlaps(boxes[2:3]).tolist() == [1]
    assert rate_overlaps(np.zeros((0, 4))).shape == (0,)


def test_keypoints_give_mean_score_and_share_of_visible_joints():
    keypoints = np.zeros((2, 4, 3))
    keypoints[0, :2, 2] = 0.8, 0.2
    keypoints[1, :, 2] = 1.5  # an overshoot of a heatmap
    scores, visible = rate_keypoints(keypoints)
    assert scores == pytest.approx([0.25, 1])
    assert visible.tolist() == [0.25, 1]


def test_a_blurred_crop_is_less_sharp_at_any_size():
    generator = np.random.default_rng(0)
    for size in ((128, 64, 3), (300, 120, 3)):
        crop = generator.integers(0, 256, size, dtype=np.uint8)
        blurred = cv2.GaussianBlur(crop, (0, 0), 4)
        assert 0 < rate_sharpness(blurred) < 0.5 < rate_sharpness(crop) < 1
    assert rate_sharpness(np.full((128, 64, 3), 7, np.uint8)) == 0


def test_quality_is_the_geometric_mean_of_what_is_known():
    quality = combine_ratings([1.0, 0.0, np.nan], None, [0.25, 1.0, np.nan])
    assert quality[:2].tolist() == [0.5, 0.0]
    assert np.isnan(quality[2])


@pytest.mark.parametrize(
    ("ratings", "message"), [((None,), "at least one rating"), (([1.5],), "0 to 1.*1.5")]
)
def test_what_is_no_rating_is_refused(ratings, message):
    with pytest.raises(ValueError, match=message):
        combine_ratings(*ratings)


def test_bad_frames_are_left_out_but_never_all():
    choice = FrameChoice(min_quality=0.5)
    assert choice.choose(np.array([0.4, 0.5, np.nan, 0.9])).tolist() == [1, 2, 3]
    assert choice.choose(np.array([0.1, 0.3, 0.2])).tolist() == [1]
    assert choice.weigh(np.array([0.1])) is None
    assert FrameChoice().choose(np.array([0.0, 1.0])).tolist() == [0, 1]


def test_weights_are_qualities_and_never_nothing():
    weights = FrameChoice(weighted=True).weigh(np.array([0.5, np.nan, 0.0]))
    assert weights is not None
    assert weights.tolist() == [0.5, 1, 0.001]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "good", None])
def test_a_least_quality_outside_of_all_qualities_is_refused(value):
    with pytest.raises(ValueError, match="min_quality must be a number from 0 to 1"):
        FrameChoice(min_quality=value)


def test_the_mean_is_of_what_is_known():
    assert mean_quality([0.5, np.nan, 1.0]) == 0.75
    assert mean_quality([np.nan]) is None
