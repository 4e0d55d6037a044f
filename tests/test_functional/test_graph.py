import math

import numpy as np
import pytest
import torch

from mmctl.functional import graph
from tests.random_state import normal
from tests.references import equations

SIZES = [1, 3, 5]


@pytest.mark.parametrize("size", [*SIZES, 9])
def test_windows_equal_the_triple_loop(size):
    nodes = normal(2, 4, 3, 5)
    stacked = graph.temporal_windows(nodes, size)
    assert stacked.shape == (2, 4, size * 3, 5)
    np.testing.assert_array_equal(stacked, equations.windows(nodes.numpy(), size))


def test_windows_of_a_worked_example():
    # One node and channel with the values 1, 2, 3: the earliest frame comes first, zeros outside.
    nodes = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    expected = torch.tensor([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 0.0]])
    torch.testing.assert_close(graph.temporal_windows(nodes, 3).view(3, 3), expected)


def test_one_frame_and_node_lands_in_one_slot_of_each_window():
    nodes = torch.zeros(2, 4, 3, 5)
    nodes[1, 2, 0, 4] = 1.0
    found = graph.temporal_windows(nodes, 3).nonzero().tolist()
    # Frame 2 is the last slot of window 1, the middle of window 2, the first of window 3.
    assert found == [[1, 1, 2 * 3 + 0, 4], [1, 2, 1 * 3 + 0, 4], [1, 3, 0 * 3 + 0, 4]]


def test_a_window_of_one_frame_changes_nothing():
    nodes = normal(2, 4, 3, 5)
    torch.testing.assert_close(graph.temporal_windows(nodes, 1), nodes)


def test_the_middle_slot_is_the_frame_itself():
    nodes = normal(2, 4, 3, 5)
    torch.testing.assert_close(graph.temporal_windows(nodes, 5)[:, :, 6:9], nodes)


def test_reversed_frames_give_reversed_windows_and_slots():
    nodes = normal(2, 4, 3, 5)
    stacked = graph.temporal_windows(nodes, 3).unflatten(2, (3, 3))
    mirrored = graph.temporal_windows(nodes.flip(1), 3).unflatten(2, (3, 3))
    torch.testing.assert_close(mirrored.flip(1, 2), stacked)


def test_a_one_frame_clip_has_one_padded_window():
    nodes = normal(2, 1, 3, 5)
    stacked = graph.temporal_windows(nodes, 3).unflatten(2, (3, 3))
    torch.testing.assert_close(stacked[:, :, 1], nodes)
    assert not stacked[:, :, [0, 2]].any()


@pytest.mark.parametrize("size", [0, 2, 4, -1, -3])
def test_an_even_or_empty_window_is_refused(size):
    message = rf"window must be odd and positive to centre on a frame, got {size}$"
    with pytest.raises(ValueError, match=message):
        graph.temporal_windows(torch.zeros(1, 2, 3, 4), size)
    with pytest.raises(ValueError, match=message):
        graph.check_window(size)


@pytest.mark.parametrize("size", SIZES)
def test_tiling_equals_the_loops(size):
    adjacency = normal(3, 3)
    tiled = graph.tile_adjacency(adjacency, size)
    np.testing.assert_array_equal(tiled, equations.tile(adjacency.numpy(), size))


def test_tiling_of_a_worked_example():
    adjacency = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = [[1, 2, 1, 2], [3, 4, 3, 4], [1, 2, 1, 2], [3, 4, 3, 4]]
    torch.testing.assert_close(graph.tile_adjacency(adjacency, 2), torch.tensor(expected).float())


def test_tiling_keeps_leading_axes():
    adjacency = normal(2, 4, 3, 3)
    tiled = graph.tile_adjacency(adjacency, 3)
    assert tiled.shape == (2, 4, 9, 9)
    np.testing.assert_array_equal(tiled[1, 2], equations.tile(adjacency[1, 2].numpy(), 3))


def test_slot_major_tiling_is_the_kronecker_product_in_node_major_order():
    adjacency, ones = normal(4, 4), torch.ones(3, 3, dtype=torch.float64)
    torch.testing.assert_close(graph.tile_adjacency(adjacency, 3), torch.kron(ones, adjacency))
    node_major = torch.arange(12).view(3, 4).T.flatten()
    reordered = graph.tile_adjacency(adjacency, 3)[node_major][:, node_major]
    torch.testing.assert_close(reordered, torch.kron(adjacency, ones))


def test_edges_make_a_symmetric_matrix_with_self_loops():
    expected = torch.tensor([[1.0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])
    edges = [(0, 2), (2, 1)]
    torch.testing.assert_close(graph.edge_adjacency(edges, 4), expected)
    plain = graph.edge_adjacency(edges, 4, self_loops=False)
    torch.testing.assert_close(plain, expected - torch.eye(4))


def test_an_edge_named_twice_counts_once():
    assert graph.edge_adjacency([(0, 1), (1, 0)], 2, self_loops=False).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("edge", [(1, 1), (0, 3), (-1, 2)])
def test_an_edge_that_cannot_be_is_named(edge):
    message = rf"two different nodes from 0 to 2, got \({edge[0]}, {edge[1]}\)"
    with pytest.raises(ValueError, match=message):
        graph.edge_adjacency([(0, 1), edge], 3)


def test_rows_get_length_one_and_columns_do_not():
    adjacency = normal(2, 4, 3, 3)
    rows = graph.normalize_rows(adjacency)
    ones = torch.ones(2, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(rows.norm(dim=-1), ones)
    assert (rows.norm(dim=-2) - ones).abs().max() > 0.1
    np.testing.assert_allclose(rows[1, 2], equations.unit_rows(adjacency[1, 2].numpy()))
    torch.testing.assert_close(graph.normalize_rows(7 * adjacency), rows)


def test_a_row_of_a_worked_example_and_a_zero_row():
    adjacency = torch.tensor([[3.0, -4.0], [0.0, 0.0]], requires_grad=True)
    rows = graph.normalize_rows(adjacency)
    torch.testing.assert_close(rows, torch.tensor([[0.6, -0.8], [0.0, 0.0]]))
    rows.sum().backward()
    assert adjacency.grad.isfinite().all()


def test_a_degree_is_a_row_sum_plus_one():
    # Asymmetric on purpose: 1 + 2 + 1 and 3 - 9 + 1, not the column sums 1 + 3 + 1 and 2 - 9 + 1.
    degrees = graph.degrees(torch.tensor([[1.0, 2.0], [3.0, -9.0]]))
    torch.testing.assert_close(degrees, torch.tensor([4.0, -5.0]))


def test_normalization_equals_the_loops_and_the_literal_formula():
    adjacency = normal(2, 4, 3, 3).abs()
    result = graph.normalize_adjacency(adjacency)
    for b, t in np.ndindex(2, 4):
        expected = equations.normalize(adjacency[b, t].numpy())
        np.testing.assert_allclose(result[b, t], expected)


def test_normalization_of_a_worked_example():
    # A + I = [[1, 3], [8, 1]]; row sums 4 and 9; entry (0, 1) = 3 / (2 * 3), (1, 0) = 8 / (3 * 2).
    adjacency = torch.tensor([[0.0, 3.0], [8.0, 0.0]])
    expected = torch.tensor([[1 / 4, 1 / 2], [4 / 3, 1 / 9]])
    torch.testing.assert_close(graph.normalize_adjacency(adjacency), expected)


def test_no_edges_normalize_to_the_identity():
    result = graph.normalize_adjacency(torch.zeros(2, 4, 4))
    torch.testing.assert_close(result, torch.eye(4).expand(2, 4, 4))


def test_a_symmetric_matrix_stays_symmetric_and_has_spectral_radius_one():
    adjacency = graph.edge_adjacency([(0, 1), (1, 2), (1, 3)], 4).double()
    result = graph.normalize_adjacency(adjacency)
    torch.testing.assert_close(result, result.T)
    assert torch.linalg.eigvalsh(result).abs().max().item() == pytest.approx(1.0)


def test_low_degrees_are_raised_to_eps():
    # Degrees: 1 - 3 = -2 -> 0.1; exactly 0.1; 1 + 1 = 2. Entry (0, 2) = -3 / sqrt(0.1 * 2).
    adjacency = torch.tensor([[0.0, 0.0, -3.0], [-0.9, 0.0, 0.0], [1.0, 0.0, 0.0]])
    result = graph.normalize_adjacency(adjacency.double())
    expected = equations.normalize(adjacency.double().numpy(), eps=0.1)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert result[0, 2].item() == pytest.approx(-3 / math.sqrt(0.2))
    bound = (adjacency.double() + torch.eye(3)).abs() / 0.1
    assert (result.abs() <= bound * (1 + 1e-9)).all()


def test_another_eps_is_used():
    adjacency = torch.tensor([[0.0, -3.0], [1.0, 0.0]], dtype=torch.float64)
    result = graph.normalize_adjacency(adjacency, eps=0.5)
    np.testing.assert_allclose(result, equations.normalize(adjacency.numpy(), eps=0.5))


def test_negative_degrees_give_finite_values_and_gradients():
    adjacency = (3 * normal(2, 4, 9, 9)).requires_grad_()
    assert (graph.degrees(adjacency) < 0).any()
    result = graph.normalize_adjacency(adjacency)
    result.square().sum().backward()
    assert result.isfinite().all()
    assert adjacency.grad.isfinite().all()


def test_gradients_of_normalization_pass_gradcheck_on_both_sides_of_eps():
    adjacency = normal(4, 4)
    adjacency[0] = torch.tensor([-1.0, -2.0, 0.5, 0.0])
    assert (graph.degrees(adjacency) < 0.1).any()
    assert (graph.degrees(adjacency) > 0.1).any()
    assert torch.autograd.gradcheck(graph.normalize_adjacency, (adjacency.requires_grad_(),))


@pytest.mark.parametrize("eps", [0.0, -0.1])
def test_an_eps_that_is_not_positive_is_refused(eps):
    with pytest.raises(ValueError, match=rf"eps must be positive .*got {eps}"):
        graph.normalize_adjacency(torch.zeros(2, 2), eps=eps)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_degrees_and_norms_stay_float32_under_autocast(dtype):
    adjacency = normal(2, 51, 51).abs().to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        results = [
            graph.degrees(adjacency),
            graph.normalize_adjacency(adjacency),
            graph.normalize_rows(adjacency),
        ]
    assert [result.dtype for result in results] == [torch.float32] * 3
    exact = equations.normalize(adjacency[0].double().numpy())
    np.testing.assert_allclose(results[1][0], exact, rtol=1e-5)


def test_float64_survives_normalization():
    assert graph.normalize_adjacency(normal(3, 3)).dtype == torch.float64
    assert graph.normalize_rows(normal(3, 3)).dtype == torch.float64


def test_slots_of_a_node_become_neighbours():
    rows = graph.slots_per_node(torch.arange(6.0).view(6, 1).expand(6, 6), 3)[:, 0]
    # Two nodes, three slots: row i * 3 + k of the result is row k * 2 + i.
    assert rows.tolist() == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("size", SIZES)
def test_messages_equal_the_loops_in_the_paper_s_order(size):
    nodes, weight = normal(2, 4, 3, 5), normal(5, 5, seed=1)
    adjacency = normal(2, 4, size * 3, size * 3, seed=2)
    result = graph.convolve_windows(nodes @ weight, adjacency, size)
    assert result.shape == (2, 4, 3, size * 5)
    stacked = equations.windows(nodes.numpy(), size)
    for b, t in np.ndindex(2, 4):
        messages = equations.pass_messages(adjacency[b, t].numpy(), stacked[b, t])
        messages = equations.relu(messages @ weight.numpy())
        for slot, i, c in np.ndindex(size, 3, 5):
            wanted = messages[slot * 3 + i, c]
            assert result[b, t, i, slot * 5 + c].item() == pytest.approx(wanted, abs=1e-12)


def test_messages_follow_the_edges_from_column_to_row():
    # One edge from node 2 of the earliest frame to node 0 of the latest one, and nothing else.
    nodes, adjacency = torch.zeros(1, 3, 3, 1), torch.zeros(9, 9)
    nodes[0, 0, 2] = 5.0
    adjacency[2 * 3 + 0, 0 * 3 + 2] = 2.0
    result = graph.convolve_windows(nodes, adjacency, 3)
    # Frame 0 is the earliest slot of window 1 only; node 0 receives 2 * 5 in its last slot.
    assert result.nonzero().tolist() == [[0, 1, 0, 2]]
    assert result[0, 1, 0, 2].item() == 10.0


def test_negative_messages_are_cut():
    nodes = torch.full((1, 2, 1, 1), -3.0)
    assert not graph.convolve_windows(nodes, torch.eye(1), 1).any()


def test_one_adjacency_serves_all_windows():
    nodes, adjacency = normal(2, 4, 3, 5), normal(9, 9, seed=1)
    shared = graph.convolve_windows(nodes, adjacency, 3)
    torch.testing.assert_close(
        shared, graph.convolve_windows(nodes, adjacency.expand(2, 4, 9, 9), 3)
    )


def test_gradients_of_messages_pass_gradcheck():
    nodes = normal(1, 3, 2, 2).requires_grad_()
    adjacency = normal(1, 3, 6, 6, seed=1).requires_grad_()

    def messages(nodes, adjacency):
        return graph.convolve_windows(nodes, adjacency, 3)

    assert torch.autograd.gradcheck(messages, (nodes, adjacency))


def test_gradients_of_windows_and_tiles_pass_gradcheck():
    nodes, adjacency = normal(1, 3, 2, 2).requires_grad_(), normal(2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: graph.temporal_windows(x, 3), (nodes,))
    assert torch.autograd.gradcheck(lambda a: graph.tile_adjacency(a, 3), (adjacency,))
    assert torch.autograd.gradcheck(graph.normalize_rows, (adjacency,))
