import numpy as np
import pytest
import torch

from mmctl.models.necks import PosePartNeck
from mmctl.structures import BODY_SCALES, FLIP_ORDER
from tests.random_state import normal
from tests.references import equations

FEATURES, HEATMAPS = normal(6, 5, 4, 3), normal(6, 17, 8, 6, seed=1)


@pytest.mark.parametrize("body", ["limb", "disjoint"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_nodes_equal_the_loops(body, reduction, scale):
    neck = PosePartNeck(scale, reduction, body=body)
    v_g, nodes = neck(FEATURES, HEATMAPS, num_frames=3)
    weights = equations.heatmap_weights(HEATMAPS.numpy(), (4, 3), scale)
    keypoints = equations.pool_keypoints(FEATURES.numpy(), weights)
    keypoints /= 12 if reduction == "mean" else 1
    tables = BODY_SCALES[body]
    assert list(nodes) == ["s1", "s2", "s3"]
    for b, t in np.ndindex(2, 3):
        frame = b * 3 + t
        expected = FEATURES[frame].sum(dim=(1, 2)) / 12
        torch.testing.assert_close(v_g[b, t], expected)
        np.testing.assert_allclose(nodes["s1"][b, t], keypoints[frame], rtol=1e-9)
        for name in ("s2", "s3"):
            expected = equations.part_means(keypoints[frame], getattr(tables, name))
            np.testing.assert_allclose(nodes[name][b, t], expected, rtol=1e-5, atol=1e-8)


def test_the_default_is_a_sum_with_temperature_ten():
    neck, other = PosePartNeck(), PosePartNeck(10.0, "sum", ("s1", "s2", "s3"), "limb")
    for name in ("s1", "s2", "s3"):
        expected = other(FEATURES, HEATMAPS, 3)[1][name]
        torch.testing.assert_close(neck(FEATURES, HEATMAPS, 3)[1][name], expected)


def test_flat_heatmaps_make_every_node_the_global_feature():
    v_g, nodes = PosePartNeck()(FEATURES, torch.zeros(6, 17, 8, 6).double(), 3)
    for name, value in nodes.items():
        expected = v_g.unsqueeze(2).expand_as(value)
        torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6, msg=name)


def test_a_mirrored_frame_swaps_left_and_right_nodes():
    neck, order = PosePartNeck(), list(FLIP_ORDER)
    _, nodes = neck(FEATURES, HEATMAPS, 3)
    _, mirrored = neck(FEATURES.flip(-1), HEATMAPS.flip(-1)[:, order], 3)
    torch.testing.assert_close(mirrored["s1"], nodes["s1"][:, :, order])
    torch.testing.assert_close(mirrored["s3"], nodes["s3"][:, :, [0, 2, 1, 4, 3]])
    swapped = nodes["s2"][:, :, [0, 1, 4, 5, 2, 3, 8, 9, 6, 7]]
    torch.testing.assert_close(mirrored["s2"], swapped)


@pytest.mark.parametrize("scales", [("s3",), ("s1", "s3"), ("s2", "s3")])
def test_only_the_scales_in_use_are_made(scales):
    _, nodes = PosePartNeck(scales=scales)(FEATURES, HEATMAPS, 3)
    _, everything = PosePartNeck()(FEATURES, HEATMAPS, 3)
    assert tuple(nodes) == scales
    for name in scales:
        torch.testing.assert_close(nodes[name], everything[name])


def test_without_heatmaps_only_the_global_feature_is_made():
    v_g, nodes = PosePartNeck()(FEATURES, None, 3)
    torch.testing.assert_close(v_g, FEATURES.mean(dim=(2, 3)).view(2, 3, 5))
    assert nodes == {}


def test_the_neck_has_nothing_to_train_or_save():
    assert not list(PosePartNeck().parameters())
    assert not PosePartNeck().state_dict()


def test_features_and_heatmaps_pass_gradcheck():
    features = normal(2, 2, 2, 2).requires_grad_()
    heatmaps = (0.2 * normal(2, 17, 2, 2)).requires_grad_()
    neck = PosePartNeck()
    assert torch.autograd.gradcheck(lambda f, h: neck(f, h, 2)[1]["s3"], (features, heatmaps))


def test_a_wrong_argument_is_named():
    with pytest.raises(ValueError, match="reduction must be 'sum' or 'mean', got 'max'"):
        PosePartNeck(reduction="max")
    with pytest.raises(ValueError, match=r"scales must be among .*got \('s1', 's5'\)"):
        PosePartNeck(scales=("s1", "s5"))
    with pytest.raises(ValueError, match="body must be one of"):
        PosePartNeck(body="stick")


def test_maps_are_normalized_in_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, nodes = PosePartNeck()(FEATURES.bfloat16(), HEATMAPS.float(), 3)
    exact = PosePartNeck()(FEATURES, HEATMAPS, 3)[1]
    for name, value in nodes.items():
        assert (value.double() - exact[name]).norm() < 2e-2 * exact[name].norm(), name


def test_parts_weighed_by_the_peaks_equal_the_loops():
    heatmaps = HEATMAPS.clone()
    heatmaps[0, 3] = -1.0  # a joint without a peak
    _, plain = PosePartNeck()(FEATURES, heatmaps, 3)
    _, nodes = PosePartNeck(confidence=True)(FEATURES, heatmaps, 3)
    torch.testing.assert_close(nodes["s1"], plain["s1"], rtol=0, atol=0)
    tables = BODY_SCALES["limb"]
    for b, t in np.ndindex(2, 3):
        peaks = heatmaps[b * 3 + t].amax(dim=(1, 2)).clamp(min=0)
        for name in ("s2", "s3"):
            for index, part in enumerate(getattr(tables, name)):
                weighed = sum((peaks[k] + 1e-4) * plain["s1"][b, t, k] for k in part)
                expected = weighed / sum(peaks[k] + 1e-4 for k in part)
                torch.testing.assert_close(nodes[name][b, t, index], expected, rtol=1e-6, atol=1e-8)


def test_parts_without_any_peak_are_the_plain_means():
    _, plain = PosePartNeck()(FEATURES, -HEATMAPS.abs(), 3)
    _, nodes = PosePartNeck(confidence=True)(FEATURES, -HEATMAPS.abs(), 3)
    for name, value in plain.items():
        torch.testing.assert_close(nodes[name], value, rtol=1e-6, atol=1e-8)


def test_a_learned_factor_starts_as_the_fixed_one_and_learns():
    fixed, learned = PosePartNeck(4.0), PosePartNeck(4.0, learn_scale=True)
    assert list(fixed.parameters()) == []
    (factor,) = learned.parameters()
    _, expected = fixed(FEATURES, HEATMAPS, 3)
    _, nodes = learned(FEATURES, HEATMAPS, 3)
    for name, value in expected.items():
        torch.testing.assert_close(nodes[name], value, rtol=1e-6, atol=1e-6)
    nodes["s3"].square().sum().backward()
    step, losses = 1e-3, []
    for sign in (1, -1):
        moved = PosePartNeck(4.0 * float(np.exp(sign * step)))(FEATURES, HEATMAPS, 3)[1]["s3"]
        losses.append(float(moved.square().sum()))
    assert float(factor.grad) == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-3)
