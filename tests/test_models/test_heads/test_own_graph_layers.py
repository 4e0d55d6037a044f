"""Layers of one's own in the graph head: what they get, what they return, those that do not fit."""

from __future__ import annotations

import copy

import pytest
import torch

from mmctl.functional.cross_scale import fuse_scales
from mmctl.registry import MODELS
from tests.test_models.test_heads.small_graph_head import C, build, make_nodes


class OwnConv(torch.nn.Module):
    def __init__(self, channels, window=1, factor=1.0):
        super().__init__()
        self.given = {"channels": channels, "window": window}
        self.weight = torch.nn.Parameter(torch.full((channels,), factor))

    def forward(self, nodes, adjacency, normalized=False):
        assert normalized
        size = self.given["window"] * nodes.shape[2]
        assert adjacency.expand(*nodes.shape[:2], size, size) is not None
        return self.weight * nodes


class OwnTopology(torch.nn.Module):
    def __init__(self, channels, num_nodes, edges, window, num_frames=None, weight=1.0):
        super().__init__()
        self.given = {"edges": len(edges), "window": window, "num_frames": num_frames}
        self.size = window * num_nodes
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, nodes):
        return self.weight * torch.ones(self.size, self.size, dtype=nodes.dtype)


class OwnTransfer(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(channels))

    def forward(self, source, target):
        return self.weight * source.mean(dim=2, keepdim=True).expand_as(target)


OWN = {
    "graph_conv": {"type": "OwnConv", "factor": 0.5},
    "topology": {"type": "OwnTopology", "weight": 2.0},
    "cross_scale": {"type": "OwnTransfer"},
}


@pytest.fixture
def _own_layers():
    for module in (OwnConv, OwnTopology, OwnTransfer):
        MODELS.register_module(module=module)


@pytest.mark.usefixtures("_own_layers")
@pytest.mark.parametrize("names", [(name,) for name in OWN] + [tuple(OWN)])
def test_each_layer_may_come_from_the_config(names):
    given = copy.deepcopy({name: OWN[name] for name in names})
    head = build(**given)
    assert given == {name: OWN[name] for name in names}
    kinds = {type(module).__name__ for module in head.modules()}
    defaults = {
        "graph_conv": "GraphConv3d",
        "topology": "ContextTopology",
        "cross_scale": "CrossScaleConv",
    }
    for name, default in defaults.items():
        assert (OWN[name]["type"] in kinds, default in kinds) == (name in names, name not in names)
    assert head(make_nodes()).shape == (2, 4, 5, C)


@pytest.mark.usefixtures("_own_layers")
def test_own_layers_get_what_the_head_has():
    head = build(**copy.deepcopy(OWN), window=5)
    assert head.layers["s2"][1].given == {"channels": C, "window": 5}
    given = head.topologies["s3"][0].given
    assert given == {"edges": len(head.body.edges["s3"]), "window": 5, "num_frames": None}
    frame = build(**copy.deepcopy(OWN), graph="frame", num_frames=4)
    assert frame.layers["s1"][0].given == {"channels": C, "window": 1}
    assert frame.topologies["s1"][0].given["num_frames"] == 4


@pytest.mark.usefixtures("_own_layers")
def test_what_own_layers_return_is_what_the_head_computes():
    head, nodes = build(**copy.deepcopy(OWN), balance=0.25), make_nodes()
    # Layer 1 halves, layer 2 adds its half of that: 3/4 of the input.
    refined = {scale: 0.75 * value for scale, value in nodes.items()}
    sent = sum(refined[scale].mean(dim=2, keepdim=True) for scale in ("s1", "s2"))
    expected = fuse_scales(refined["s3"], [sent.expand(-1, -1, 5, -1)], balance=0.25)
    torch.testing.assert_close(head(nodes), expected)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"graph_conv": {"type": "Nobody"}}, KeyError, "Nobody is not in the mmctl::model"),
        (
            {"graph_conv": {"type": "ContextBlock"}},
            TypeError,
            "graph_head.graph_conv: ContextBlock must take .* gives it channels, window, but",
        ),
        ({"topology": {"window": 1}}, ValueError, "graph_head.topology must not set 'window'"),
        (
            {"graph": None, "fuse": "add", "graph_conv": {"type": "OwnConv"}},
            ValueError,
            "graph_conv needs a graph, got graph=None",
        ),
    ],
)
def test_a_layer_that_does_not_fit_is_named(kwargs, error, message):
    with pytest.raises(error, match=message):
        build(**kwargs)
