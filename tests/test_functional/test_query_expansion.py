import math

import numpy as np
import pytest
import torch

from mmctl.functional import query_expansion
from mmctl.functional.query_expansion import expand_queries
from tests.references.ranking import loop_expand


def drawn(rows, seed, channels=4):
    return torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rows", [2, 256])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("num_neighbours", [1, 3, 50])
def test_equals_the_loop(num_neighbours, alpha, rows, monkeypatch):
    monkeypatch.setattr(query_expansion, "_ROWS", rows)
    query, gallery = drawn(5, 0), 7 * drawn(9, 1)
    expanded = expand_queries(query, gallery, num_neighbours=num_neighbours, alpha=alpha)
    expected = loop_expand(query.numpy(), gallery.numpy(), num_neighbours, alpha)
    np.testing.assert_allclose(expanded, expected, atol=1e-5)


def test_a_worked_example():
    # (1, 0) and its nearest, (0.6, 0.8), with weight 0.6^2: (1.216, 0.288), then unit length.
    query, gallery = torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 4.0], [-1.0, 0.0]])
    expanded = expand_queries(query, gallery, num_neighbours=1, alpha=2.0)
    length = math.hypot(1.216, 0.288)
    torch.testing.assert_close(expanded, torch.tensor([[1.216 / length, 0.288 / length]]))


def test_an_opposite_item_has_no_weight_unless_all_count_alike():
    query, gallery = torch.tensor([[1.0, 0.0]]), torch.tensor([[-0.6, 0.8]])
    torch.testing.assert_close(expand_queries(query, gallery, num_neighbours=1, alpha=1.0), query)
    assert not torch.allclose(expand_queries(query, gallery, num_neighbours=1), query)


def test_float64_stays_float64_and_no_query_gives_none():
    assert (
        expand_queries(drawn(2, 0).double(), drawn(3, 1), num_neighbours=2).dtype == torch.float64
    )
    assert expand_queries(drawn(0, 0), drawn(3, 1), num_neighbours=2).shape == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_neighbours": 0}, "num_neighbours must be positive"),
        ({"num_neighbours": 2, "alpha": -1.0}, "alpha must not be negative"),
        ({"num_neighbours": 2, "alpha": math.nan}, "alpha must not be negative"),
    ],
)
def test_wrong_settings_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        expand_queries(drawn(2, 0), drawn(3, 1), **arguments)


def test_features_that_cannot_be_compared_are_named():
    with pytest.raises(ValueError, match="of one width"):
        expand_queries(drawn(2, 0), drawn(3, 1, channels=5), num_neighbours=1)
    with pytest.raises(ValueError, match="gallery must hold features"):
        expand_queries(drawn(2, 0), drawn(0, 1), num_neighbours=1)


def test_rows_whose_squares_overflow_are_named():
    for large in (1e25 * drawn(3, 0), drawn(3, 0) / 0):
        with pytest.raises(ValueError, match=r"^query must be finite .* in row 0"):
            expand_queries(large, drawn(3, 1), num_neighbours=1)
        with pytest.raises(ValueError, match=r"^gallery must be finite .* in row 0"):
            expand_queries(drawn(3, 1), large, num_neighbours=1)
