from __future__ import annotations

import math

import numpy as np
import pytest

from mmctl.datasets.synthetic.appearance import Bag, Pattern, draw_group
from mmctl.datasets.synthetic.canvas import Canvas, Owner
from mmctl.datasets.synthetic.figure import View, pose_figure
from mmctl.datasets.synthetic.figure_painting import draw_figure
from mmctl.datasets.synthetic.keypoint_visibility import visible_keypoints
from mmctl.structures import KEYPOINTS

FRONT, RIGHT, BACK, LEFT = 0.0, math.pi / 2, math.pi, -math.pi / 2


def paint(yaw: float, phase: float = 1.0, person: int = 0):
    """Return the canvas, figure and visibility of one person on black."""
    looks = draw_group(np.random.default_rng(person), person)[0]
    canvas = Canvas(np.zeros((512, 256, 3), np.uint8))
    figure = pose_figure(looks, phase, View(yaw, 0.1, (128.0, 490.0), 420.0))
    draw_figure(canvas, figure)
    return canvas, figure, visible_keypoints(figure, canvas.owners)


def matches(pixel: np.ndarray, colours: tuple) -> bool:
    """Return whether a pixel is one of some colours, in light or shade."""
    for colour in colours:
        for factor in (1.0, 0.84, 0.8, 0.8 * 0.84, 0.45, 0.8 * 0.45, 0.9, 0.86):
            if np.abs(pixel - np.asarray(colour) * factor).max() <= 2.5:
                return True
    return False


@pytest.mark.parametrize("person", range(6))
@pytest.mark.parametrize("yaw", np.linspace(-math.pi, math.pi, 9))
def test_visible_joints_lie_on_the_garments_they_belong_to(yaw: float, person: int) -> None:
    for phase in (0.2, 1.9):
        canvas, figure, visible = paint(yaw, phase, person)
        looks = figure.appearance
        torso, sleeves, legs, shoes = looks.clothes
        colours = {
            (5, 6): (torso, sleeves, looks.accessory),
            (7, 8, 9, 10): (sleeves, looks.skin, looks.accessory),
            (11, 12): (torso, legs, looks.accessory),
            (13, 14): (legs, looks.skin),
            (15, 16): (legs, looks.skin, shoes),
        }
        joints = [(index, allowed) for pair, allowed in colours.items() for index in pair]
        for index, allowed in joints:
            if visible[index]:
                column, row = np.rint(figure.keypoints[index]).astype(int)
                # Where light meets shade the pixel itself is a blend of both.
                patch = canvas.image[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3)
                seen = any(matches(pixel, allowed) for pixel in patch.astype(float))
                assert seen, f"{KEYPOINTS[index]} shows {patch.tolist()}"


@pytest.mark.parametrize("person", range(4))
def test_shoulders_and_hips_lie_on_the_figure_even_when_hidden(person: int) -> None:
    for yaw in (FRONT, RIGHT, BACK, LEFT):
        canvas, figure, _ = paint(yaw, person=person)
        for column, row in np.rint(figure.keypoints[[5, 6, 11, 12]]).astype(int):
            assert canvas.owners[row, column] != Owner.BACKGROUND


def test_a_face_is_seen_from_the_front_only() -> None:
    assert paint(FRONT)[2][:3].all()
    assert not paint(BACK)[2][:3].any()


@pytest.mark.parametrize(("yaw", "near"), [(RIGHT, "right"), (LEFT, "left")])
def test_far_joints_are_hidden_in_side_views_more_often_than_near_ones(
    yaw: float, near: str
) -> None:
    seen = np.zeros(17)
    for phase in np.linspace(0, 2 * math.pi, 12):
        for person in range(4):
            seen += paint(yaw, phase, person)[2]
    left, right = seen[5::2], seen[6::2]
    near_seen, far_seen = (right, left) if near == "right" else (left, right)
    assert (near_seen >= far_seen).all()
    assert near_seen.sum() > 1.5 * far_seen.sum()


def test_walking_right_puts_the_nose_to_the_right_of_the_ears() -> None:
    keypoints = paint(RIGHT)[1].keypoints
    assert keypoints[0, 0] > keypoints[3:5, 0].max()


def test_from_the_front_the_left_shoulder_is_on_the_right_of_the_picture() -> None:
    keypoints = paint(FRONT)[1].keypoints
    assert keypoints[5, 0] > keypoints[6, 0] + 50


def test_a_mirrored_turn_is_the_mirrored_figure() -> None:
    """Facing left half a cycle later is facing right seen in a mirror, sides exchanged."""
    keypoints = paint(0.7, 0.4)[1].keypoints
    mirrored = paint(-0.7, 0.4 + math.pi)[1].keypoints
    mirrored = mirrored[[0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]]
    mirrored[:, 0] = 2 * 128 - mirrored[:, 0]
    np.testing.assert_allclose(keypoints, mirrored, atol=1e-9)


def test_an_occluder_hides_what_it_covers() -> None:
    canvas, figure, before = paint(FRONT)
    canvas.owner_of_all = Owner.OCCLUDER
    canvas.polygon(np.array([(0.0, 300), (256, 300), (256, 512), (0, 512)]), (9, 9, 9), Owner.TORSO)
    after = visible_keypoints(figure, canvas.owners)
    below = figure.keypoints[:, 1] > 301
    assert before[below].any()
    assert not after[below].any()
    assert (after[~below] == before[~below]).all()


def test_joints_outside_the_picture_are_hidden() -> None:
    looks = draw_group(np.random.default_rng(0), 0)[0]
    canvas = Canvas(np.zeros((512, 256, 3), np.uint8))
    figure = pose_figure(looks, 0.0, View(FRONT, 0.1, (128.0, 900.0), 420.0))
    draw_figure(canvas, figure)
    visible = visible_keypoints(figure, canvas.owners)
    assert not visible[11:].any()


def test_every_kind_of_person_can_be_painted() -> None:
    patterns, bags = set(), set()
    for person in range(25):
        canvas, figure, visible = paint(0.5, person=person)
        patterns.add(figure.appearance.pattern)
        bags.add(figure.appearance.bag)
        assert (canvas.owners > 0).mean() > 0.05
        assert visible.sum() >= 8
    assert patterns == set(Pattern)
    assert bags == set(Bag)
