"""The picture of a split: drawn for CTL, the baseline, with and without keypoints."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmctl.explanations import Shares, SimilaritySplit
from mmctl.structures import BODY_SCALES
from mmctl.visualization import similarity_picture
from mmctl.visualization.plain_text import shorten_name
from mmctl.visualization.similarity_picture import Person, draw_similarity


def shares(parts, num_frames=3):
    table = np.full((num_frames, len(parts) + 1), 0.05)
    numbers = np.arange(num_frames)
    return Shares(np.array(parts), 0.1, -0.2, table.sum(axis=1), numbers, table)


@pytest.mark.parametrize("parts", [[0.3, -0.2, 0.1, 0.2, 0.3], []])
@pytest.mark.parametrize("has_keypoints", [True, False])
def test_it_is_drawn(parts, has_keypoints, tmp_path):
    generator = np.random.default_rng(0)
    names = ("trunk", "left arm", "right arm", "left leg", "right leg")[: len(parts)]
    side = shares(parts, 12)
    size = len(parts) + 2
    split = SimilaritySplit(0.6, (*names, "global"), side, side, np.zeros((size, size)))
    keypoints = generator.random((12, 17, 3)).astype(np.float32) * [31, 63, 1]
    frames = np.full((12, 64, 32, 3), 90, dtype=np.uint8)
    person = Person("a $name", frames, keypoints if has_keypoints else None)
    body = BODY_SCALES["limb"].s3 if parts else ()
    out = tmp_path / "new" / "split.png"
    draw_similarity(split, person, person, body, out)
    assert cv2.imread(str(out)).shape == (660, 1040, 3)


def test_the_frame_with_the_surest_joints_is_drawn():
    keypoints = np.zeros((5, 17, 3), dtype=np.float32)
    frames = np.zeros((5, 4, 2, 3), dtype=np.uint8)
    assert Person("a", frames).best_frame() == 2
    assert Person("a", frames, keypoints).best_frame() == 2
    keypoints[4, 3, 2] = 1
    assert Person("a", frames, keypoints).best_frame() == 4


def test_a_long_name_keeps_both_ends():
    assert shorten_name("short") == "short"
    long = shorten_name("tracklet 12 (/a/long/path/to/frames/0001.jpg)", 24)
    assert len(long) == 24
    assert long.startswith("tracklet")
    assert long.endswith("0001.jpg)")


@pytest.mark.parametrize("sign", [1, -1])
def test_no_number_lies_on_a_person(monkeypatch, tmp_path, sign):
    drawn = []

    class Kept(similarity_picture.Figure):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            drawn.append(self)

    monkeypatch.setattr(similarity_picture, "Figure", Kept)
    table = np.full((3, 1), 1.6 * sign / 3)
    side = Shares(np.zeros(0), 1.6 * sign, -1.5 * sign, table[:, 0], np.arange(3), table)
    split = SimilaritySplit(0.1 * sign, ("global",), side, side, np.zeros((2, 2)))
    person = Person("a", np.full((3, 64, 32, 3), 90, dtype=np.uint8))
    draw_similarity(split, person, person, (), tmp_path / "split.png")
    (figure,) = drawn
    renderer = figure.canvas.get_renderer()
    pictures = [axes.get_window_extent(renderer) for axes in figure.axes if axes.images]
    numbers = [t for axes in figure.axes for t in axes.texts if t.get_text()[:1] in "+-"]
    assert len(numbers) >= 6
    for number in numbers:
        assert not any(number.get_window_extent(renderer).overlaps(box) for box in pictures)
