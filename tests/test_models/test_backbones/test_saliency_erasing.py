import numpy as np
import pytest
import torch
from torch import nn

from mmctl.models.backbones import ClipBackbone, SaliencyErasing
from mmctl.models.layers import SaliencyBoosting
from tests.random_state import normal, randomize
from tests.references import zoo


class Place(nn.Module):
    """A block that sees one place: its result is known by a product."""

    def __init__(self, channels, out):
        super().__init__()
        self.in_channels, self.out_channels = channels, out
        self.weight = nn.Parameter(torch.zeros(out, channels))

    def forward(self, maps):
        return torch.einsum("oc,bchw->bohw", self.weight, maps)


def build():
    stage = nn.Sequential(Place(3, 4), Place(4, 4), Place(4, 5))
    tail = SaliencyErasing(stage)
    return randomize(nn.ModuleList([stage, tail]).double()).eval()


def learn(maps, logits, erased, tail, weights):
    rest = zoo.mean_of_the_rest(maps, logits, erased)
    weight = tail.restore.weight.detach().numpy()[:, :, 0, 0]
    added = weight @ rest + tail.restore.bias.detach().numpy()
    norm = tail.norm
    scale = norm.weight.detach().numpy() / np.sqrt(norm.running_var.numpy() + norm.eps)
    added = (added - norm.running_mean.numpy()) * scale + norm.bias.detach().numpy()
    kept = maps.copy()
    kept[:, sorted(erased)] = 0
    out = kept + added[:, None, None]
    for own in weights:
        out = np.einsum("oc,chw->ohw", own, out)
    return out


def test_pairs_of_frames_equal_the_loops():
    stage, tail = build()
    clips = normal(2, 4, 3, 6, 2)
    with torch.no_grad():
        made = tail(clips, stage)
    one, two, last = (block.weight.detach().numpy() for block in stage)
    second = tail.learner.weight.detach().numpy()
    correlate = tail.correlate.weight.detach().numpy()[:, :, 0, 0]
    for b in range(2):
        for pair in range(2):
            first_frame, second_frame = clips[b, 2 * pair].numpy(), clips[b, 2 * pair + 1].numpy()
            first = learn(first_frame, np.zeros((6, 2)), set(), tail, [one, two, last])
            np.testing.assert_allclose(made["first"][b, pair], first)
            asked = correlate @ first.mean(axis=(1, 2))
            alike = np.einsum("c,chw->hw", asked, second_frame) / np.sqrt(3)
            erased = zoo.erased_rows(alike, 3)
            seen = learn(second_frame, alike, erased, tail, [one, two, second])
            np.testing.assert_allclose(made["second"][b, pair], seen)


def test_the_second_frame_teaches_nothing_to_the_first():
    stage, tail = build()
    clips = normal(1, 2, 3, 6, 2).requires_grad_()
    tail(clips, stage)["second"].sum().backward()
    # Only where the second learner looks comes from the first frame, and that has no gradient.
    assert not clips.grad[0, 0].any()
    assert tail.correlate.weight.grad.abs().sum() > 0


def test_an_odd_number_of_frames_is_refused():
    stage, tail = build()
    with pytest.raises(ValueError, match=r"even number of frames, .* got 3"):
        tail(normal(1, 3, 3, 6, 2), stage)


def test_the_second_learner_starts_as_the_first_once_weights_were_loaded():
    net = {"type": "mmpretrain.ResNet", "depth": 50, "stem_channels": 8, "base_channels": 8}
    backbone = ClipBackbone(net, tail={"type": "mmctl.SaliencyErasing"})
    backbone.init_weights()
    theirs = backbone.backbone.layer4[2].state_dict()
    for name, value in backbone.tail.learner.state_dict().items():
        assert torch.equal(value, theirs[name])
    maps = backbone(normal(4, 3, 128, 64, dtype=torch.float32), 2)[-1]
    # The last stage has stride 2 here: 128 x 64 becomes 4 x 2.
    shapes = {name: tuple(own.shape) for name, own in maps.items()}
    assert shapes == {"first": (2, 1, 256, 4, 2), "second": (2, 1, 256, 4, 2)}


def test_boosting_adds_what_the_others_show():
    block = SaliencyBoosting(4).double().eval()
    clips = normal(2, 3, 4, 5, 2)
    torch.testing.assert_close(block(clips), clips)
    randomize(block)
    norm = block.norm
    made = block(clips).detach().numpy()
    weight = block.output.weight.detach().numpy()[:, :, 0, 0]
    scale = norm.weight.detach().numpy() / np.sqrt(1 + norm.eps)
    for clip, own in zip(clips.numpy(), made, strict=True):
        weights = zoo.boost_weights(clip, 5.0)
        for t in range(3):
            found = np.einsum("shw,schw->c", weights[t], clip)
            added = weight @ found + block.output.bias.detach().numpy()
            added = added * scale + norm.bias.detach().numpy()
            np.testing.assert_allclose(own[t], clip[t] + added[:, None, None])
