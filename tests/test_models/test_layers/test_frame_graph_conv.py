import numpy as np
import pytest
import torch

from mmctl.functional import graph
from mmctl.models.layers import FrameGraphConv
from tests.random_state import normal, randomize
from tests.references import equations

NODES = normal(2, 4, 3, 5)


def build(**kwargs):
    return randomize(FrameGraphConv(5, **kwargs).double())


def test_the_layer_equals_the_loops():
    for eps in (0.1, 0.7):
        conv, adjacency = build(degree_eps=eps), normal(2, 1, 3, 3, seed=1)
        matrices = [equations.normalize(a[0].numpy(), eps) for a in adjacency]
        weight = conv.weight.weight.detach().numpy().T
        expected = equations.frame_graph_conv(NODES.numpy(), matrices, weight)
        np.testing.assert_allclose(conv(NODES, adjacency).detach(), expected, atol=1e-12)


def test_a_normalized_adjacency_is_used_as_it_is():
    conv, adjacency = build(), normal(2, 1, 3, 3, seed=1)
    given = graph.normalize_adjacency(adjacency)
    torch.testing.assert_close(conv(NODES, given, normalized=True), conv(NODES, adjacency))
    weight = conv.weight.weight.detach().numpy().T
    expected = equations.frame_graph_conv(NODES.numpy(), adjacency[:, 0].numpy(), weight)
    np.testing.assert_allclose(
        conv(NODES, adjacency, normalized=True).detach(), expected, atol=1e-12
    )


def test_a_worked_example():
    # Node 0 receives 3 times node 1: 3 * W * 4 = 24 with W = 2; node 1 receives -1 * 2 * 4 -> 0.
    conv = FrameGraphConv(1)
    torch.nn.init.constant_(conv.weight.weight, 2.0)
    nodes, adjacency = torch.tensor([7.0, 4.0]).view(1, 1, 2, 1), torch.tensor([[0.0, 3], [0, -1]])
    result = conv(nodes, adjacency, normalized=True)
    torch.testing.assert_close(result.flatten(), torch.tensor([24.0, 0.0]))


def test_frames_do_not_see_each_other():
    conv, adjacency, changed = build(), normal(2, 1, 3, 3, seed=1), NODES.clone()
    changed[1, 2] += 1.0
    moved = (conv(changed, adjacency) != conv(NODES, adjacency)).flatten(2).any(dim=2)
    assert moved.nonzero().tolist() == [[1, 2]]


def test_the_layer_has_one_weight_and_nothing_else():
    assert {name: tuple(p.shape) for name, p in FrameGraphConv(5).state_dict().items()} == {
        "weight.weight": (5, 5)
    }


def test_gradients_pass_gradcheck():
    conv = randomize(FrameGraphConv(2).double())
    nodes, adjacency = normal(1, 2, 3, 2).requires_grad_(), normal(3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(conv, (nodes, adjacency))


def test_a_norm_stands_before_the_rectifier():
    plain, normed = build(), build(norm="BN")
    normed.weight.load_state_dict(plain.weight.state_dict())
    adjacency = normal(2, 1, 3, 3, seed=1)
    values = graph.normalize_adjacency(adjacency) @ plain.weight(NODES)
    rows = values.flatten(0, 2).detach().numpy()
    scale, shift = normed.norm.weight.detach().numpy(), normed.norm.bias.detach().numpy()
    expected = (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + normed.norm.eps)
    expected = np.maximum(expected * scale + shift, 0).reshape(NODES.shape)
    np.testing.assert_allclose(normed.train()(NODES, adjacency).detach(), expected, atol=1e-12)


def test_an_unknown_norm_is_named():
    with pytest.raises(ValueError, match="must be None or 'BN', got 'LN'"):
        FrameGraphConv(5, norm="LN")
