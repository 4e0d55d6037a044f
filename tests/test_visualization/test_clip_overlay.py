import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mmctl.datasets.transforms import FlipClip
from mmctl.structures import BODY_SCALES, FLIP_ORDER, KEYPOINTS
from mmctl.visualization.clip_overlay import (
    LEFT,
    MIDDLE,
    RIGHT,
    draw_heatmaps,
    draw_parts,
    draw_skeleton,
    part_colours,
    part_name,
    peaks_of_heatmaps,
    side_colours,
)

HEIGHT = 256
"""Four times the height of the frames here: pixel (x, y) becomes (4x + 1.5, 4y + 1.5)."""


def rgb(colour):
    return [round(255 * part) for part in to_rgb(colour)]


def grey_frame(level=0):
    return np.full((64, 32, 3), level, dtype=np.uint8)


def joints(**places):
    """Return keypoints that are far away, but for those named."""
    keypoints = np.full((17, 3), -1000.0, dtype=np.float32)
    keypoints[:, 2] = 0
    for name, place in places.items():
        keypoints[KEYPOINTS.index(name)] = place
    return keypoints


def colour_at(picture, x, y):
    """Read a picture at a pixel (x, y) of the frame that it shows four times as large."""
    return picture[4 * y + 1, 4 * x + 1].tolist()


@pytest.mark.parametrize(
    ("name", "colour"),
    [("left_wrist", LEFT[0]), ("right_eye", RIGHT[0]), ("nose", MIDDLE[0])],
)
def test_a_sure_joint_has_the_colour_of_its_side_on_its_pixel(name, colour):
    picture = draw_skeleton(grey_frame(), joints(**{name: (10, 20, 1)}), HEIGHT)
    assert picture.shape == (256, 128, 3)
    assert colour_at(picture, 10, 20) == rgb(colour)
    assert picture[..., 0].nonzero()[0].size < 200


def test_a_joint_is_paler_the_lower_its_score_and_empty_at_zero():
    def around(score):
        keypoints = joints(left_wrist=(10, 20, score))
        return draw_skeleton(grey_frame(), keypoints, HEIGHT)[80:84, 40:44].astype(int)

    # Half way from white to (255, 140, 0)
    np.testing.assert_allclose(around(0.5)[1, 1], [255, 197.5, 127.5], atol=1)
    assert (around(1) == rgb(LEFT[0])).all()
    # Only the bone to the elbow crosses the ring.
    assert (around(0) == 0).all(axis=-1).sum() >= 8
    ring = draw_skeleton(grey_frame(), joints(left_wrist=(10, 20, 0)), HEIGHT)
    assert ring[72:92, 32:52, 0].max() > 200


def test_joints_without_a_place_are_not_drawn_nor_their_bones():
    keypoints = joints(left_knee=(10, 20, 1))
    keypoints[:, :2][keypoints[:, 2] == 0] = np.nan
    picture = draw_skeleton(grey_frame(), keypoints, HEIGHT)
    assert colour_at(picture, 10, 20) == rgb(LEFT[0])
    picture[60:110, 20:70] = 0
    assert not picture.any()
    parts = draw_parts(grey_frame(), keypoints, [(13,)], [LEFT[0]], HEIGHT)
    assert parts[81, 41].any()


def test_a_bone_has_the_colour_of_its_side_and_is_thin_to_a_joint_of_score_zero():
    def bone(score):
        places = {"left_hip": (16, 20, 1), "left_knee": (16, 40, score)}
        picture = draw_skeleton(grey_frame(), joints(**places), HEIGHT)
        return (picture[4 * 30] == rgb(LEFT[0])).all(axis=-1).sum()

    assert 0 < bone(0) < bone(1) <= 3


def test_a_mirrored_frame_shows_the_colours_on_the_other_side():
    keypoints = joints(left_hip=(8, 30, 1), right_hip=(20, 30, 1), left_ankle=(5, 50, 1))
    results = {
        "frames": grey_frame()[None],
        "clip_indices": np.zeros((1, 1), dtype=int),
        "keypoints": keypoints[None],
    }
    flipped = FlipClip(prob=1.0).transform(results)
    before = draw_skeleton(grey_frame(), keypoints, HEIGHT)
    after = draw_skeleton(flipped["frames"][0], flipped["keypoints"][0], HEIGHT)
    for x, y, colour, mirrored in (
        (8, 30, LEFT, RIGHT),
        (20, 30, RIGHT, LEFT),
        (5, 50, LEFT, RIGHT),
    ):
        assert colour_at(before, x, y) == rgb(colour[0])
        # 31 - x, and the centre is on the other side of its four pixels
        assert after[4 * y + 1, 4 * (31 - x) + 2].tolist() == rgb(mirrored[0])


def test_a_map_has_the_colour_of_its_joint_s_side_where_it_is_high():
    maps = np.zeros((17, 16, 8), dtype=np.float32)
    maps[KEYPOINTS.index("left_hip"), 5, 2] = 1
    maps[KEYPOINTS.index("right_hip"), 5, 6] = 0.5
    maps[KEYPOINTS.index("left_knee"), 12, 2] = -3
    picture = draw_heatmaps(grey_frame(100), maps, HEIGHT)
    # A cell is 16 pixels of the picture wide; the frame behind it is at 0.45 of its brightness.
    around = np.array([45, 45, 45])
    for row, column, colour, opacity in ((5, 2, LEFT, 1), (5, 6, RIGHT, 0.5), (12, 2, LEFT, 0)):
        seen = picture[16 * row + 7, 16 * column + 7]
        expected = around + opacity * (np.array(rgb(colour[0])) - around)
        np.testing.assert_allclose(seen, expected, atol=18 * opacity + 1)
    assert picture[4 * 60, 4 * 30].tolist() == [45, 45, 45]


def test_a_part_covers_the_way_between_its_seen_joints():
    thigh, colours = [(11, 13)], ["#ff0000"]
    keypoints = joints(left_hip=(16, 20, 1), left_knee=(16, 40, 0.3))
    picture = draw_parts(grey_frame(100), keypoints, thigh, colours, HEIGHT)
    # Half of red over grey 100
    assert colour_at(picture, 16, 30) == [178, 50, 50]
    assert colour_at(picture, 4, 30) == [100, 100, 100]
    keypoints[KEYPOINTS.index("left_knee"), 2] = 0
    picture = draw_parts(grey_frame(100), keypoints, thigh, colours, HEIGHT)
    assert colour_at(picture, 16, 20) == [178, 50, 50]
    assert colour_at(picture, 16, 30) == [100, 100, 100]
    unseen = draw_parts(grey_frame(100), joints(), thigh, colours, HEIGHT)
    assert (unseen == 100).all()


def test_small_parts_lie_over_large_ones():
    keypoints = joints(
        left_shoulder=(8, 10, 1),
        right_shoulder=(24, 10, 1),
        left_hip=(8, 40, 1),
        right_hip=(24, 40, 1),
        left_elbow=(24, 25, 1),
    )
    parts, colours = [(5, 7), (5, 6, 11, 12)], ["#ff0000", "#0000ff"]
    picture = draw_parts(grey_frame(0), keypoints, parts, colours, HEIGHT)
    # The arm crosses the trunk: blue 127.5 first, then half of it and half of red.
    red, _, blue = colour_at(picture, 18, 19)
    assert (red, blue) == (128, 64)
    assert colour_at(picture, 12, 35) == [0, 0, 128]


def test_the_inputs_of_a_drawing_stay():
    frame, keypoints = grey_frame(100), joints(nose=(3, 3, 1))
    maps = np.ones((17, 4, 2), dtype=np.float16)
    draw_skeleton(frame, keypoints, 64)
    draw_heatmaps(frame, maps, 64)
    draw_parts(frame, keypoints, [(0,)], ["#ff0000"], 64)
    assert (frame == 100).all()
    assert (maps == 1).all()
    np.testing.assert_array_equal(keypoints, joints(nose=(3, 3, 1)))


def test_peaks_are_the_centres_of_the_largest_cells():
    maps = np.full((2, 17, 16, 8), -1, dtype=np.float16)
    maps[1, 4, 10, 3] = 0.75
    peaks = peaks_of_heatmaps(maps, (64, 32))
    # Cells of 4 x 4 pixels: (3 + 0.5) * 4 - 0.5 and (10 + 0.5) * 4 - 0.5
    assert peaks[1, 4].tolist() == [13.5, 41.5, 0.75]
    assert (peaks[0, :, 2] == 0).all()
    assert peaks.shape == (2, 17, 3)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ((0, 1, 2, 3, 4), "nose, eyes, ears"),
        ((5, 6, 11, 12), "shoulders, hips"),
        ((11, 13, 15), "left hip, knee, ankle"),
        ((6, 8), "right shoulder, elbow"),
        ((7, 10), "left elbow, right wrist"),
    ],
)
def test_a_part_is_named_by_its_joints(part, name):
    assert part_name(part) == name


def test_sides_are_those_of_the_joints():
    for keypoint in range(1, 17):
        own, other = side_colours((keypoint,)), side_colours((FLIP_ORDER[keypoint],))
        assert {own, other} == {LEFT, RIGHT}
    assert side_colours((0,)) == side_colours((5, 6)) == side_colours((0, 1, 2)) == MIDDLE
    assert side_colours((0, 1)) == LEFT


@pytest.mark.parametrize("body", BODY_SCALES)
def test_parts_of_a_scale_have_colours_of_their_own(body):
    scales = BODY_SCALES[body]
    colours = part_colours(scales)
    assert len(set(colours["s2"])) == len(scales.s2)
    assert len(set(colours["s3"])) == len(scales.s3)
    assert colours["s3"] == [colours["s2"][members[0]] for members in scales.s2_to_s3]
