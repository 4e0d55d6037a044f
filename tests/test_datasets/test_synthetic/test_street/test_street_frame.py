from dataclasses import replace

import numpy as np
import pytest

from mmctl.datasets.synthetic.canvas import Canvas
from mmctl.datasets.synthetic.figure import View, pose_figure
from mmctl.datasets.synthetic.figure_painting import draw_figure
from mmctl.datasets.synthetic.street import StreetPainter, StreetSettings, plan_visits
from mmctl.datasets.synthetic.street.street_camera import place_camera
from mmctl.datasets.synthetic.street.walks import Visit, person_of

EMPTY = StreetSettings(people=4, cameras=2, things=0, size=(120, 200), fps=10.0, seed=1)


def walk(track, across, away, step=(0.2, 0.0), pid=None):
    """A person who is at a place on the ground at second 1."""
    step = np.array(step)
    path = np.array([np.array([across, away]) - 10 * step, np.array([across, away]) + 10 * step])
    length = float(np.linalg.norm(path[1] - path[0]))
    return Visit(pid or track, 1, track, -9.0, length / 20, 0.3, path, np.array([0, length]))


def middle(settings=EMPTY):
    ground = place_camera(settings, 1)
    return ground, ground.distance(0.5 * (ground.near + ground.far))


def silhouette(settings, visit, margin):
    """Which canvas pixels a person alone covers, with a margin all around, and its joints."""
    ground = place_camera(settings, 1)
    across, away = visit.place(1.0)
    column, row = ground.project(across, away)
    foot = (2 * column - 0.5 + margin, 2 * row - 0.5 + margin)
    view = View(visit.yaw(1.0), ground.pitch(away), foot, 2 * ground.scale(away))
    height, width = (2 * side + 2 * margin for side in settings.size)
    canvas = Canvas(np.zeros((height, width, 3), np.uint8))
    figure = pose_figure(person_of(settings, visit.pid), visit.gait(1.0), view)
    draw_figure(canvas, figure)
    return canvas.owners > 0, figure.keypoints - margin


@pytest.mark.parametrize("shift", [0.0, -1.0, 1.03])
def test_boxes_and_shares_are_those_of_the_painted_body(shift):
    ground, away = middle()
    visit = walk(1, shift * ground.edge(away), away)
    _, truth = StreetPainter(EMPTY, 1, [visit]).draw(10)
    mask, joints = silhouette(EMPTY, visit, margin := 200)
    inside = mask[margin:-margin, margin:-margin]
    rows, columns = np.nonzero(inside)
    box = (columns.min() / 2, rows.min() / 2, (columns.max() + 1) / 2, (rows.max() + 1) / 2)
    assert truth.boxes.tolist() == [pytest.approx(box)]
    assert truth.areas.tolist() == [inside.sum() / 4]
    assert truth.visible.tolist() == [pytest.approx(inside.sum() / mask.sum())]
    # A frame's pixel is two canvas pixels, the middle of which is half a pixel from either's.
    np.testing.assert_allclose(truth.keypoints[0, :, :2], joints / 2 - 0.25, atol=1e-3)


def test_somebody_outside_of_the_frame_is_not_in_its_truth():
    ground, away = middle()
    _, truth = StreetPainter(EMPTY, 1, [walk(1, 1.6 * ground.edge(away), away)]).draw(10)
    assert truth.tracks.shape == (0,)
    assert truth.boxes.shape == (0, 4)
    assert truth.keypoints.shape == (0, 17, 3)


def test_a_nearer_person_hides_a_farther_one_whoever_has_the_first_number():
    _, away = middle()
    for near, far in ((1, 2), (2, 1)):
        visits = [walk(near, 0.0, away), walk(far, 0.02, 1.15 * away)]
        _, truth = StreetPainter(EMPTY, 1, visits).draw(10)
        assert truth.tracks.tolist() == [1, 2]
        seen = dict(zip(truth.tracks.tolist(), truth.visible.tolist(), strict=True))
        joints = dict(zip(truth.tracks.tolist(), truth.keypoints[..., 2].sum(1), strict=True))
        assert seen[near] == 1
        assert seen[far] < 0.6
        assert joints[far] < joints[near]


def test_the_same_limb_of_another_person_shows_no_joint():
    # Two people of one look at one place and moment: only the nearer one's joints are seen.
    _, away = middle()
    _, truth = StreetPainter(
        EMPTY, 1, [walk(1, 0, away, pid=1), walk(2, 0, 1.0001 * away, pid=1)]
    ).draw(10)
    assert truth.keypoints[0, :, 2].sum() > 5
    assert truth.keypoints[1, :, 2].sum() == 0
    np.testing.assert_allclose(truth.keypoints[0, :, :2], truth.keypoints[1, :, :2], atol=0.1)


def test_things_in_the_way_hide_people():
    with_things = replace(EMPTY, things=8, seed=4)
    bare = replace(with_things, things=0)
    visits = plan_visits(with_things)[1]
    pairs = []
    for index in range(0, 400, 20):
        seen, alone = (StreetPainter(s, 1, visits).draw(index)[1] for s in (with_things, bare))
        assert (seen.visible <= alone.visible + 1e-6).all()
        pairs += [*zip(seen.visible, alone.visible, strict=True)]
    assert any(seen < alone - 0.1 for seen, alone in pairs)


def test_a_frame_is_the_same_whatever_was_drawn_before(small):
    visits = plan_visits(small)
    painter = StreetPainter(small, 2, visits[2])
    first = painter.draw(5)
    painter.draw(6)
    again = StreetPainter(small, 2, visits[2]).draw(5)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1].keypoints, again[1].keypoints)


def test_cameras_and_seeds_differ_and_so_does_the_noise_of_each_frame(small):
    visits = plan_visits(small)
    frames = [StreetPainter(small, camid, []).draw(0)[0] for camid in (1, 2)]
    assert np.abs(frames[0].astype(int) - frames[1]).mean() > 5
    other = StreetPainter(replace(small, seed=4), 1, []).draw(0)[0]
    assert np.abs(frames[0].astype(int) - other).mean() > 5
    later = StreetPainter(small, 1, []).draw(1)[0]
    assert 0.5 < np.abs(frames[0].astype(int) - later).mean() < 8
    assert visits[1]


def test_joints_lie_in_their_box_and_hidden_ones_are_known(small):
    total = 0
    for camid, visits in plan_visits(small).items():
        for index in range(0, 13, 3):
            _, truth = StreetPainter(small, camid, visits).draw(index)
            for box, joints in zip(truth.boxes, truth.keypoints, strict=True):
                places = joints[joints[:, 2] > 0, :2]
                assert (places >= box[:2] - 1).all()
                assert (places <= box[2:] + 1).all()
                total += len(places)
            assert set(truth.keypoints[..., 2].ravel().tolist()) <= {0.0, 1.0}
    assert total > 100
