import numpy as np
import pytest

from mmctl.datasets.listings.frame_origins import round_boxes
from mmctl.datasets.tracking.crop_places import locate_crops, move_into_crops, whole_edges

NAMES = ["1.jpg", "2.jpg", "3.jpg"]
FRAME = 100, 200


def locate(boxes, sizes, frame_size=FRAME):
    return locate_crops(
        np.array(boxes, np.float64), np.array(sizes), frame_size, NAMES[: len(boxes)]
    )


def test_a_crop_begins_at_the_whole_pixel_that_its_box_begins_at():
    places = locate([[10.4, 20.5, 30.2, 40.0], [-5.0, -3.0, 20.0, 30.0]], [[40, 31], [27, 15]])
    # 10.4 is in pixel 10, 20.5 begins pixel 21; what is before the frame is not in the crop
    assert places.origins.tolist() == [[10, 21], [0, 0]]
    assert places.scales.tolist() == [[1, 1], [1, 1]]


def test_a_padded_crop_begins_before_the_frame():
    places = locate([[-5.0, -3.0, 20.0, 30.0]], [[30, 20]])
    assert places.origins.tolist() == [[-5, -3]]
    assert places.scales.tolist() == [[1, 1]]


def test_a_resized_crop_has_the_scale_of_what_the_frame_shows():
    # 30 of 40 pixels across and 50 of 50 down are within the frame.
    places = locate([[170.0, 10.0, 40.0, 50.0]], [[100, 90]])
    assert places.origins.tolist() == [[170, 10]]
    assert places.scales.tolist() == [[3, 2]]


@pytest.mark.parametrize("size", [(39, 31), (41, 29)])
def test_a_pixel_of_another_rounding_is_no_scale(size):
    assert locate([[10.0, 20.0, 30.0, 40.0]], [size]).scales.tolist() == [[1, 1]]


def test_the_border_is_found_by_the_crops_that_it_cut():
    boxes = [[170.0, 10.0, 40.0, 50.0], [190.0, 70.0, 20.0, 50.0], [3.0, 3.0, 9.0, 9.0]]
    places = locate(boxes, [[50, 30], [30, 10], [9, 9]], None)
    assert places.origins.tolist() == [[170, 10], [190, 70], [3, 3]]
    assert (places.scales == 1).all()


def test_a_resized_crop_of_a_frame_of_unknown_size_is_refused():
    with pytest.raises(ValueError, match=r"2\.jpg is 128x64 \(height x width\), and its box 40x30"):
        locate([[3.0, 3.0, 9.0, 9.0], [10.0, 20.0, 30.0, 40.0]], [[9, 9], [128, 64]], None)


def test_a_box_beyond_the_frame_is_of_another_size():
    with pytest.raises(ValueError, match=r"frame, which is 100x200 .* 1\.jpg is \[300\.0, 20\.0"):
        locate([[300.0, 20.0, 30.0, 40.0]], [[40, 30]])


def test_joints_move_with_pixel_centres_as_integers():
    keypoints = np.zeros((3, 17, 3), np.float32)
    keypoints[:, 0] = 12, 25, 0.75
    boxes = [[10.0, 20.0, 30.0, 40.0], [10.0, 20.0, 30.0, 40.0], [-5.0, -3.0, 20.0, 30.0]]
    moved = move_into_crops(keypoints, locate(boxes, [[40, 30], [80, 90], [30, 20]]))
    # Twice as high and three times as wide: pixel 2 covers 6, 7, 8, whose centre is 7; pixel 5
    # covers 10 and 11, whose centre is 10.5.
    assert moved[:, 0].tolist() == [[2, 5, 0.75], [7, 10.5, 0.75], [17, 28, 0.75]]
    # (0, 0) lies outside of the first two, and within the padded one.
    keypoints[:, 1:, 2] = 0.5
    moved = move_into_crops(keypoints, locate(boxes, [[40, 30], [80, 90], [30, 20]]))
    assert moved[:, 1, 2].tolist() == [0, 0, 0.5]


def test_scores_above_1_become_1():
    keypoints = np.full((1, 17, 3), 30.0)
    moved = move_into_crops(keypoints, locate([[10.0, 20.0, 30.0, 40.0]], [[40, 30]]))
    assert (moved[..., 2] == 1).all()


def test_boxes_in_hundredths_round_to_the_pixels_that_they_were_cut_at():
    rng = np.random.default_rng(3)
    halves = np.concatenate([rng.integers(-90, 900, (2000, 2)), rng.integers(9, 300, (2000, 2))], 1)
    for spread in (0.0, 0.02, 7.0):
        boxes = halves / 2 + rng.uniform(-spread, spread, halves.shape) * [1, 1, 0.2, 0.2]
        listed = np.array(round_boxes(boxes))
        assert np.array_equal(whole_edges(listed), whole_edges(boxes))
        assert np.abs(listed - boxes).max() < 0.021
    assert round_boxes(np.array([[10.4999, 3.0, 48.0, 0.001]])) == [[10.49, 3.0, 48.0, 0.01]]
