import numpy as np
import pytest
import torch

from mmctl.functional.stripes import (
    distance_affinity,
    nearest_mean,
    occupied_stripes,
    part_adjacency,
    propagate,
    stripe_means,
)
from tests.random_state import normal
from tests.references import zoo

GROUPS, STRIPES = [[0, 1, 2], [3, 4]], (4, 2, 1)


def joints(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    spread = torch.tensor([20.0, 50.0, 0.3], dtype=torch.float64)
    drawn = torch.rand(*shape, 5, 3, generator=generator, dtype=torch.float64)
    return drawn * spread - torch.tensor([0.0, 5.0, 0.0], dtype=torch.float64)


def test_stripes_equal_the_loops():
    maps = normal(2, 3, 4, 8, 3)
    made = stripe_means(maps, STRIPES).numpy()
    for clip, own in zip(maps.numpy(), made, strict=True):
        np.testing.assert_allclose(own, zoo.stripe_means(clip, STRIPES))


@pytest.mark.parametrize(("count", "reach"), [(3, 1), (4, 3), (2, 0), (9, 9)])
def test_nearest_nodes_equal_the_loops(count, reach):
    nodes = normal(2, 5, 2, 4)
    made = nearest_mean(nodes, count=count, reach=reach).numpy()
    for clip, own in zip(nodes.numpy(), made, strict=True):
        np.testing.assert_allclose(own, zoo.nearest_mean(clip, count, reach))


def test_the_length_of_a_node_does_not_decide_who_is_near():
    nodes = normal(1, 3, 2, 4)
    scaled = nodes.clone()
    scaled[0, 1, 0] *= 100
    first, second = nearest_mean(nodes), nearest_mean(scaled)
    # Only the mean of those that have it as a neighbour changes.
    alike = [torch.allclose(a, b) for a, b in zip(first[0, 1], second[0, 1], strict=True)]
    assert alike[0]


def test_a_node_alone_has_no_neighbour():
    with pytest.raises(ValueError, match=r"see at least one other .* 3 frames of 1 .* reach=0"):
        nearest_mean(normal(1, 3, 1, 4), reach=0)


def test_affinity_equals_the_loops():
    nodes = normal(2, 5, 3)
    for clip, own in zip(nodes.numpy(), distance_affinity(nodes).numpy(), strict=True):
        np.testing.assert_allclose(own, zoo.affinity(clip), atol=1e-6)


def test_far_nodes_have_no_affinity_and_no_gradient_that_is_no_number():
    nodes = torch.tensor([[[0.0], [0.0], [1000.0]]], requires_grad=True)
    affinity = distance_affinity(nodes)
    assert affinity[0, 0, 2] == 0
    affinity.sum().backward()
    assert nodes.grad.isfinite().all()


def test_occupied_stripes_equal_the_loops():
    keypoints = joints(2, 3)
    made = occupied_stripes(keypoints, 40, GROUPS, STRIPES)
    for clip, own in zip(keypoints.numpy(), made, strict=True):
        for frame, parts in zip(clip, own, strict=True):
            expected = zoo.occupied(frame, 40, GROUPS, STRIPES, 0.1)
            assert [set(part.nonzero().flatten().tolist()) for part in parts] == expected


def test_a_mirrored_frame_fills_the_same_stripes():
    keypoints = joints(4)
    mirrored = keypoints.clone()
    mirrored[..., 0] = 19 - mirrored[..., 0]
    first, second = (occupied_stripes(k, 40, GROUPS, STRIPES) for k in (keypoints, mirrored))
    assert torch.equal(first, second)


def test_connected_parts_equal_the_loops():
    keypoints = joints(2, 3, seed=1)
    made = part_adjacency(occupied_stripes(keypoints, 40, GROUPS, STRIPES)).numpy()
    for clip, own in zip(keypoints.numpy(), made, strict=True):
        frames = [zoo.occupied(frame, 40, GROUPS, STRIPES, 0.1) for frame in clip]
        np.testing.assert_array_equal(own, zoo.part_adjacency(frames, sum(STRIPES)))


def test_propagation_equals_the_loops_and_leaves_nodes_without_edges_at_zero():
    values = normal(2, 3, 2, 4)
    graphs = [normal(2, 6, 6, seed=s).abs() for s in (1, 2)]
    graphs[0][:, 3] = 0
    made = propagate(values, values, graphs).flatten(1, 2).numpy()
    for b in range(2):
        own = [graph[b].numpy() for graph in graphs]
        expected = zoo.row_mean(own, values[b].flatten(0, 1).numpy())
        np.testing.assert_allclose(made[b], expected)
    assert not propagate(values, values, graphs[:1]).flatten(1, 2)[:, 3].any()


def test_gradients_are_right():
    nodes = normal(1, 2, 2, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda n: nearest_mean(n, count=2), (nodes,))
    graph = normal(1, 4, 4, seed=1).abs().requires_grad_()
    assert torch.autograd.gradcheck(lambda n, a: propagate(n, n, [a]), (nodes, graph))
