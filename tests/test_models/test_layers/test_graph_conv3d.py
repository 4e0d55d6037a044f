import numpy as np
import pytest
import torch

from mmctl.functional import graph
from mmctl.models.layers import GraphConv3d
from tests.random_state import norm_of, normal, randomize
from tests.references import equations

NODES = normal(2, 4, 3, 5)


def build(window=3, training=False, **kwargs):
    return randomize(GraphConv3d(5, window, **kwargs).double()).train(training)


def reference(conv, nodes, normalized):
    size = conv.window
    kernel = conv.collapse.weight.detach().numpy().reshape(5, size, 5)
    weight = conv.weight.weight.detach().numpy().T
    return equations.graph_conv3d(nodes, normalized, weight, kernel, norm_of(conv.norm))


def normalized_windows(adjacency, eps):
    out = np.zeros((2, 4, *adjacency.shape[-2:]))
    for b, t in np.ndindex(2, 4):
        full = adjacency.expand(2, 4, *adjacency.shape[-2:])
        out[b, t] = equations.normalize(full[b, t].numpy(), eps)
    return out


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("training", [True, False])
def test_the_layer_equals_the_loops_in_the_paper_s_order(window, training):
    conv = build(window, training)
    adjacency = normal(2, 4, window * 3, window * 3, seed=1)
    assert (graph.degrees(adjacency) < 0.1).any()
    expected = reference(conv, NODES.numpy(), normalized_windows(adjacency, 0.1))
    result = conv(NODES, adjacency).detach()
    assert result.shape == NODES.shape
    assert result.any()
    np.testing.assert_allclose(result, expected, rtol=1e-8, atol=1e-10)


def test_the_layer_equals_the_literal_formula_where_all_degrees_are_large():
    conv, adjacency = build(), normal(9, 9, seed=1).abs()
    expected = reference(conv, NODES.numpy(), normalized_windows(adjacency, None))
    np.testing.assert_allclose(conv(NODES, adjacency).detach(), expected, rtol=1e-8, atol=1e-10)


def test_another_eps_reaches_the_normalization():
    adjacency = normal(2, 4, 9, 9, seed=1)
    conv = build(degree_eps=0.7)
    expected = reference(conv, NODES.numpy(), normalized_windows(adjacency, 0.7))
    np.testing.assert_allclose(conv(NODES, adjacency).detach(), expected, rtol=1e-8, atol=1e-10)


def test_a_normalized_adjacency_is_used_as_it_is():
    conv, adjacency = build(), normal(2, 4, 9, 9, seed=1)
    given = graph.normalize_adjacency(adjacency)
    torch.testing.assert_close(conv(NODES, given, normalized=True), conv(NODES, adjacency))
    expected = reference(conv, NODES.numpy(), adjacency.numpy())
    result = conv(NODES, adjacency, normalized=True).detach()
    np.testing.assert_allclose(result, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("shape", [(9, 9), (1, 1, 9, 9), (2, 1, 9, 9), (1, 4, 9, 9)])
def test_an_adjacency_broadcasts_over_clips_and_windows(shape):
    conv, adjacency = build(), normal(*shape, seed=1)
    expected = conv(NODES, adjacency.expand(2, 4, 9, 9))
    torch.testing.assert_close(conv(NODES, adjacency), expected)


def test_a_worked_example():
    # One node and channel, window 3, frames 1, 2, 4; the window's graph is the identity, W = 2,
    # collapse 1, 10, 100 for the earliest, middle and latest slot; a new batch norm in eval mode
    # divides by sqrt(1 + 1e-5).
    conv = GraphConv3d(1, 3).eval()
    with torch.no_grad():
        conv.weight.weight.fill_(2.0)
        conv.collapse.weight.copy_(torch.tensor([[1.0, 10.0, 100.0]]))
    nodes = torch.tensor([1.0, 2.0, 4.0]).view(1, 3, 1, 1)
    result = conv(nodes, torch.eye(3), normalized=True).flatten()
    # Frame 0: 0 + 20 + 400; frame 1: 2 + 40 + 800; frame 2: 4 + 80 + 0.
    torch.testing.assert_close(result, torch.tensor([420.0, 842.0, 84.0]) / (1 + 1e-5) ** 0.5)


@pytest.mark.parametrize(("row", "column"), [(0, 8), (8, 0), (4, 1), (3, 5)])
def test_an_edge_carries_from_its_column_to_its_row(row, column):
    conv = build()
    base = torch.eye(9, dtype=torch.float64).expand(2, 4, 9, 9).contiguous()
    changed = base.clone()
    changed[1, 2, row, column] += 1.0
    before, after = (conv(NODES, a, normalized=True) for a in (base, changed))
    moved = (before != after).any(dim=-1).nonzero().tolist()
    assert moved == [[1, 2, row % 3]]
    # What the edge adds is read from the column's node: another value there changes it.
    nodes = NODES.clone()
    nodes[1, 2 + column // 3 - 1, column % 3] += 1.0
    added = conv(nodes, changed, normalized=True) - conv(nodes, base, normalized=True)
    assert not torch.allclose(added[1, 2, row % 3], (after - before)[1, 2, row % 3])


def test_reversing_frames_slots_and_kernel_reverses_the_output():
    conv, mirrored = build(), build()
    adjacency = normal(2, 4, 9, 9, seed=1)
    slots = torch.arange(9).view(3, 3).flip(0).flatten()
    with torch.no_grad():
        kernel = conv.collapse.weight.unflatten(1, (3, 5)).flip(1).flatten(1)
        mirrored.collapse.weight.copy_(kernel)
    turned = adjacency.flip(1)[..., slots, :][..., slots]
    result = mirrored(NODES.flip(1), turned).flip(1)
    torch.testing.assert_close(result, conv(NODES, adjacency))
    assert not torch.allclose(conv(NODES.flip(1), turned).flip(1), result)


def test_permuting_the_nodes_permutes_the_output():
    conv, adjacency, order = build(), normal(2, 4, 9, 9, seed=1), [2, 0, 1]
    rows = [slot * 3 + node for slot in range(3) for node in order]
    permuted = adjacency[:, :, rows][..., rows]
    result = conv(NODES[:, :, order], permuted)
    torch.testing.assert_close(result, conv(NODES, adjacency)[:, :, order])


def test_no_shortcut_lies_inside_the_layer():
    conv = build()
    with torch.no_grad():
        conv.collapse.weight.zero_()
        conv.norm.running_mean.zero_()
        conv.norm.bias.zero_()
    assert not conv(NODES, normal(9, 9)).any()


def test_a_layer_has_the_weights_of_the_paper_and_no_bias():
    conv = GraphConv3d(5, 3)
    shapes = {name: tuple(p.shape) for name, p in conv.named_parameters()}
    assert shapes == {
        "weight.weight": (5, 5),
        "collapse.weight": (5, 15),
        "norm.weight": (5,),
        "norm.bias": (5,),
    }
    assert conv.degree_eps == 0.1


def test_a_one_frame_clip_passes():
    result = build()(normal(2, 1, 3, 5), normal(9, 9))
    assert result.shape == (2, 1, 3, 5)
    assert result.isfinite().all()


def test_an_even_window_is_refused():
    with pytest.raises(ValueError, match=r"window must be odd and positive .* got 2"):
        GraphConv3d(5, 2)


@pytest.mark.parametrize("training", [True, False])
def test_autocast_gives_nearly_the_same(training):
    conv = build(training=training).float()
    nodes, adjacency = NODES.float(), normal(2, 4, 9, 9, seed=1).float()
    exact = conv(nodes, adjacency)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = conv(nodes, adjacency)
    assert result.isfinite().all()
    assert (result.float() - exact).norm() < 2e-2 * exact.norm()


def test_gradients_pass_gradcheck():
    conv = randomize(GraphConv3d(2, 3).double()).eval()
    nodes, adjacency = normal(1, 2, 2, 2).requires_grad_(), normal(6, 6, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(conv, (nodes, adjacency))
