from itertools import permutations

import numpy as np
import pytest

from mmctl.datasets.tracking.pose_matching import MIN_INSIDE, MIN_OVERLAP, match_poses, rate_pairs


def person(left, top, width, height, score=1.0):
    """Joints at the corners of a rectangle, measured from the frame's edge."""
    joints = np.zeros((17, 3), np.float32)
    joints[:4, :2] = [(left, top), (left + width, top), (left, top + height), (0, 0)]
    joints[3, :2] = left + width, top + height
    joints[:, :2] -= 0.5
    joints[:4, 2] = score
    return joints


def pair(persons, boxes):
    return match_poses(np.array(persons), np.array(boxes, np.float64)).tolist()


def test_share_within_and_overlap_are_those_of_the_seen_joints():
    inside, overlaps = rate_pairs(
        np.array([person(10, 10, 10, 20)]), np.array([[0.0, 0.0, 15.0, 100.0], [10, 10, 20, 20]])
    )
    # Two of four joints are left of 15. Rectangle 10 x 20: common 5 x 20 of 200 + 1500 - 100, and
    # all of it in one of 400.
    assert inside.tolist() == [[0.5, 1.0]]
    assert overlaps.tolist() == [[pytest.approx(100 / 1600), pytest.approx(0.5)]]


def test_each_box_gets_the_person_in_it():
    boxes = [[0, 0, 20, 40], [50, 0, 20, 40], [100, 0, 20, 40]]
    assert pair([person(52, 2, 16, 36), person(2, 2, 16, 36)], boxes) == [1, 0, -1]


def test_a_person_is_given_to_one_box_alone():
    boxes = [[0, 0, 20, 40], [2, 0, 20, 40]]
    assert sorted(pair([person(3, 2, 16, 36)], boxes)) == [-1, 0]


def test_the_small_person_in_a_large_box_is_not_taken_for_the_large_one():
    far = person(22, 30, 8, 20)
    assert pair([far], [[0, 0, 50, 100]]) == [-1]
    assert pair([far, person(5, 5, 40, 90)], [[0, 0, 50, 100], [20, 28, 12, 24]]) == [1, 0]


def test_a_person_most_of_whom_is_elsewhere_is_not_taken():
    joints = person(0, 0, 20, 40)
    joints[1:4, :2] += 300
    assert pair([joints], [[0, 0, 320, 340]]) == [0]
    assert pair([joints], [[0, 0, 30, 50]]) == [-1]


def test_nobody_and_nothing_are_no_pairs():
    none = np.zeros((0, 17, 3), np.float32)
    assert match_poses(none, np.zeros((2, 4))).tolist() == [-1, -1]
    assert match_poses(np.array([person(0, 0, 9, 9)]), np.zeros((0, 4))).tolist() == []
    assert pair([np.zeros((17, 3), np.float32)], [[0, 0, 20, 40]]) == [-1]


def test_the_pairs_are_the_best_of_all_ways_to_pair():
    rng = np.random.default_rng(0)
    for _ in range(20):
        boxes = np.hstack([rng.uniform(0, 30, (3, 2)), rng.uniform(20, 60, (3, 2))])
        people = np.array([person(*(b + rng.uniform(-9, 9, 4)).clip(1)) for b in boxes])
        inside, overlaps = rate_pairs(people, boxes)
        fits = (inside >= MIN_INSIDE) & (overlaps >= MIN_OVERLAP)

        values = np.where(fits, overlaps, 0)
        best = max(sum(values[order, range(3)]) for order in map(list, permutations(range(3))))
        found = match_poses(people, boxes)
        total = sum(overlaps[who, box] for box, who in enumerate(found) if who >= 0)
        assert total == pytest.approx(best)
        assert all(fits[who, box] for box, who in enumerate(found) if who >= 0)
