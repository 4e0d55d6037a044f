import numpy as np
import pytest
import torch

from mmctl.models.layers import CrossScaleConv
from tests.random_state import embed_of, normal, randomize
from tests.references import equations

SOURCE, TARGET = normal(2, 3, 4, 5), normal(2, 3, 2, 5, seed=1)


def build(training=False, channels=5, dim=3, **kwargs):
    conv = CrossScaleConv(channels, dim=dim, **kwargs).double()
    return randomize(conv).train(training)


def reference(conv, source, target, scale=1.0):
    phi, varphi = embed_of(conv.embed_node), embed_of(conv.embed_difference)
    h = embed_of(conv.relate_source), embed_of(conv.relate_target)
    f = embed_of(conv.augment_source), embed_of(conv.augment_target)
    r_source = equations.relations(source, phi, varphi, h[0], f[0])
    r_target = equations.relations(target, phi, varphi, h[1], f[1])
    adjacency = equations.cross_scale_adjacency(r_source, r_target, scale)
    weight = conv.weight.weight.detach().numpy().T
    return adjacency, equations.convolve_across(adjacency, source, weight)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_layer_equals_the_loops(training, scale):
    conv = build(training, logit_scale=scale)
    adjacency, expected = reference(conv, SOURCE.numpy(), TARGET.numpy(), scale)
    result = conv(SOURCE, TARGET).detach()
    assert result.shape == (2, 3, 2, 5)
    # The softmax must not be saturated, or the relations would not be tested.
    assert 0.02 < np.median(adjacency) < 0.9
    np.testing.assert_allclose(conv.adjacency(SOURCE, TARGET).detach(), adjacency, rtol=1e-8)
    np.testing.assert_allclose(result, expected, rtol=1e-8, atol=1e-10)


def test_rows_sum_to_one_over_the_sources():
    result = build().adjacency(SOURCE, TARGET)
    assert result.shape == (2, 3, 2, 4)
    torch.testing.assert_close(result.sum(dim=-1), torch.ones_like(result[..., 0]))


def test_permuting_the_sources_changes_nothing_and_the_targets_permute_the_output():
    conv = build()
    expected = conv(SOURCE, TARGET)
    torch.testing.assert_close(conv(SOURCE[:, :, [2, 0, 3, 1]], TARGET), expected)
    torch.testing.assert_close(conv(SOURCE, TARGET[:, :, [1, 0]]), expected[:, :, [1, 0]])


def test_frames_do_not_see_each_other_in_eval_mode():
    conv, source, target = build(), SOURCE.clone(), TARGET.clone()
    source[1, 0] += 1.0
    target[0, 2] += 1.0
    moved = (conv(source, target) != conv(SOURCE, TARGET)).flatten(2).any(dim=2)
    assert moved.nonzero().tolist() == [[0, 2], [1, 0]]


def test_identical_sources_are_averaged_whatever_the_weights():
    conv, row = build(), normal(5)
    result = conv(row.expand(1, 1, 4, 5), TARGET[:1, :1])
    expected = torch.relu(conv.weight(row)).expand(1, 1, 2, 5)
    torch.testing.assert_close(result, expected)


def test_a_worked_example_of_the_relations():
    # One channel and width one; every linear weight 1, every batch norm the identity.
    # Sources 1 and 3, i = 0: phi 1, varphi relu(1 - 1) = 0 and relu(3 - 1) = 2: p = 1 + 3 = 4,
    # r = 1 + 4 = 5. i = 1: phi 3, varphi relu(1 - 3) = 0 and 0: p = 3 + 3 = 6, r = 3 + 6 = 9.
    # Target 2 alone: p = 2 + 0, r = 2 + 2 = 4. Logits 0.05 * 4 * (5, 9) = (1, 1.8).
    conv = CrossScaleConv(1, dim=1, logit_scale=0.05).eval()
    with torch.no_grad():
        for name, parameter in conv.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
        for module in conv.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.eps = 0.0
    source, target = torch.tensor([1.0, 3.0]).view(1, 1, 2, 1), torch.tensor([2.0]).view(1, 1, 1, 1)
    share = 1 / (1 + np.exp(0.8))
    adjacency = conv.adjacency(source, target).flatten()
    torch.testing.assert_close(adjacency, torch.tensor([share, 1 - share]).float())
    expected = torch.tensor(share * 1 + (1 - share) * 3).float()
    torch.testing.assert_close(conv(source, target).flatten()[0], expected)


def test_phi_and_varphi_are_shared_and_h_and_f_are_not():
    shapes = {name: tuple(p.shape) for name, p in CrossScaleConv(5, dim=3).named_parameters()}
    inputs = {
        **{"embed_node": 5, "embed_difference": 5, "relate_source": 6, "relate_target": 6},
        **{"augment_source": 8, "augment_target": 8},
    }
    wanted = {f"{name}.linear.weight": (3, width) for name, width in inputs.items()}
    wanted |= {f"{name}.norm.{part}": (3,) for name in inputs for part in ("weight", "bias")}
    assert shapes == {**wanted, "weight.weight": (5, 5)}


def test_the_defaults_are_256_wide_and_raw_logits():
    conv = CrossScaleConv(4)
    assert conv.embed_node.linear.out_features == 256
    assert conv.logit_scale == 1.0


@pytest.mark.parametrize("training", [True, False])
def test_autocast_keeps_the_weights_in_float32_and_nearly_the_same(training):
    conv = build(training, logit_scale=0.2).float()
    source, target = SOURCE.float(), TARGET.float()
    exact = conv(source, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv.adjacency(source, target).dtype == torch.float32
        result = conv(source, target)
    assert result.isfinite().all()
    assert (result.float() - exact).norm() < 3e-2 * exact.norm()


def test_gradients_pass_gradcheck():
    conv = build(channels=2, dim=2, logit_scale=0.3)
    source, target = normal(1, 2, 3, 2).requires_grad_(), normal(1, 2, 2, 2, seed=1)
    assert torch.autograd.gradcheck(conv, (source, target.requires_grad_()))
