import numpy as np
import pytest
import torch

from mmctl.functional.saliency import boost_weights, mean_of_the_rest, most_alike_rows
from tests.random_state import normal
from tests.references import zoo

CLIPS = normal(2, 3, 4, 5, 2)


def test_boosting_equals_the_loops():
    made = boost_weights(CLIPS, scale=2.5).numpy()
    for clip, weights in zip(CLIPS.numpy(), made, strict=True):
        np.testing.assert_allclose(weights, zoo.boost_weights(clip, 2.5))


def test_a_frame_looks_at_the_others_alone():
    weights = boost_weights(CLIPS)
    torch.testing.assert_close(weights.sum(dim=(2, 3, 4)), torch.ones(2, 3, dtype=torch.float64))
    for t in range(3):
        assert not weights[:, t, t].any()


def test_a_single_frame_has_nothing_to_look_at():
    with pytest.raises(ValueError, match=r"at least two frames, .* got 1"):
        boost_weights(CLIPS[:, :1])


@pytest.mark.parametrize("rows", [1, 3])
def test_erased_rows_equal_the_loops(rows):
    correlation = normal(20, 6, 3)
    made = most_alike_rows(correlation, rows=rows)
    for own, block in zip(correlation.numpy(), made, strict=True):
        assert set(block.nonzero().flatten().tolist()) == zoo.erased_rows(own, rows)


def test_a_block_at_the_border_is_cut_off():
    # Row means 9, 0, 0, 0, 0: the sums of three rows are 9, 9, 0, 0, 0, the first is the largest.
    correlation = torch.tensor([9.0, 0, 0, 0, 0]).view(1, 5, 1)
    assert most_alike_rows(correlation).int().tolist() == [[1, 1, 0, 0, 0]]


def test_a_map_of_no_more_rows_than_are_erased_is_refused():
    with pytest.raises(ValueError, match=r"more rows than the 3 that are erased, .* got 3"):
        most_alike_rows(torch.zeros(1, 3, 2))


def test_the_mean_of_the_rest_equals_the_loops():
    maps, logits = normal(2, 4, 5, 3), normal(2, 5, 3, seed=1)
    erased = torch.tensor([[0, 1, 1, 1, 0], [0, 0, 0, 0, 1]], dtype=torch.bool)
    made = mean_of_the_rest(maps, logits, erased)
    for index, rows in enumerate(({1, 2, 3}, {4})):
        expected = zoo.mean_of_the_rest(maps[index].numpy(), logits[index].numpy(), rows)
        np.testing.assert_allclose(made[index], expected)


def test_gradients_are_right_and_none_reaches_the_erased():
    maps, logits = normal(1, 2, 4, 2).requires_grad_(), normal(1, 4, 2, seed=1).requires_grad_()
    erased = torch.tensor([[True, True, False, False]])
    assert torch.autograd.gradcheck(lambda m, z: mean_of_the_rest(m, z, erased), (maps, logits))
    mean_of_the_rest(maps, logits, erased).sum().backward()
    assert not maps.grad[0, :, :2].any()
    assert torch.autograd.gradcheck(boost_weights, (normal(1, 2, 2, 2, 2).requires_grad_(),))
