import itertools
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from mmctl.datasets.synthetic.street import StreetSettings, plan_visits
from mmctl.datasets.synthetic.street.street_camera import place_camera
from mmctl.datasets.synthetic.street.walks import Visit, person_of

MINUTE = StreetSettings(seed=5)


@pytest.fixture(scope="module")
def visits():
    return plan_visits(MINUTE)


def test_everybody_passes_at_least_two_cameras_within_a_minute(visits):
    cameras = {pid: set() for pid in range(1, MINUTE.people + 1)}
    for camid, walks in visits.items():
        for visit in walks:
            cameras[visit.pid].add(camid)
    assert min(map(len, cameras.values())) >= 2


def test_some_come_back_to_a_camera_and_have_another_track_there(visits):
    pairs = Counter((visit.pid, camid) for camid, walks in visits.items() for visit in walks)
    assert max(pairs.values()) >= 2


def test_some_are_there_at_the_first_frame_and_some_come_later(visits):
    begins = [visit.begin for walks in visits.values() for visit in walks]
    assert min(begins) < 0 < max(begins)


def test_nobody_is_in_two_cameras_at_once(visits):
    for pid in range(1, MINUTE.people + 1):
        mine = sorted((v.begin, v.end) for walks in visits.values() for v in walks if v.pid == pid)
        assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(mine))


def test_tracks_count_from_one_in_the_order_in_which_people_come(visits):
    for walks in visits.values():
        assert [visit.track for visit in walks] == [*range(1, len(walks) + 1)]
        begins = [visit.begin for visit in walks]
        assert begins == sorted(begins)


def test_ways_begin_and_end_beside_the_view_and_lie_between_near_and_far(visits):
    for camid, walks in visits.items():
        ground = place_camera(MINUTE, camid)
        for visit in walks:
            for across, away in (visit.path[0], visit.path[-1]):
                column, _ = ground.project(across, away)
                # Half a height and more: a body is half as wide with its arms.
                beyond = max(-column, column - MINUTE.size[1])
                assert beyond > 0.5 * ground.scale(away)
            scales = [ground.scale(away) for away in visit.path[[0, -1], 1]]
            assert ground.far * 0.99 <= min(scales)
            assert max(scales) <= ground.near * 1.01


def test_people_walk_in_both_directions_and_look_different_ways(visits):
    yaws = np.array([v.yaw((v.begin + v.end) / 2) for walks in visits.values() for v in walks])
    assert (np.sin(yaws) > 0.3).any()
    assert (np.sin(yaws) < -0.3).any()
    assert (np.cos(yaws) > 0.3).any()
    assert (np.cos(yaws) < -0.3).any()


def test_yaw_is_that_of_the_line_of_sight():
    def visit(path):
        steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
        return Visit(1, 1, 1, 0.0, 1.0, 0.0, path, np.concatenate([[0], np.cumsum(steps)]))

    # Straight to the camera from the front, and across its axis to the right.
    assert visit(np.array([[0.0, 10], [0, 9]])).yaw(0.5) == pytest.approx(0)
    assert visit(np.array([[-1.0, 10], [1, 10]])).yaw(1.0) == pytest.approx(math.pi / 2)
    # Parallel to the axis, towards the camera, but 45 degrees to its right: it passes on the right,
    # so it is seen from its right side, as it walks outwards in the picture.
    assert visit(np.array([[10.0, 10.5], [10, 9.5]])).yaw(0.5) == pytest.approx(math.pi / 4)


def test_a_longer_street_begins_like_a_shorter_one_of_as_early_people():
    first, longer = (plan_visits(replace(MINUTE, seconds=s, people=1)) for s in (44.0, 45.0))
    assert [v.begin for v in first[1]][:1] == [v.begin for v in longer[1]][:1]


def test_people_of_a_street_are_in_no_set_of_drawn_pedestrians():
    from mmctl.datasets.synthetic import DrawnSettings
    from mmctl.datasets.synthetic.plan import identity_of, pids_of

    settings = DrawnSettings(num_train_pids=8, num_test_pids=8, seed=MINUTE.seed)
    drawn = [
        identity_of(settings, split, pid)
        for split in ("train", "test")
        for pid in pids_of(settings, split)
    ]
    assert not {looks.clothes for looks in drawn} & {
        person_of(MINUTE, pid).clothes for pid in range(1, 25)
    }
