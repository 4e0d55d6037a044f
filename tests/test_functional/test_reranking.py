import numpy as np
import pytest
import torch

from mmctl.functional.reranking import k_reciprocal, k_reciprocal_blocks
from tests.references.ranking import loop_k_reciprocal


def clusters(rows, seed, channels=6):
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(4, channels, generator=generator)
    labels = torch.randint(4, (rows,), generator=generator)
    return centres[labels] + 0.7 * torch.randn(rows, channels, generator=generator), labels


@pytest.mark.parametrize(
    ("k1", "k2", "lambda_value"),
    [(20, 6, 0.3), (6, 3, 0.3), (5, 1, 0.0), (1, 1, 0.5), (3, 9, 1.0), (100, 100, 0.3)],
)
def test_equals_the_loop(k1, k2, lambda_value):
    query, gallery = clusters(9, 0)[0], clusters(31, 1)[0]
    distances = k_reciprocal(query, gallery, k1=k1, k2=k2, lambda_value=lambda_value)
    expected = loop_k_reciprocal(query.numpy(), gallery.numpy(), k1, k2, lambda_value)
    assert distances.shape == (9, 31)
    assert distances.dtype == torch.float32
    np.testing.assert_allclose(distances, expected, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 7, 40])
def test_the_block_size_changes_nothing(rows, monkeypatch):
    query, gallery = clusters(9, 0)[0], clusters(31, 1)[0]
    expected = k_reciprocal(query, gallery, k1=6, k2=3)
    monkeypatch.setattr("mmctl.functional.reranking._ROWS", rows)
    monkeypatch.setattr("mmctl.functional.neighbours.TILE", rows)
    torch.testing.assert_close(k_reciprocal(query, gallery, k1=6, k2=3), expected)


@pytest.mark.parametrize("rows", [2, 256])
def test_blocks_are_the_rows_of_the_result(rows, monkeypatch):
    monkeypatch.setattr("mmctl.functional.reranking._ROWS", rows)
    query, gallery = clusters(9, 0)[0], clusters(31, 1)[0]
    blocks = list(k_reciprocal_blocks(query, gallery, k1=6, k2=3))
    assert len(blocks) == -(-9 // rows)
    np.testing.assert_allclose(
        np.concatenate(blocks), k_reciprocal(query, gallery, k1=6, k2=3), atol=1e-6
    )


def test_wrong_settings_of_blocks_are_named_before_the_first_one():
    with pytest.raises(ValueError, match="k1 and k2 count neighbours"):
        k_reciprocal_blocks(torch.ones(1, 2), torch.ones(2, 2), k1=0)


def test_features_far_from_the_origin_are_re_ranked_as_those_around_it():
    query, gallery = clusters(9, 0)[0], clusters(31, 1)[0]
    offset = torch.full((6,), 300.0)
    # The rows themselves round at 300: compare with the loop over the same rows.
    query, gallery = query + offset, gallery + offset
    expected = loop_k_reciprocal(query.numpy(), gallery.numpy(), 6, 3, 0.3)
    np.testing.assert_allclose(k_reciprocal(query, gallery, k1=6, k2=3), expected, atol=1e-5)


def test_queries_that_are_in_the_gallery_as_well_equal_the_loop():
    query, gallery = clusters(9, 0)[0], clusters(31, 1)[0]
    gallery = torch.cat([query, gallery])
    expected = loop_k_reciprocal(query.numpy(), gallery.numpy(), 6, 3, 0.3)
    np.testing.assert_allclose(k_reciprocal(query, gallery, k1=6, k2=3), expected, atol=1e-5)


def test_lambda_one_keeps_the_original_order():
    query, gallery = clusters(5, 2)[0], clusters(20, 3)[0]
    distances = k_reciprocal(query, gallery, k1=4, k2=2, lambda_value=1.0)
    torch.testing.assert_close(distances.argsort(dim=1), torch.cdist(query, gallery).argsort(dim=1))


def test_re_ranking_brings_a_cluster_together():
    # A gallery chain: the far end of the own group is farther than a stranger, but reciprocal.
    own = torch.tensor([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    stranger = torch.tensor([[-2.5, 0.0], [-2.6, 0.0], [-2.7, 0.0], [-2.8, 0.0]])
    distances = k_reciprocal(own[:1], torch.cat([own[1:], stranger]), k1=3, k2=1, lambda_value=0.1)
    assert torch.cdist(own[:1], own[3:]) > torch.cdist(own[:1], stranger[:1])
    assert distances[0, 2] < distances[0, 3]


def test_duplicates_of_everything_give_finite_equal_distances():
    distances = k_reciprocal(torch.ones(2, 3), torch.ones(30, 3))
    assert distances.isfinite().all()
    assert distances.max() <= 1


def test_neighbours_that_tie_rank_by_index():
    # Items 1 and 2 are the same point; with one neighbour each, item 0 takes the lower index.
    query = torch.tensor([[0.0]])
    gallery = torch.tensor([[1.0], [1.0], [5.0]])
    expected = loop_k_reciprocal(query.numpy(), gallery.numpy(), 1, 1, 0.3)
    distances = k_reciprocal(query, gallery, k1=1, k2=1)
    np.testing.assert_allclose(distances, expected, atol=1e-6)


def test_one_query_and_one_gallery_item_suffice():
    distances = k_reciprocal(torch.zeros(1, 3), torch.ones(1, 3))
    np.testing.assert_allclose(
        distances, loop_k_reciprocal(np.zeros((1, 3)), np.ones((1, 3)), 20, 6, 0.3), atol=1e-6
    )


@pytest.mark.parametrize("counts", [{"k1": 0}, {"k2": -1}])
def test_neighbour_counts_must_be_positive(counts):
    with pytest.raises(ValueError, match="k1 and k2 count neighbours and must be positive"):
        k_reciprocal(torch.ones(1, 2), torch.ones(2, 2), **counts)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_lambda_must_be_a_weight(value):
    with pytest.raises(ValueError, match=r"lambda_value .* 0 \.\. 1, got"):
        k_reciprocal(torch.ones(1, 2), torch.ones(2, 2), lambda_value=value)


@pytest.mark.parametrize(
    ("query", "gallery", "message"),
    [
        (torch.ones(1, 2), torch.ones(3, 4), "of one width"),
        (torch.ones(2), torch.ones(3, 2), "of one width"),
        (torch.ones(0, 2), torch.ones(3, 2), "must both hold features"),
        (torch.ones(1, 2), torch.ones(0, 2), "must both hold features"),
        (torch.ones(1, 0), torch.ones(3, 0), r"must both hold features.*got \(1, 0\) and"),
        (torch.full((1, 2), float("nan")), torch.ones(3, 2), "must be finite"),
    ],
)
def test_features_that_cannot_be_compared_are_named(query, gallery, message):
    with pytest.raises(ValueError, match=message):
        k_reciprocal(query, gallery)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_whose_squares_overflow_are_named(dtype):
    with pytest.raises(ValueError, match=r"^query must be finite .*got 1e\+30 in row 0"):
        k_reciprocal(torch.full((2, 3), 1e30, dtype=dtype), torch.zeros(3, 3))
    with pytest.raises(ValueError, match=r"^gallery must be finite .*got -1e\+19 in row 1"):
        k_reciprocal_blocks(torch.zeros(2, 3), torch.tensor([[0.0, 0, 0], [0, -1e19, 0]]))


def test_the_largest_features_that_pass_are_re_ranked_as_small_ones():
    (query, _), (gallery, _) = clusters(4, 0), clusters(9, 1)
    scale = 4.6e18 / torch.cat([query, gallery]).norm(dim=1).max()
    large = k_reciprocal(scale * query, scale * gallery, k1=3, k2=2)
    np.testing.assert_allclose(large, k_reciprocal(query, gallery, k1=3, k2=2), atol=1e-5)
