"""Learned graphs on a body: the right edges, the right sides."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmctl.structures import BODY_SCALES, FLIP_ORDER
from mmctl.visualization.body_figure import JOINTS, node_places
from mmctl.visualization.topology_picture import draw_topology, largest_weight, strongest_edges

BODY = BODY_SCALES["limb"]


def test_the_person_faces_us():
    assert (JOINTS[[5, 7, 9, 11, 13, 15], 0] > 0).all()  # its left is on our right
    mirrored = JOINTS[list(FLIP_ORDER)] * [-1, 1]
    assert np.allclose(mirrored, JOINTS)
    left_arm = node_places(BODY.s3)[1]
    assert left_arm[0] > 0.3
    assert len(node_places(None)) == 17


def test_edges_lead_from_column_to_row_and_loops_are_left_out():
    weights = np.array([[9.0, 0.1, 0.0], [-0.5, 9.0, 0.0], [0.0, 0.3, 9.0]])
    assert strongest_edges(weights, 2) == [(1, 2, 0.3), (0, 1, -0.5)]
    assert len(strongest_edges(weights, 9)) == 3
    assert largest_weight(weights[None]) == 0.5
    assert largest_weight(np.zeros((1, 3, 3))) == 1


@pytest.mark.parametrize(("window", "sources"), [(3, ("s1", "s2")), (1, ())])
def test_it_is_drawn(window, sources, tmp_path):
    generator = np.random.default_rng(0)
    counts = {"s1": 17, "s2": 10, "s3": 5}
    learned = {s: generator.normal(size=(window, n, n)) for s, n in counts.items()}
    cross = {s: generator.dirichlet(np.ones(counts[s]), 5) for s in sources}
    names = ["trunk", "left arm", "right arm", "left leg", "right leg"]
    out = tmp_path / "new" / "graphs.png"
    draw_topology(learned, cross, BODY, names, out, title="Graphs of $1")
    assert cv2.imread(str(out)).shape[0] == round(100 * (2.75 * (1 + len(cross)) + 0.9))
