import math

import numpy as np
import pytest
import torch

from mmctl.functional import parts
from mmctl.structures import BODY_SCALES, FLIP_ORDER
from tests.random_state import normal
from tests.references import equations

GROUPS = [[0, 2], [1, 2, 4], [3]]


@pytest.mark.parametrize("size", [(3, 5), (2, 2), (6, 7), (9, 4), (1, 1)])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_weights_equal_the_loops(size, scale):
    heatmaps = normal(2, 3, 6, 7)
    weights = parts.normalize_heatmaps(heatmaps, size, scale=scale)
    expected = equations.heatmap_weights(heatmaps.numpy(), size, scale)
    assert weights.shape == (2, 3, size[0] * size[1])
    np.testing.assert_allclose(weights.view(2, 3, *size), expected, rtol=1e-9)


def test_the_default_temperature_is_ten():
    heatmaps = normal(1, 2, 4, 3)
    expected = equations.heatmap_weights(heatmaps.numpy(), (4, 3), 10.0)
    weights = parts.normalize_heatmaps(heatmaps, (4, 3))
    np.testing.assert_allclose(weights.view(1, 2, 4, 3), expected, rtol=1e-9)


def test_every_map_sums_to_one_over_the_cells():
    weights = parts.normalize_heatmaps(normal(2, 3, 6, 5), (4, 7))
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 3, dtype=torch.float64))


def test_weights_of_a_worked_example():
    # Twice as high and wide, so a cell is the mean of a 2 x 2 block: 0 | ln 3. exp: 1 | 3.
    heatmaps = torch.tensor([[[[0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 2.0, 0.0]]]]) * math.log(3)
    weights = parts.normalize_heatmaps(heatmaps, (1, 2), scale=1.0)
    torch.testing.assert_close(weights, torch.tensor([[[0.25, 0.75]]]))
    # scale 2: exp(2 ln 3) = 9, so 1 : 9.
    weights = parts.normalize_heatmaps(heatmaps, (1, 2), scale=2.0)
    torch.testing.assert_close(weights, torch.tensor([[[0.1, 0.9]]]))


def test_a_flat_map_gives_the_global_feature():
    features = normal(2, 5, 4, 3)
    weights = parts.normalize_heatmaps(torch.full((2, 3, 8, 6), 0.7).double(), (4, 3))
    pooled = parts.pool_keypoints(features, weights)
    expected = features.mean(dim=(2, 3)).unsqueeze(1).expand(2, 3, 5)
    torch.testing.assert_close(pooled, expected)


def test_a_one_hot_map_gives_the_feature_of_its_cell():
    features = normal(1, 5, 4, 3)
    heatmaps = torch.zeros(1, 2, 4, 3, dtype=torch.float64)
    heatmaps[0, 0, 3, 1] = heatmaps[0, 1, 0, 2] = 10.0
    pooled = parts.pool_keypoints(features, parts.normalize_heatmaps(heatmaps, (4, 3)))
    torch.testing.assert_close(pooled[0, 0], features[0, :, 3, 1])
    torch.testing.assert_close(pooled[0, 1], features[0, :, 0, 2])


def test_resizing_commutes_with_a_flip():
    heatmaps = normal(2, 17, 8, 6)
    weights = parts.normalize_heatmaps(heatmaps, (4, 3)).view(2, 17, 4, 3)
    flipped = parts.normalize_heatmaps(heatmaps.flip(-1), (4, 3)).view(2, 17, 4, 3)
    torch.testing.assert_close(flipped.flip(-1), weights)


def test_a_mirrored_frame_gives_the_mirrored_body():
    features, heatmaps, order = normal(2, 5, 4, 3), normal(2, 17, 8, 6), list(FLIP_ORDER)
    pooled = parts.pool_keypoints(features, parts.normalize_heatmaps(heatmaps, (4, 3)))
    weights = parts.normalize_heatmaps(heatmaps.flip(-1)[:, order], (4, 3))
    mirrored = parts.pool_keypoints(features.flip(-1), weights)
    torch.testing.assert_close(mirrored, pooled[:, order])
    torch.testing.assert_close(mirrored[:, order], pooled)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_stay_float32_under_autocast(dtype):
    heatmaps = normal(1, 2, 6, 4).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = parts.normalize_heatmaps(heatmaps, (3, 2))
    assert weights.dtype == torch.float32
    expected = equations.heatmap_weights(heatmaps.double().numpy(), (3, 2), 10.0)
    np.testing.assert_allclose(weights.view(1, 2, 3, 2), expected, rtol=1e-5)


def test_float64_stays_float64():
    assert parts.normalize_heatmaps(normal(1, 1, 2, 2), (2, 2)).dtype == torch.float64


def test_large_heatmaps_stay_finite():
    weights = parts.normalize_heatmaps(1000 * normal(1, 2, 4, 4), (4, 4))
    assert weights.isfinite().all()


@pytest.mark.parametrize("shape", [(3, 6, 4), (1, 2, 3, 6, 4)])
def test_heatmaps_without_four_axes_are_refused(shape):
    with pytest.raises(ValueError, match=r"heatmaps must be \(M, K, h, w\), got shape \("):
        parts.normalize_heatmaps(torch.zeros(shape), (2, 2))


def test_pooling_equals_the_loops():
    features = normal(2, 5, 4, 3)
    weights = normal(2, 3, 12, seed=1)
    expected = equations.pool_keypoints(features.numpy(), weights.view(2, 3, 4, 3).numpy())
    np.testing.assert_allclose(parts.pool_keypoints(features, weights), expected)
    mean = parts.pool_keypoints(features, weights, reduction="mean")
    np.testing.assert_allclose(mean, expected / 12)


def test_pooling_of_a_worked_example():
    # One channel, cells 1 2 / 3 4: 0.1 * 1 + 0.2 * 2 + 0.3 * 3 + 0.4 * 4 = 3; mean: 3 / 4.
    features = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    weights = torch.tensor([[[0.1, 0.2, 0.3, 0.4]]])
    torch.testing.assert_close(parts.pool_keypoints(features, weights), torch.tensor([[[3.0]]]))
    mean = parts.pool_keypoints(features, weights, reduction="mean")
    torch.testing.assert_close(mean, torch.tensor([[[0.75]]]))


def test_gradients_of_eq_1_pass_gradcheck():
    features = normal(1, 3, 3, 2).requires_grad_()
    heatmaps = (0.3 * normal(1, 2, 6, 4, seed=1)).requires_grad_()

    def pooled(features, heatmaps):
        return parts.pool_keypoints(features, parts.normalize_heatmaps(heatmaps, (3, 2)))

    assert torch.autograd.gradcheck(pooled, (features, heatmaps))


def test_an_unknown_reduction_is_named():
    with pytest.raises(ValueError, match=r"reduction must be 'sum' or 'mean', got 'max'"):
        parts.pool_keypoints(torch.zeros(1, 2, 2, 2), torch.zeros(1, 3, 4), reduction="max")


def test_weights_of_another_map_size_are_refused():
    with pytest.raises(ValueError, match=r"one entry per cell .*got 5 for 2x3 cells"):
        parts.pool_keypoints(torch.zeros(1, 4, 2, 3), torch.zeros(1, 3, 5))


def test_part_means_equal_the_loops():
    nodes = normal(2, 4, 5, 3)
    pooled = parts.pool_parts(nodes, GROUPS)
    assert pooled.shape == (2, 4, 3, 3)
    for b, t in np.ndindex(2, 4):
        expected = equations.part_means(nodes[b, t].numpy(), GROUPS)
        np.testing.assert_allclose(pooled[b, t], expected, rtol=1e-6)


def test_part_means_of_a_worked_example():
    # (1 + 4) / 2, (2 + 4 + 9) / 3, 7.
    nodes = torch.tensor([1.0, 2.0, 4.0, 7.0, 9.0]).view(5, 1)
    torch.testing.assert_close(parts.pool_parts(nodes, GROUPS), torch.tensor([[2.5], [5.0], [7.0]]))
    # The matrix itself: row n holds 1 / |part n|.
    expected = torch.tensor([[0.5, 0, 0.5, 0, 0], [0, 1 / 3, 1 / 3, 0, 1 / 3], [0, 0, 0, 1, 0]])
    torch.testing.assert_close(parts.part_average(GROUPS, 5), expected)


@pytest.mark.parametrize("body", ["limb", "disjoint"])
def test_identical_keypoints_make_identical_parts(body):
    nodes = normal(1, 1, 6).expand(1, 17, 6)
    for groups in (BODY_SCALES[body].s2, BODY_SCALES[body].s3):
        pooled = parts.pool_parts(nodes, groups)
        expected = nodes[:, :1].expand(1, len(groups), 6)
        torch.testing.assert_close(pooled, expected, rtol=1e-6, atol=1e-6)


def test_gradients_of_part_means_pass_gradcheck():
    nodes = normal(2, 5, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: parts.pool_parts(x, GROUPS), (nodes,))


@pytest.mark.parametrize("part", [[], [1, 1], [0, 5], [-1]])
def test_a_malformed_part_is_named(part):
    with pytest.raises(ValueError, match=r"part 1 must list distinct nodes from 0 to 4, got \["):
        parts.part_average([[0], part], 5)


def test_half_precision_is_raised_and_higher_precision_kept():
    for given, wanted in [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ]:
        assert parts.at_least_float32(torch.ones(2, dtype=given)).dtype == wanted
