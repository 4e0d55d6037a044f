"""The split of a cosine, exact and worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mmctl.functional.similarity import affine_terms, batch_norm_affine, split_cosine
from tests.references.explanations import cosine


@pytest.fixture
def sums():
    generator = torch.Generator().manual_seed(2)
    return tuple(torch.randn(k, 7, generator=generator) for k in (3, 5))


def test_all_pairs_add_up_to_the_cosine(sums):
    first, second = sums
    pairs = split_cosine(first, second)
    assert pairs.shape == (3, 5)
    assert pairs.dtype == torch.float64
    expected = cosine(first.double().sum(0).tolist(), second.double().sum(0).tolist())
    assert abs(float(pairs.sum()) - expected) < 1e-12


def test_a_pair_has_the_product_of_its_two_terms(sums):
    first, second = sums
    lengths = first.double().sum(0).norm() * second.double().sum(0).norm()
    expected = (first[2].double() @ second[4].double()) / lengths
    assert float(split_cosine(first, second)[2, 4]) == pytest.approx(float(expected), abs=1e-14)


def test_exchanging_the_sums_transposes_the_split(sums):
    first, second = sums
    assert torch.allclose(split_cosine(first, second), split_cosine(second, first).T)


def test_lengths_of_the_sums_do_not_matter(sums):
    first, second = sums
    assert torch.allclose(split_cosine(3 * first, 0.5 * second), split_cosine(first, second))


def test_a_worked_example_with_a_constant():
    # Terms (1, 0), (0, 2) with scale (2, 1) and shift (-2, 0): (2, 0) + (0, 2) + (-2, 0) = (0, 2).
    # Against (0, 4): shares 0, 1 and 0. Against (4, 4): 8, 8, -8 over 2 * sqrt(32).
    terms = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    read = affine_terms(terms, torch.tensor([2.0, 1.0]), torch.tensor([-2.0, 0.0]))
    assert split_cosine(read, torch.tensor([[0.0, 4.0]])).flatten().tolist() == [0.0, 1.0, 0.0]
    found = split_cosine(read, torch.tensor([[4.0, 4.0]])).flatten().tolist()
    assert found == pytest.approx([0.5**0.5, 0.5**0.5, -(0.5**0.5)])


def test_without_neck_the_constant_is_zero():
    assert affine_terms(torch.ones(2, 3)).tolist() == [[1.0] * 3, [1.0] * 3, [0.0] * 3]


def test_a_sum_of_length_zero_has_no_similarity():
    zero = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    pairs = split_cosine(zero, torch.ones(1, 2))
    assert torch.isfinite(pairs).all()
    assert float(pairs.sum()) == 0


def test_float32_terms_are_added_in_float64():
    terms = torch.cat([torch.full((1, 2), 1e8), torch.ones(1000, 2)])  # lost in float32
    shares = split_cosine(terms, torch.tensor([[1.0, 0.0]])).flatten()
    total = 1e8 + 1000
    assert float(shares[1]) == pytest.approx(1 / (total * 2**0.5), rel=1e-12)


@pytest.mark.parametrize("affine", [True, False])
def test_a_batch_norm_is_scale_and_shift(affine):
    generator = torch.Generator().manual_seed(3)
    norm = nn.BatchNorm1d(4, affine=affine).double().eval()
    norm.running_mean.copy_(torch.randn(4, generator=generator))
    norm.running_var.copy_(torch.rand(4, generator=generator) + 0.1)
    if affine:
        norm.weight.data.copy_(torch.randn(4, generator=generator))
        norm.bias.data.copy_(torch.randn(4, generator=generator))
    scale, shift = batch_norm_affine(
        norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.eps
    )
    x = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    assert np.abs((scale * x + shift - norm(x)).detach().numpy()).max() < 1e-12


def test_the_split_has_gradients():
    generator = torch.Generator().manual_seed(4)
    first, second = (
        torch.randn(k, 3, generator=generator, dtype=torch.float64, requires_grad=True)
        for k in (2, 4)
    )
    assert torch.autograd.gradcheck(split_cosine, (first, second))
