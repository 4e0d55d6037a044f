import numpy as np
import pytest
import torch
from torch import nn

from mmctl.models.layers import NonLocalBlock, TemporalConv
from tests.random_state import normal, randomize
from tests.references import zoo

T = 3
FRAMES = normal(2 * T, 3, 4, 2)


def arrays(module):
    return {name: value.detach().numpy() for name, value in module.named_parameters()}


def build(form, registered, out=5, stride=1):
    conv = TemporalConv(3, out, 3, stride=stride, form=form, registered=registered).double()
    conv.num_frames = T
    return randomize(conv)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("form", ["i3d", "p3d-a", "p3d-b", "p3d-c"])
@pytest.mark.parametrize("stride", [1, 2])
def test_every_form_equals_the_loops(form, registered, stride):
    conv = build(form, registered, stride=stride)
    own = arrays(conv)
    extra = own["sides" if form == "i3d" else "temporal"]
    weights = None
    if registered:
        start = "registration."
        weights = {
            name.removeprefix(start).removesuffix(".weight"): value
            for name, value in own.items()
            if name.startswith(start)
        }
    made = conv(FRAMES).detach().unflatten(0, (-1, T)).numpy()
    for clip, result in zip(FRAMES.unflatten(0, (-1, T)).numpy(), made, strict=True):
        expected = zoo.temporal_conv(clip, form, own["weight"], extra, stride, weights)
        np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("form", ["i3d", "p3d-a", "p3d-b", "p3d-c"])
def test_a_new_one_is_the_convolution_that_it_replaces(form, registered):
    conv = TemporalConv(3, 5, form=form, registered=registered).double()
    conv.num_frames = T
    with torch.no_grad():
        conv.weight.copy_(normal(5, 3, 3, 3, seed=1))
    plain = nn.functional.conv2d(FRAMES, conv.weight, padding=1)
    torch.testing.assert_close(conv(FRAMES), plain)


def test_the_mask_trains_its_own_layers_alone():
    registration = build("i3d", True).registration
    with torch.no_grad():
        registration.embed.weight.fill_(0.0)
    clip = FRAMES[:T].unsqueeze(0).clone().requires_grad_()
    before, after = registration(clip)
    (before.sum() + after.sum()).backward()
    # Nothing to compare by: a neighbour is its mean over the places, of which the mask leaves some.
    mean = clip.detach().mean(dim=(3, 4), keepdim=True)
    left = [(before[0, t] / mean[0, t - 1])[0].sum() for t in (1, 2)]
    left_after = [(after[0, t] / mean[0, t + 1])[0].sum() for t in (0, 1)]
    # Frame 0 is before frame 1, frame 1 before frame 2 and after frame 0, frame 2 after frame 1.
    shares = torch.stack([left[0], left[1] + left_after[0], left_after[1]]) / 8
    torch.testing.assert_close(clip.grad, shares.view(1, T, 1, 1, 1).expand_as(clip))
    assert registration.embed_frame.weight.grad.abs().sum() > 0


def test_clips_do_not_see_each_other():
    conv = build("i3d", True)
    both = conv(FRAMES)
    torch.testing.assert_close(conv(FRAMES[:T]), both[:T])


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match=r"form must be one of .* got 'p3d'"):
        TemporalConv(3, 5, form="p3d")


@pytest.mark.parametrize("span", ["clip", "frame"])
@pytest.mark.parametrize("subsample", [True, False])
def test_the_non_local_block_equals_the_loops(span, subsample):
    block = NonLocalBlock(4, span=span, subsample=subsample).double().eval()
    own = arrays(randomize(block))
    norm = block.norm
    with torch.no_grad():
        norm.running_mean.copy_(normal(4, seed=3))
        norm.running_var.copy_(1 + normal(4, seed=4).square())
    clips = normal(2, T, 4, 5, 4)
    made = block(clips).detach().numpy()
    scale = own["norm.weight"] / np.sqrt(norm.running_var.numpy() + norm.eps)
    for clip, result in zip(clips.numpy(), made, strict=True):
        maps = {
            name: zoo.per_place(own[f"{name}.weight"], own[f"{name}.bias"], clip)
            for name in ("query", "key", "value")
        }
        if subsample:
            maps |= {name: zoo.largest_of_four(maps[name]) for name in ("key", "value")}
        parts = [slice(0, T)] if span == "clip" else [slice(t, t + 1) for t in range(T)]
        seen = np.concatenate(
            [zoo.attend(maps["query"][p], maps["key"][p], maps["value"][p]) for p in parts]
        )
        out = zoo.per_place(own["output.weight"], own["output.bias"], seen)
        out = (out - norm.running_mean.numpy()[:, None, None]) * scale[:, None, None]
        out = out + own["norm.bias"][:, None, None]
        np.testing.assert_allclose(result, clip + out, atol=1e-12)


def test_a_new_non_local_block_changes_nothing():
    clips = normal(2, T, 4, 4, 4)
    torch.testing.assert_close(NonLocalBlock(4).double()(clips), clips)


def test_an_unknown_span_is_refused():
    with pytest.raises(ValueError, match=r"span must be one of .* got 'video'"):
        NonLocalBlock(4, span="video")
