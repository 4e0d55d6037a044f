import math

import numpy as np
import pytest
import torch

from mmctl.functional import cross_scale
from tests.random_state import normal
from tests.references import equations


def test_differences_run_from_the_row_to_the_column():
    nodes = normal(2, 4, 3, 5)
    differences = cross_scale.pairwise_differences(nodes)
    assert differences.shape == (2, 4, 3, 3, 5)
    for b, t, i, j in np.ndindex(2, 4, 3, 3):
        torch.testing.assert_close(differences[b, t, i, j], nodes[b, t, j] - nodes[b, t, i])


def test_differences_are_antisymmetric_and_zero_on_the_diagonal():
    differences = cross_scale.pairwise_differences(normal(4, 3, 5))
    torch.testing.assert_close(differences, -differences.transpose(1, 2))
    assert not differences.diagonal(dim1=1, dim2=2).any()


def test_a_pair_is_mapped_like_its_concatenation():
    weight, first, second = normal(6, 7), normal(2, 1, 3, seed=1), normal(2, 5, 4, seed=2)
    joined = torch.cat([first.expand(2, 5, 3), second], dim=-1)
    result = cross_scale.linear_of_pair(weight, first, second)
    torch.testing.assert_close(result, joined @ weight.T)


def test_the_first_columns_belong_to_the_first_of_a_pair():
    # 2 * 10 + 3 * 100 = 320.
    weight = torch.tensor([[2.0, 3.0]])
    result = cross_scale.linear_of_pair(weight, torch.tensor([10.0]), torch.tensor([100.0]))
    torch.testing.assert_close(result, torch.tensor([320.0]))


def test_positive_entries_are_summed_over_the_pairs_of_a_node():
    values = normal(2, 4, 3, 6, 5)
    result = cross_scale.sum_rectified(values)
    assert result.shape == (2, 4, 3, 5)
    for b, t, i, c in np.ndindex(2, 4, 3, 5):
        entries = [max(float(values[b, t, i, j, c]), 0.0) for j in range(6)]
        assert float(result[b, t, i, c]) == pytest.approx(sum(entries))


def test_the_rectified_sum_has_the_gradient_of_a_relu():
    values = torch.tensor([[1.0, -2.0, 0.0], [3.0, 4.0, -5.0]], requires_grad=True)
    cross_scale.sum_rectified(values).sum().backward()
    # Not at zero either.
    assert values.grad.tolist() == [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    values = normal(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(cross_scale.sum_rectified, (values,))


def test_the_rectified_sum_keeps_one_byte_per_entry():
    saved = []

    def pack(tensor):
        saved.append(tensor.untyped_storage().nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        cross_scale.sum_rectified(normal(6, 5).requires_grad_())
    assert sum(saved) == 6 * 5


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_weights_equal_the_loops(scale):
    source, target = normal(2, 4, 3, 5), normal(2, 4, 6, 5, seed=1)
    result = cross_scale.cross_scale_adjacency(source, target, logit_scale=scale)
    assert result.shape == (2, 4, 6, 3)
    expected = equations.cross_scale_adjacency(source.numpy(), target.numpy(), scale)
    np.testing.assert_allclose(result, expected, rtol=1e-9)


def test_rows_sum_to_one_and_columns_do_not():
    result = cross_scale.cross_scale_adjacency(normal(2, 4, 3, 5), normal(2, 4, 6, 5, seed=1))
    torch.testing.assert_close(result.sum(dim=-1), torch.ones(2, 4, 6, dtype=torch.float64))
    assert (result.sum(dim=-2) - 1).abs().max() > 0.1


def test_weights_of_a_worked_example():
    # Inner products of the target (1, 1): ln 1 and ln 3, so 1/4 and 3/4; of (0, 0): 1/2 and 1/2.
    source = torch.tensor([[0.0, 0.0], [math.log(3), 0.0]]).view(1, 1, 2, 2)
    target = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).view(1, 1, 2, 2)
    expected = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).view(1, 1, 2, 2)
    torch.testing.assert_close(cross_scale.cross_scale_adjacency(source, target), expected)
    # Twice the logits: 1 : 9.
    sharp = cross_scale.cross_scale_adjacency(source, target, logit_scale=2.0)
    torch.testing.assert_close(sharp[0, 0, 0], torch.tensor([0.1, 0.9]))


def test_identical_sources_share_evenly():
    source = normal(1, 1, 1, 5).expand(1, 1, 4, 5)
    result = cross_scale.cross_scale_adjacency(source, normal(1, 1, 2, 5, seed=1))
    torch.testing.assert_close(result, torch.full((1, 1, 2, 4), 0.25, dtype=torch.float64))


def test_large_logits_stay_finite():
    source = (1e3 * normal(1, 1, 3, 5)).requires_grad_()
    result = cross_scale.cross_scale_adjacency(source, 1e3 * normal(1, 1, 2, 5, seed=1))
    result.square().sum().backward()
    assert result.isfinite().all()
    assert source.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_logits_and_softmax_stay_float32_under_autocast(dtype):
    source, target = normal(1, 2, 3, 64).to(dtype), normal(1, 2, 4, 64, seed=1).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = cross_scale.cross_scale_adjacency(source, target)
    assert result.dtype == torch.float32
    expected = equations.cross_scale_adjacency(source.double().numpy(), target.double().numpy())
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-7)


def test_the_relative_entropy_of_a_worked_example():
    # Rows (1/2, 1/2, 0, 0) and (1, 0, 0, 0): ln 2 and 0 over ln 4, so 1/2 and 0.
    weights = torch.tensor([[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    assert cross_scale.relative_entropy(weights).item() == pytest.approx(0.25)


@pytest.mark.parametrize("num_sources", [1, 2, 17])
def test_even_rows_have_all_the_entropy_there_is(num_sources):
    weights = torch.full((2, 3, 5, num_sources), 1 / num_sources, dtype=torch.float64)
    assert cross_scale.relative_entropy(weights).item() == pytest.approx(1.0)


def test_convolution_equals_the_loops():
    adjacency, source, weight = normal(2, 4, 6, 3), normal(2, 4, 3, 5), normal(5, 5, seed=1)
    result = cross_scale.convolve_across(adjacency, source, weight.T)
    expected = equations.convolve_across(adjacency.numpy(), source.numpy(), weight.numpy())
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_convolution_of_a_worked_example():
    # A X = 0.25 * (4, 0) + 0.75 * (0, 8) = (1, 6); y = W x: (2 * 1 - 1 * 6, 6) = (-4, 6) -> (0, 6).
    adjacency = torch.tensor([0.25, 0.75]).view(1, 1, 1, 2)
    source = torch.tensor([[4.0, 0.0], [0.0, 8.0]]).view(1, 1, 2, 2)
    weight = torch.tensor([[2.0, -1.0], [0.0, 1.0]])
    result = cross_scale.convolve_across(adjacency, source, weight)
    torch.testing.assert_close(result, torch.tensor([0.0, 6.0]).view(1, 1, 1, 2))


def test_fusion_equals_the_loops():
    target, sent = normal(2, 4, 3, 5), [normal(2, 4, 3, 5, seed=seed) for seed in (1, 2)]
    result = cross_scale.fuse_scales(target, sent, balance=0.7)
    arrays = [other.numpy() for other in sent]
    np.testing.assert_allclose(result, equations.fuse_scales(target.numpy(), arrays, 0.7))


def test_fusion_of_a_worked_example():
    # 1 + 0.3 * (10 + 20) = 10, a sum and not a mean.
    sent = [torch.tensor([10.0]), torch.tensor([20.0])]
    torch.testing.assert_close(
        cross_scale.fuse_scales(torch.tensor([1.0]), sent), torch.tensor([10.0])
    )


def test_nothing_sent_leaves_the_target():
    target = normal(1, 2, 3, 4)
    torch.testing.assert_close(cross_scale.fuse_scales(target, []), target)
    torch.testing.assert_close(cross_scale.fuse_scales(target, [target], balance=0.0), target)


def test_gradients_pass_gradcheck():
    source, target = (
        normal(1, 2, 3, 2).requires_grad_(),
        normal(1, 2, 4, 2, seed=1).requires_grad_(),
    )
    weight = normal(2, 2, seed=2).requires_grad_()

    def transfer(source, target, weight):
        adjacency = cross_scale.cross_scale_adjacency(source, target, logit_scale=0.5)
        sent = cross_scale.convolve_across(adjacency, source, weight)
        return cross_scale.fuse_scales(target, [sent])

    assert torch.autograd.gradcheck(transfer, (source, target, weight))
    assert torch.autograd.gradcheck(cross_scale.pairwise_differences, (source,))
    pair = (
        normal(3, 5).requires_grad_(),
        normal(4, 2).requires_grad_(),
        normal(4, 3).requires_grad_(),
    )
    assert torch.autograd.gradcheck(cross_scale.linear_of_pair, pair)
