import math

import numpy as np
import pytest
import torch

from mmctl.functional.parts import normalize_heatmaps
from mmctl.models.necks import PosePartNeck
from mmctl.models.pose import KeypointHeatmaps
from mmctl.structures import FLIP_ORDER
from tests.random_state import normal


def make_keypoints(num_frames=2, size=(32, 16)):
    generator = torch.Generator().manual_seed(0)
    keypoints = torch.rand(num_frames, 17, 3, generator=generator)
    return keypoints * torch.tensor([size[1] - 1.0, size[0] - 1.0, 1.0])


@pytest.mark.parametrize(("stride", "sigma"), [(4, 2.0), (2, 0.7), (1, 3.0)])
def test_maps_equal_the_loops(stride, sigma):
    keypoints = make_keypoints()
    heatmaps = KeypointHeatmaps(stride, sigma)(keypoints, (32, 16))
    assert heatmaps.shape == (2, 17, 32 // stride, 16 // stride)
    for m, k, row, column in np.ndindex(heatmaps.shape):
        # A map pixel covers `stride` frame pixels; its centre lies at their mean.
        x = sum(column * stride + step for step in range(stride)) / stride
        y = sum(row * stride + step for step in range(stride)) / stride
        px, py, score = keypoints[m, k].tolist()
        squared = ((x - px) ** 2 + (y - py) ** 2) / stride**2
        expected = score * math.exp(-squared / (2 * sigma**2))
        assert heatmaps[m, k, row, column].item() == pytest.approx(expected, abs=1e-6)


def test_the_peak_is_the_score_and_the_scale_is_sigma():
    # Stride 4: the centre of map pixel (2, 1) is frame pixel x = 1 * 4 + 1.5, y = 2 * 4 + 1.5.
    keypoints = torch.zeros(1, 17, 3)
    keypoints[0, 6] = torch.tensor([5.5, 9.5, 0.8])
    heatmap = KeypointHeatmaps()(keypoints, (32, 16))[0, 6]
    assert heatmap[2, 1].item() == pytest.approx(0.8)
    assert heatmap.argmax().item() == 2 * 4 + 1
    # Two map pixels away with sigma 2: exp(-1/2).
    assert heatmap[4, 1].item() == pytest.approx(0.8 * math.exp(-0.5))
    assert heatmap[2, 3].item() == pytest.approx(0.8 * math.exp(-0.5))


def test_a_hidden_joint_is_an_empty_map_and_gives_the_global_feature():
    keypoints = make_keypoints()
    keypoints[:, 9, 2] = 0.0
    heatmaps = KeypointHeatmaps()(keypoints, (32, 16))
    assert not heatmaps[:, 9].any()
    v_g, nodes = PosePartNeck()(normal(2, 5, 4, 2).float(), heatmaps, num_frames=2)
    torch.testing.assert_close(nodes["s1"][:, :, 9], v_g)
    assert not torch.allclose(nodes["s1"][:, :, 8], v_g)


def test_a_mirrored_frame_has_mirrored_maps():
    keypoints, order = make_keypoints(), list(FLIP_ORDER)
    mirrored = keypoints[:, order].clone()
    mirrored[..., 0] = 15 - mirrored[..., 0]
    draw = KeypointHeatmaps()
    expected = draw(keypoints, (32, 16)).flip(-1)[:, order]
    torch.testing.assert_close(draw(mirrored, (32, 16)), expected)


def test_a_confident_joint_is_found_in_the_feature_map():
    # The default: a map a quarter of the frame, resized to a feature map a sixteenth of it.
    keypoints = torch.zeros(1, 17, 3)
    keypoints[0, 3] = torch.tensor([23.5, 55.5, 1.0])
    heatmaps = KeypointHeatmaps()(keypoints, (64, 32))
    weights = normalize_heatmaps(heatmaps, (4, 2))[0, 3]
    assert weights.argmax().item() == 3 * 2 + 1


def test_integer_and_half_precision_keypoints_are_drawn_in_float32():
    for dtype in (torch.int64, torch.float64, torch.float16):
        assert KeypointHeatmaps()(torch.ones(1, 17, 3, dtype=dtype), (8, 8)).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert KeypointHeatmaps()(torch.ones(1, 17, 3), (8, 8)).dtype == torch.float32


def test_there_is_nothing_to_train_and_no_gradient():
    heatmaps = KeypointHeatmaps()(torch.ones(1, 17, 3, requires_grad=True), (8, 8))
    assert not heatmaps.requires_grad
    assert not KeypointHeatmaps().state_dict()


@pytest.mark.parametrize(("stride", "sigma"), [(0, 2.0), (4, 0.0), (-1, 2.0), (4, -1.0)])
def test_a_stride_or_sigma_that_is_not_positive_is_refused(stride, sigma):
    message = rf"stride and sigma must be positive, got {stride} and {sigma}"
    with pytest.raises(ValueError, match=message):
        KeypointHeatmaps(stride, sigma)
