import math

import numpy as np
import pytest
import torch

from mmctl.functional import distance
from mmctl.functional.distance import distance_blocks, pairwise_distance
from tests.references.ranking import loop_distance


def features(rows, channels=7, seed=0, scale=1.0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(rows, channels, generator=generator, dtype=dtype)


@pytest.fixture(params=["subtraction", "product"])
def euclidean_path(request, monkeypatch):
    if request.param == "product":
        monkeypatch.setattr(distance, "MAX_DIRECT_TERMS", -1)
        monkeypatch.setattr(distance, "_ROWS_PER_PRODUCT", 2)
    return request.param


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_equals_the_loop_over_pairs(metric):
    x, y = features(3), features(5, seed=1)
    expected = loop_distance(x.numpy(), y.numpy(), metric)
    np.testing.assert_allclose(pairwise_distance(x, y, metric=metric), expected, atol=1e-6)


@pytest.mark.usefixtures("euclidean_path")
def test_a_worked_example():
    x = torch.tensor([[3.0, 4.0]])
    y = torch.tensor([[0.0, 0.0], [4.0, 3.0], [-3.0, -4.0], [6.0, 8.0]])
    # Euclidean: |(3, 4)| = 5; |(1, -1)| = sqrt 2; |(6, 8)| = 10; |(3, 4)| = 5.
    expected = torch.tensor([[5.0, math.sqrt(2), 10.0, 5.0]])
    torch.testing.assert_close(pairwise_distance(x, y, metric="euclidean"), expected)
    # Cosine: a zero row has no direction; 1 - 24/25; opposite; parallel.
    expected = torch.tensor([[1.0, 0.04, 2.0, 0.0]])
    torch.testing.assert_close(pairwise_distance(x, y), expected, atol=1e-6, rtol=0)


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_duplicates_of_large_norm_are_at_distance_zero(metric):
    x = features(6, channels=2048, scale=280 / math.sqrt(2048))
    assert x.norm(dim=1).mean() > 270
    own = pairwise_distance(x, x.clone(), metric=metric).diagonal()
    assert own.min() >= 0
    assert own.max() < 1e-3


def test_small_differences_survive_large_norms(euclidean_path):
    x = features(2, channels=2048, scale=280 / math.sqrt(2048), dtype=torch.float64)
    y = x.clone()
    y[:, 0] += 0.01
    own = pairwise_distance(x.float(), y.float(), metric="euclidean").diagonal()
    np.testing.assert_allclose(own, 0.01, rtol=1e-3, err_msg=euclidean_path)


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_gradients_pass_gradcheck(metric):
    x = features(3, channels=4, dtype=torch.float64).requires_grad_()
    y = features(5, channels=4, seed=1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: pairwise_distance(a, b, metric=metric), (x, y))


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_gradients_of_duplicates_are_finite(metric):
    x = features(3, scale=100).repeat(2, 1).requires_grad_()
    pairwise_distance(x, x, metric=metric).sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.abs().max() > 0


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_raised_to_float32_even_under_autocast(metric, dtype):
    x, y = features(3, channels=64).to(dtype), features(5, channels=64, seed=1).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        distances = pairwise_distance(x, y, metric=metric)
    assert distances.dtype == torch.float32
    expected = loop_distance(x.float().numpy(), y.float().numpy(), metric)
    np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("euclidean_path")
def test_float64_stays_float64():
    x, y = features(2), features(3).double()
    for metric in distance.DISTANCES:
        assert pairwise_distance(x, y, metric=metric).dtype == torch.float64
    expected = loop_distance(x.double().numpy(), y.numpy(), "euclidean")
    np.testing.assert_allclose(pairwise_distance(x, y, metric="euclidean"), expected, rtol=1e-9)


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("entries", [1, 10, 1000])
def test_blocks_are_the_rows_of_the_matrix(metric, entries, monkeypatch):
    monkeypatch.setattr(distance, "_ENTRIES_PER_BLOCK", entries)
    x, y = features(7, scale=30).requires_grad_(), features(5, seed=1, scale=0.1)
    y[2], y[3] = 0, x[4].detach()
    blocks = list(distance_blocks(x, y, metric=metric))
    assert not any(block.requires_grad for block in blocks)
    expected = pairwise_distance(x, y, metric=metric).detach()
    torch.testing.assert_close(torch.cat(blocks), expected, atol=2e-6, rtol=1e-6)


def test_blocks_hold_a_bounded_number_of_distances(monkeypatch):
    monkeypatch.setattr(distance, "_ENTRIES_PER_BLOCK", 12)
    monkeypatch.setattr(distance, "MAX_DIRECT_TERMS", -1)
    for metric in distance.DISTANCES:
        blocks = distance_blocks(features(7), features(5, seed=1), metric=metric)
        assert [len(block) for block in blocks] == [2, 2, 2, 1]


def test_blocks_check_their_arguments():
    with pytest.raises(ValueError, match="metric must be one of"):
        next(distance_blocks(features(2), features(2), metric="manhattan"))
    with pytest.raises(ValueError, match="matrices"):
        next(distance_blocks(features(2), torch.zeros(2, 3)))


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_an_empty_set_gives_an_empty_matrix(metric):
    assert pairwise_distance(torch.zeros(0, 4), torch.zeros(3, 4), metric=metric).shape == (0, 3)
    assert pairwise_distance(torch.zeros(3, 4), torch.zeros(0, 4), metric=metric).shape == (3, 0)


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match=r"metric must be one of .*got 'manhattan'"):
        pairwise_distance(torch.zeros(1, 2), torch.zeros(1, 2), metric="manhattan")


@pytest.mark.parametrize("shape", [(2, 4), (3,), (1, 2, 3)])
def test_shapes_that_do_not_fit_are_named(shape):
    with pytest.raises(ValueError, match=r"matrices .* of one width .*\(5, 3\)"):
        pairwise_distance(torch.zeros(5, 3), torch.zeros(shape))


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("value", [1e19, 1e25, float("inf"), float("nan")])
def test_rows_whose_squares_overflow_are_named(value, metric):
    x, y = features(3), features(5, seed=1)
    y[4, 2] = value
    with pytest.raises(
        ValueError, match=rf"^y must be finite .*got {value:g} in row 4".replace("+", r"\+")
    ):
        list(distance_blocks(x, y, metric=metric))
    with pytest.raises(ValueError, match=r"^x must be finite .* in row 4"):
        list(distance_blocks(y, x, metric=metric))


def test_a_loss_that_is_no_number_is_left_to_the_training():
    x = features(3)
    x[1, 2] = float("nan")
    assert pairwise_distance(x, x).isnan().any()


@pytest.mark.usefixtures("euclidean_path")
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_largest_features_that_pass_have_true_distances(metric):
    x, y = features(3, dtype=torch.float64), features(5, seed=1, dtype=torch.float64)
    scale = 4.6e18 / torch.cat([x, y]).norm(dim=1).max()
    own = pairwise_distance((scale * x).float(), (scale * y).float(), metric=metric)
    expected = pairwise_distance(x, y, metric=metric) * (1 if metric == "cosine" else scale)
    torch.testing.assert_close(own.double(), expected, rtol=1e-5, atol=1e-6)


def test_float64_has_room_for_larger_features():
    x = features(3, dtype=torch.float64)
    torch.testing.assert_close(pairwise_distance(1e25 * x, x), pairwise_distance(x, x))
