import numpy as np
import torch

from mmctl.functional.clip_pooling import norm_weights, weighted_mean
from mmctl.functional.cosegmentation import common_channels, correlate_others
from tests.random_state import normal
from tests.references import zoo

MAPS = normal(2, 3, 4, 2, 3)


def test_correlations_equal_the_loops():
    made = correlate_others(MAPS, eps=0.1).numpy()
    for clip, own in zip(MAPS.numpy(), made, strict=True):
        np.testing.assert_allclose(own, zoo.correlate_others(clip, 0.1))


def test_length_and_offset_of_a_place_do_not_matter():
    torch.testing.assert_close(correlate_others(3 * MAPS + 2, eps=0), correlate_others(MAPS, eps=0))


def test_a_frame_does_not_see_itself():
    other = MAPS.clone()
    other[:, 1] = normal(2, 4, 2, 3, seed=1)
    # Frame 0 sees frames 1 and 2: the second half of its inputs is that of frame 2.
    first, second = correlate_others(MAPS)[:, 0], correlate_others(other)[:, 0]
    torch.testing.assert_close(first[:, 6:], second[:, 6:])
    assert not torch.allclose(first[:, :6], second[:, :6])


def test_channels_are_weighted_alike_in_all_frames():
    weights = normal(2, 3, 4)
    expected = [[sum(clip[:, c]) / 3 for c in range(4)] for clip in weights.numpy()]
    np.testing.assert_allclose(common_channels(weights)[:, 0], expected)


def test_longer_features_weigh_more_in_the_mean_of_their_clip():
    features = normal(2, 3, 5, 4)
    weights = norm_weights(features)
    for b in range(2):
        for n in range(5):
            lengths = [float(features[b, t, n].norm()) for t in range(3)]
            expected = [length / sum(lengths) for length in lengths]
            np.testing.assert_allclose(weights[b, :, n], expected)
            mean = sum(w * features[b, t, n] for t, w in enumerate(expected))
            torch.testing.assert_close(weighted_mean(features, weights)[b, n], mean)


def test_a_clip_of_zeros_has_zero_weights():
    assert not norm_weights(torch.zeros(1, 2, 3)).any()


def test_gradients_are_right():
    assert torch.autograd.gradcheck(correlate_others, (normal(1, 2, 3, 1, 2).requires_grad_(),))
