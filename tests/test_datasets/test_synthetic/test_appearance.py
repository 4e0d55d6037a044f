from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from mmctl.datasets.synthetic.appearance import GROUP_SIZE, draw_group
from mmctl.datasets.synthetic.canvas import Canvas
from mmctl.datasets.synthetic.figure import View, pose_figure
from mmctl.datasets.synthetic.figure_painting import draw_figure

GROUPS = range(20)


def group_of(index: int):
    return draw_group(np.random.default_rng(index), index)


def mean_colour(person, yaw: float) -> np.ndarray:
    """Return the mean colour of a person's pixels, without camera and background."""
    canvas = Canvas(np.zeros((256, 128, 3), np.uint8))
    draw_figure(canvas, pose_figure(person, 1.0, View(yaw, 0.1, (64.0, 245.0), 210.0)))
    return canvas.image[canvas.owners > 0].mean(0)


@pytest.mark.parametrize("index", GROUPS)
def test_a_group_wears_one_multiset_of_colours_in_four_placements(index: int) -> None:
    members = group_of(index)
    assert len({tuple(sorted(member.placement)) for member in members}) == 1
    assert len({member.placement for member in members}) == GROUP_SIZE
    assert {member.group for member in members} == {index}


@pytest.mark.parametrize("index", GROUPS)
def test_members_never_differ_in_left_and_right_only(index: int) -> None:
    for first, second in itertools.combinations(group_of(index), 2):
        assert first.placement != second.placement
        assert first.bag_side == second.bag_side


def test_the_average_colour_hardly_tells_members_apart() -> None:
    means = np.array(
        [[mean_colour(member, math.pi / 2) for member in group_of(index)] for index in GROUPS]
    )
    within = np.linalg.norm(means - means.mean(1, keepdims=True), axis=-1).mean()
    between = np.linalg.norm(means.mean(1) - means.mean((0, 1)), axis=-1).mean()
    assert within < 0.5 * between


def test_members_of_a_group_share_body_pattern_and_accessory() -> None:
    for index in GROUPS:
        members = group_of(index)
        for trait in ("pattern", "short_sleeves", "shorts", "skin"):
            assert len({getattr(member, trait) for member in members}) == 1
        statures = [member.stature for member in members]
        assert np.ptp(statures) < 0.2


def test_the_same_generator_draws_the_same_group() -> None:
    assert group_of(4) == group_of(4)
    assert group_of(4) != group_of(5)
