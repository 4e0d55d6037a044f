import itertools

import numpy as np
import pytest
import torch

from mmctl.functional import graph
from mmctl.models.layers import ContextBlock, ContextTopology, WindowContextBlock
from tests.random_state import layer_of, normal, randomize
from tests.references import equations

EDGES = [(0, 1), (1, 2)]
PHYSICAL = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
NODES = normal(2, 4, 3, 5)
TERMS = [terms for terms in itertools.product([True, False], repeat=3) if any(terms)]


def build(**kwargs):
    return randomize(ContextTopology(5, 3, EDGES, **kwargs).double())


def reference(topology, window, physical=True, mask=True, context=True):
    expected = np.zeros((2, 4, window * 3, window * 3))
    if physical:
        expected += equations.tile(PHYSICAL, window)
    if mask:
        expected += equations.tile(topology.mask.detach().numpy(), window)
    if context:
        stacked = equations.windows(NODES.numpy(), window)
        layers = layer_of(topology.context.squeeze), layer_of(topology.context.expand)
        expected += equations.window_context(stacked, *layers)
    return expected


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize(("physical", "mask", "context"), TERMS)
def test_every_sum_of_terms_equals_the_loops(window, physical, mask, context):
    terms = {"physical": physical, "mask": mask, "context": context}
    topology = build(window=window, **terms)
    result = topology(NODES).detach().expand(2, 4, 3 * window, 3 * window)
    np.testing.assert_allclose(result, reference(topology, window, **terms), rtol=1e-9)


@pytest.mark.parametrize(("physical", "mask", "context"), TERMS)
def test_a_term_that_is_left_out_builds_nothing(physical, mask, context):
    topology = build(physical=physical, mask=mask, context=context)
    names = {name.split(".")[0] for name in topology.state_dict()}
    wanted = {"physical": physical, "mask": mask, "context": context}
    assert names == {name for name, built in wanted.items() if built}
    assert {name.split(".")[0] for name, _ in topology.named_parameters()} == names - {"physical"}


def test_the_mask_starts_at_zero_and_the_edges_are_fixed():
    topology = ContextTopology(5, 3, EDGES)
    assert topology.mask.shape == (3, 3)
    assert not topology.mask.any()
    np.testing.assert_array_equal(topology.physical, PHYSICAL)
    assert "physical" in dict(topology.named_buffers())
    assert topology.mask.requires_grad


def test_a_new_topology_without_context_is_the_tiled_skeleton():
    topology = ContextTopology(5, 3, EDGES, context=False)
    expected = torch.from_numpy(equations.tile(PHYSICAL, 3)).float()
    torch.testing.assert_close(topology(NODES.float()), expected)


def test_self_loops_can_be_left_to_eq_4():
    topology = build(mask=False, context=False, self_loops=False)
    expected = equations.tile(PHYSICAL - np.eye(3), 3)
    np.testing.assert_allclose(topology(NODES), expected)


def test_context_is_predicted_per_window():
    result = build(physical=False, mask=False)(NODES)
    assert result.shape == (2, 4, 9, 9)
    changed = NODES.clone()
    changed[1, 3] += 1
    moved = (build(physical=False, mask=False)(changed) != result).flatten(2).any(dim=2)
    # Frame 3 lies in the windows of frames 2 and 3 of its clip.
    assert moved.tolist() == [[False] * 4, [False, False, True, True]]


def test_the_frame_level_block_gives_one_graph_per_clip():
    topology = build(window=1, num_frames=4)
    assert isinstance(topology.context, ContextBlock)
    layers = [getattr(topology.context, name) for name in ("squeeze", "squeeze_time", "expand")]
    context = equations.frame_context(NODES.numpy(), *(layer_of(layer) for layer in layers))
    expected = PHYSICAL + topology.mask.detach().numpy() + context
    result = topology(NODES).detach()
    assert result.shape == (2, 1, 3, 3)
    np.testing.assert_allclose(result[:, 0], expected)


def test_the_block_per_window_is_the_default_and_takes_the_norm():
    assert isinstance(build().context, WindowContextBlock)
    assert build().context.norm is None
    assert build(context_norm="BN").context.norm is not None


def test_a_topology_without_terms_is_refused():
    with pytest.raises(ValueError, match="at least one of physical, mask and context, got none"):
        ContextTopology(5, 3, EDGES, physical=False, mask=False, context=False)


def test_a_window_and_the_frame_level_block_do_not_go_together():
    with pytest.raises(ValueError, match="frame-level context block needs window=1, got window=3"):
        ContextTopology(5, 3, EDGES, num_frames=4)


@pytest.mark.parametrize("context", [True, False])
def test_an_even_window_is_refused(context):
    with pytest.raises(ValueError, match=r"window must be odd and positive .* got 4"):
        ContextTopology(5, 3, EDGES, window=4, context=context)


def test_a_wrong_edge_is_refused():
    with pytest.raises(ValueError, match="an edge must join two different nodes"):
        ContextTopology(5, 3, [(0, 3)])


def test_signed_terms_normalize_to_finite_values_and_gradients():
    topology = build(physical=False)
    adjacency = 3 * topology(NODES)
    assert (graph.degrees(adjacency) < 0).any()
    graph.normalize_adjacency(adjacency).square().sum().backward()
    for name, parameter in topology.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name
