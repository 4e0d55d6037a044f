import numpy as np
import pytest
import torch

from mmctl.functional.broadening import (
    broad_weights,
    central_channels,
    exchange,
    frame_position_loss,
    salient_kernel,
)
from tests.random_state import normal
from tests.references import sinet

MAPS = normal(2, 3, 4, 5, 4).abs()


def test_central_channels_equal_the_loops():
    made = central_channels(MAPS)
    assert 0 < made.sum() < made.numel()
    for clip, own in zip(MAPS.numpy(), made, strict=True):
        assert set(own.nonzero().flatten().tolist()) == sinet.central(clip)


def test_a_channel_of_zeros_is_not_central():
    assert not central_channels(torch.zeros(1, 2, 3, 4, 4)).any()


def test_the_kernel_equals_the_loops():
    scores = normal(2, 3, 9, 5, 4, seed=1).relu()
    scores[:, 0, :, 2, 1] = 0  # a place without a share
    made = salient_kernel(MAPS, scores)
    for clip, score, own in zip(MAPS.numpy(), scores.numpy(), made.numpy(), strict=True):
        np.testing.assert_allclose(own, sinet.kernel_of_salient(clip, score, 3), atol=1e-12)


def test_what_is_kept_equals_the_loops():
    kernel = normal(2, 4, 3, 3, seed=2)
    made = broad_weights(MAPS, kernel, strength=5.0)
    assert 0 < (made < 1).double().mean() < 1
    for clip, own, kept in zip(MAPS.numpy(), kernel.numpy(), made.numpy(), strict=True):
        np.testing.assert_allclose(kept, sinet.kept_of_broad(clip, own, 5.0), atol=1e-12)


def test_places_that_are_kept_as_they_are_have_numbers_for_gradients():
    maps = torch.zeros(1, 1, 1, 16, 8)
    maps[..., 3, 3] = 60.0  # what is likest takes nearly all of the softmax
    maps.requires_grad_()
    broad_weights(maps, torch.ones(1, 1, 3, 3), strength=5.0).sum().backward()
    assert maps.grad is not None
    assert maps.grad.isfinite().all()


def test_the_exchange_equals_the_loops():
    kept = torch.rand(2, 2, 5, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    made = exchange(MAPS[:, :1], MAPS[:, 1:], kept, share=0.1)
    for clip, own, result in zip(MAPS.numpy(), kept.numpy(), made.numpy(), strict=True):
        np.testing.assert_allclose(result, sinet.exchanged(clip[:1], clip[1:], own, 0.1))


def test_nothing_is_given_where_nothing_is_lost():
    made = exchange(MAPS[:, :1], MAPS[:, 1:], torch.ones(2, 2, 5, 4))
    torch.testing.assert_close(made[:, :1], MAPS[:, :1])


@pytest.mark.parametrize("labels", [(5, 5, 2, 2), (2, 5, 2, 5), (1, 1, 1, 1)])
def test_the_loss_of_positions_equals_the_loops(labels):
    frames = normal(4, 3, 6, seed=4)
    made = frame_position_loss(frames, torch.tensor(labels), 0.5).item()
    assert made == pytest.approx(sinet.position_loss(frames.numpy(), labels, 0.5))


def test_who_has_one_clip_has_no_pair():
    frames = normal(2, 3, 6, seed=4).requires_grad_()
    loss = frame_position_loss(frames, torch.tensor([0, 1]))
    loss.backward()
    assert loss.item() == 0
    assert not frames.grad.any()
