"""The graphs that are drawn are those that the model used."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmctl.explanations import read_graphs
from mmctl.explanations.tracklet_terms import to_model
from mmctl.models.pose.heatmap_source import make_heatmaps
from tests.test_explanations.small_models import build, make_clips


def nodes_of(model, clips):
    inputs, stored = to_model(model, clips, slice(None))
    frames = inputs.flatten(0, 1)
    heatmaps = make_heatmaps(model.pose, model.data_preprocessor, frames, stored)
    return model.neck(model.backbone(frames)[-1], heatmaps, inputs.shape[1])[1]


@torch.no_grad()
def test_they_equal_the_modules_own_and_sum_to_what_they_should():
    model, clips = build(), make_clips()
    graphs = read_graphs(model, clips)
    nodes = nodes_of(model, clips)
    topology = model.graph_head.topologies["s2"][0]
    adjacency = topology(nodes["s2"]).double()  # (2, 3, 30, 30)
    # Only the window of the middle frame lies within its clip; its own rows are the middle ones.
    mean = 0.6 * adjacency[0, 1] + 0.4 * adjacency[1, 1]
    for slot in range(3):
        block = mean[10:20, 10 * slot : 10 * slot + 10] - topology.physical.double()
        assert np.allclose(graphs.learned["s2"][slot], block.numpy(), atol=1e-6)
    assert {scale: g.shape for scale, g in graphs.learned.items()} == {
        "s1": (3, 17, 17),
        "s2": (3, 10, 10),
        "s3": (3, 5, 5),
    }
    assert graphs.cross_scale["s1"].shape == (5, 17)
    for weights in graphs.cross_scale.values():
        assert np.allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert graphs.physical["s3"].tolist() == topology_of(model, "s3").tolist()


def topology_of(model, scale):
    return model.graph_head.topologies[scale][0].physical


def test_the_cross_scale_weights_are_those_of_the_last_transfer():
    model, clips = build(), make_clips(num_clips=1, num_frames=1)
    transfer = model.graph_head.transfers["2"]["s2"]
    seen = {}
    handle = transfer.register_forward_hook(lambda m, given, out: seen.update(given=given))
    graphs = read_graphs(model, clips)
    handle.remove()
    with torch.no_grad():
        expected = transfer.adjacency(*seen["given"])[0, 0]
    assert np.allclose(graphs.cross_scale["s2"], expected.numpy(), atol=1e-6)
    assert not transfer._forward_hooks


def test_a_topology_that_is_one_matrix_for_all_is_read():
    model = build()
    for scale in ("s1", "s2", "s3"):
        model.graph_head.topologies[scale][0].context = None
    graphs = read_graphs(model.train(), make_clips())
    mask = topology_mask(model)
    assert np.allclose(graphs.learned["s3"], np.stack([mask] * 3))
    assert model.training


def topology_mask(model):
    return model.graph_head.topologies["s3"][0].mask.detach().double().numpy()


def test_a_model_without_graphs_is_named():
    with pytest.raises(ValueError, match="this one has no graph_head"):
        read_graphs(build("baseline"), make_clips())
