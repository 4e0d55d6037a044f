import numpy as np
import pytest

from mmctl.evaluation.box_overlap import overlap
from tests.references.detection import slow_overlap


def test_overlaps_equal_those_of_single_pairs():
    rng = np.random.default_rng(0)
    first, second = (
        np.concatenate([rng.uniform(0, 5, (n, 2)), rng.uniform(1, 6, (n, 2))], 1) for n in (4, 3)
    )
    expected = [[slow_overlap(a, b) for b in second] for a in first]
    np.testing.assert_allclose(overlap(first, second), expected)


def test_half_of_a_box_beside_it():
    # 2x4 and 2x4, shifted by 1: common 1x4 = 4 of 8 + 8 - 4 = 12.
    boxes = overlap(np.array([[0.0, 0, 2, 4]]), np.array([[1.0, 0, 2, 4], [2.0, 0, 2, 4]]))
    assert boxes.tolist() == [[pytest.approx(1 / 3), 0.0]]


def test_nobody_overlaps_nobody():
    assert overlap(np.zeros((0, 4)), np.ones((3, 4))).shape == (0, 3)
    assert overlap(np.ones((2, 4)), np.zeros((0, 4))).shape == (2, 0)
