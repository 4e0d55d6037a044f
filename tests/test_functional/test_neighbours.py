import numpy as np
import pytest
import torch

from mmctl.functional import neighbours
from mmctl.functional.neighbours import center, find_neighbours
from tests.references.ranking import loop_neighbours

CUTS = (2, 5, 9)


def drawn(kind, rows=45, channels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(rows, channels, generator=generator)
    if kind == "ties":
        features = (2 * features).round()
    elif kind == "duplicates":
        features = features[torch.arange(rows) % 12]
    elif kind == "two points":
        features = features[torch.arange(rows - 1, -1, -1) % 2]
    elif kind == "far":
        features = features + 1000
    elif kind == "one far":
        features[7] *= 1e4
    return features


def find(features, cuts=CUTS, corner=None):
    return find_neighbours(features, center(features), cuts, corner)


@pytest.mark.parametrize("tile", [4, 16, 2048])
@pytest.mark.parametrize("kind", ["plain", "ties", "duplicates", "two points", "far", "one far"])
def test_the_sets_at_the_cuts_are_those_of_the_loop(kind, tile, monkeypatch):
    monkeypatch.setattr(neighbours, "TILE", tile)
    features = drawn(kind)
    found = find(features).indices
    expected = loop_neighbours(features.numpy(), max(CUTS))
    assert found.shape == expected.shape
    for cut in CUTS:
        np.testing.assert_array_equal(
            np.sort(found[:, :cut], axis=1), np.sort(expected[:, :cut], axis=1)
        )


def test_more_neighbours_than_rows_are_all_rows():
    found = find(drawn("plain", rows=4), (3, 50))
    np.testing.assert_array_equal(np.sort(found.indices, axis=1), np.tile(np.arange(4), (4, 1)))


def test_the_farthest_row_is_measured(monkeypatch):
    monkeypatch.setattr(neighbours, "TILE", 8)
    # On a line at 0, 1, 5 and twice 3: the farthest of each is at 5, 4, 5, 3, 3.
    features = torch.tensor([[0.0], [1.0], [5.0], [3.0], [3.0]])
    np.testing.assert_allclose(find(features).farthest, [25, 16, 25, 9, 9], rtol=1e-6)


def test_rows_that_all_coincide_have_the_farthest_at_one():
    assert find(torch.ones(30, 2)).farthest.tolist() == [1] * 30


@pytest.mark.parametrize("tile", [4, 7, 2048])
@pytest.mark.parametrize("num_queries", [1, 10, 44])
def test_the_corner_has_the_distances_of_the_first_rows_to_the_others(
    num_queries, tile, monkeypatch
):
    monkeypatch.setattr(neighbours, "TILE", tile)
    features = drawn("plain")
    corner = torch.full((num_queries, 45 - num_queries), torch.nan)
    find(features, corner=corner)
    expected = torch.cdist(features[:num_queries], features[num_queries:]).square()
    torch.testing.assert_close(corner, expected, atol=1e-5, rtol=1e-5)
