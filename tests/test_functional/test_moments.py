import numpy as np
import torch

from mmctl.functional.moments import clip_moments, distribute_moments
from tests.random_state import normal
from tests.references import sinet

MAPS = normal(2, 3, 4, 2, 3)


def test_moments_equal_the_loops():
    made = clip_moments(MAPS, (3, 4, 5)).numpy()
    for clip, own in zip(MAPS.numpy(), made, strict=True):
        np.testing.assert_allclose(own, sinet.clip_moments(clip, (3, 4, 5)))


def test_scale_and_offset_change_mean_and_spread_alone():
    torch.testing.assert_close(clip_moments(3 * MAPS + 2)[:, 2:], clip_moments(MAPS)[:, 2:])


def test_a_channel_that_is_the_same_everywhere_has_no_moments():
    maps = MAPS.clone()
    maps[:, :, 1] = 4.0
    made = clip_moments(maps.requires_grad_())
    assert made[:, :, 1].tolist() == [[4.0, 0.0, 0.0, 0.0, 0.0]] * 2


def test_distribution_equals_the_loops():
    moments = normal(2, 5, 4, seed=1)
    made = distribute_moments(MAPS, moments).numpy()
    for clip, own, result in zip(MAPS.numpy(), moments.numpy(), made, strict=True):
        np.testing.assert_allclose(result, sinet.distribute_moments(clip, own))


def test_gradients_are_right():
    maps = normal(1, 2, 2, 2, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda m: distribute_moments(m, clip_moments(m)), (maps,))
