"""Grad-CAM and its kin, against loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmctl.functional.grad_cam import add_channels, grad_cam, scale_to_largest, weigh_channels
from tests.references import explanations as reference

SHAPE = (2, 3, 5, 4, 2)


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(1)
    return tuple(torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize("per", ["clip", "frame"])
def test_it_equals_a_loop(pair, per):
    found = grad_cam(*pair, per=per)
    expected = reference.grad_cam(*(t.numpy() for t in pair), per=per)
    assert found.shape == (2, 3, 4, 2)
    assert np.abs(found.numpy() - expected).max() < 1e-12
    assert (expected == 0).any()
    assert (expected > 0).any()


@pytest.mark.parametrize(
    ("method", "loop"), [("LayerCAM", reference.layer_cam), ("XGradCAM", reference.x_grad_cam)]
)
def test_its_kin_equal_loops(pair, method, loop):
    found = grad_cam(*pair, method=method)
    assert np.abs(found.numpy() - loop(*(t.numpy() for t in pair))).max() < 1e-12


def test_a_worked_example():
    # Two channels of one frame with two places: A = [[1, 2], [3, 4]], G = [[2, 0], [-1, -1]].
    # Means: 1 and -1. Places: 1 - 3 = -2 -> 0 and 2 - 4 = -2 -> 0; with A_2 halved: -.5 -> 0, 0.
    activations = torch.tensor([[1.0, 2.0], [0.5, 1.0]]).view(1, 1, 2, 1, 2)
    gradients = torch.tensor([[2.0, 0.0], [-1.0, -1.0]]).view(1, 1, 2, 1, 2)
    assert grad_cam(activations, gradients).flatten().tolist() == [0.5, 1.0]
    assert grad_cam(activations, -gradients).flatten().tolist() == [0.0, 0.0]


def test_the_frames_of_a_clip_share_their_weights(pair):
    activations, gradients = pair
    same = activations[:, :1].expand(SHAPE)
    clip = grad_cam(same, gradients)
    assert torch.equal(clip[:, 0], clip[:, 2])
    frame = grad_cam(same, gradients, per="frame")
    assert not torch.equal(frame[:, 0], frame[:, 2])


def test_clips_do_not_mix(pair):
    activations, gradients = pair
    alone = grad_cam(activations[1:], gradients[1:])
    assert torch.allclose(grad_cam(activations, gradients)[1:], alone)


def test_maps_of_added_targets_add_up_before_they_are_rectified(pair):
    activations, gradients = pair
    more = gradients.flip(1)
    parts = [add_channels(weigh_channels(activations, g)) for g in (gradients, more)]
    whole = add_channels(weigh_channels(activations, gradients + more))
    assert torch.allclose(sum(parts), whole)


def test_the_principal_component_agrees_with_the_sum(pair):
    weighted = weigh_channels(*pair)
    found = add_channels(weighted, eigen=True)
    for clip, one in zip(weighted, found, strict=True):
        places = clip.movedim(1, -1).flatten(0, 2).numpy()
        centred = places - places.mean(axis=0)
        values, vectors = np.linalg.eigh(centred.T @ centred)
        projected = centred @ vectors[:, values.argmax()]
        assert np.abs(np.abs(one.flatten().numpy()) - np.abs(projected)).max() < 1e-9
        assert np.corrcoef(one.flatten().numpy(), places.sum(axis=1))[0, 1] > 0


def test_a_silent_channel_makes_no_nan():
    silent = torch.zeros(1, 1, 1, 2, 2)
    found = grad_cam(silent, torch.ones_like(silent), method="XGradCAM")
    assert found.tolist() == silent[:, :, 0].tolist()


def test_maps_of_a_tracklet_have_one_scale():
    maps = torch.tensor([[[1.0, 0.0]], [[0.5, 2.0]]])
    assert scale_to_largest(maps).tolist() == [[[0.5, 0.0]], [[0.25, 1.0]]]
    assert scale_to_largest(torch.zeros(2, 2)).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"method": "GradCAM++"}, "method must be one of GradCAM, XGradCAM, LayerCAM, got"),
        ({"per": "pixel"}, "per must be one of clip, frame, got 'pixel'"),
    ],
)
def test_unknown_choices_are_named(pair, choice, message):
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        grad_cam(*pair, **choice)
