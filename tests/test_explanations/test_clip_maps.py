"""Grad-CAM of clips: equal to another way of working it out, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmctl.explanations import (
    TrackletClips,
    compute_terms,
    feature_target,
    identity_target,
    map_clips,
    similarity_target,
)
from mmctl.explanations.part_names import find_part
from mmctl.models.pose.heatmap_source import make_heatmaps
from tests.references import explanations as reference
from tests.test_explanations.mapped_clips import Toy, map_similarity, other_terms
from tests.test_explanations.small_models import build, make_clips, mirror


def features_behind(model, maps, clips):
    """Return the tracklet's feature from the backbone's maps, (M * T, C, h, w), step by step."""
    num_frames = clips.inputs.shape[1]
    frames = clips.inputs.flatten(0, 1) / 256
    nodes = model.neck(maps, None, num_frames)[0]
    if model.pose is None:
        per_clip = nodes.mean(dim=1)
    else:
        joints = make_heatmaps(model.pose, model.data_preprocessor, frames, clips.sample.keypoints)
        whole, scales = model.neck(maps, joints, num_frames)
        per_clip = (model.graph_head(scales).sum(dim=2) + whole).mean(dim=1)
    weights = clips.sample.clip_weights / clips.sample.clip_weights.sum()
    return sum(weight * feature for weight, feature in zip(weights, per_clip, strict=True))


@pytest.mark.parametrize("per", ["clip", "frame"])
@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_maps_equal_a_loop_over_one_gradient_of_all_clips(name, per):
    model, clips = build(name), make_clips()
    with torch.no_grad():
        leaf = model.backbone(clips.inputs.flatten(0, 1) / 256)[-1]
    leaf.requires_grad_()
    against = other_terms(model).values.sum(dim=(0, 1, 2))
    similarity = F.cosine_similarity(features_behind(model, leaf, clips), against, dim=0)
    (slopes,) = torch.autograd.grad(similarity, leaf)
    split = [t.detach().double().unflatten(0, (2, 3)).numpy() for t in (leaf, slopes)]
    expected = reference.grad_cam(*split, per=per)
    (found,) = map_similarity(model, per=per)
    assert found.value == pytest.approx(similarity.item(), abs=1e-6)
    assert found.maps.shape == expected.shape
    assert expected.max() > 0
    assert np.abs(found.maps - expected).max() < 1e-4 * expected.max()


def test_the_gradient_is_that_of_the_target_place_by_place():
    # Finite differences of the similarity, in float32: steps are wide and the tolerance, too.
    model, clips = build(), make_clips()
    target = similarity_target(model, other_terms(model))
    change = torch.zeros(2 * 3, 16, 5, 3)
    handle = model.backbone.register_forward_hook(lambda m, i, out: (out[-1] + change,))
    try:
        slopes = slopes_of(model, clips, target)
        for place in ((0, 3, 2, 1), (4, 7, 0, 2)):
            values = []
            for step in (0.05, -0.05):
                change[place] = step
                values.append(float(target(compute_terms(model, clips).total())))
                change[place] = 0
            slope = (values[0] - values[1]) / 0.1
            assert float(slopes[place]) == pytest.approx(slope, rel=0.05, abs=2e-6)
    finally:
        handle.remove()


def slopes_of(model, clips, target):
    """Return the gradient that the maps are made of, (M * T, C, h, w)."""
    kept = {}
    original = torch.autograd.grad

    def grad(outputs, inputs, **options):
        slopes = original(outputs, inputs, **options)
        if options.get("allow_unused"):
            kept["slope"] = slopes[0]
        return slopes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.autograd, "grad", grad)
        map_clips(model, clips, target)
    return kept["slope"]


def test_a_layer_before_a_rectifier_that_writes_in_place_has_its_own_output():
    model = build("baseline")
    block = model.backbone.layer2[1]
    clips = make_clips()
    seen = {}
    handle = block.bn2.register_forward_hook(lambda m, i, out: seen.update(bn2=out.clone()))
    with torch.no_grad():
        model.backbone(clips.inputs.flatten(0, 1) / 256)
    handle.remove()
    assert (seen["bn2"] < 0).any()
    kept = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "mmctl.explanations.clip_maps.grad_cam",
            lambda kept_map, slope, **_: kept.update(a=kept_map, g=slope) or kept_map.sum(2),
        )
        map_similarity(model, layers=["backbone.layer2.1.bn2"])
    assert torch.allclose(kept["a"].flatten(0, 1), seen["bn2"])
    # Where the block's output is 0 behind its rectifier, nothing can flow back.
    with torch.no_grad():
        (output,) = model.backbone(clips.inputs.flatten(0, 1) / 256)
    blocked = (output == 0).unflatten(0, (2, 3))
    assert blocked.any()
    assert (kept["g"][blocked] == 0).all()
    assert (kept["g"][~blocked] != 0).any()


def test_chunks_do_not_change_the_maps_of_a_long_tracklet():
    model, clips = build(), make_clips(num_clips=5)
    (whole,) = map_similarity(model, clips)
    (pieces,) = map_similarity(model, clips, frames_per_chunk=3)
    assert whole.maps.shape[:2] == (5, 3)
    assert np.abs(whole.maps - pieces.maps).max() < 1e-5 * whole.maps.max()


def test_one_frame_is_enough():
    (found,) = map_similarity(build(), make_clips(num_clips=1, num_frames=1))
    assert found.maps.shape == (1, 1, 5, 3)
    assert np.isfinite(found.maps).all()


def test_the_shares_of_all_parts_add_up_to_the_similarity():
    model, clips = build(), make_clips()
    other, own = other_terms(model), compute_terms(model, clips)
    for reading in ("before", "after"):
        whole = float(similarity_target(model, other, reading=reading)(own.total()))
        parts = [similarity_target(model, other, n, reading)(own.total()) for n in range(6)]
        constant = whole - float(sum(parts))
        assert abs(constant) < 1e-12 if reading == "before" else abs(constant) > 1e-3
    length = feature_target(model)(own.total())
    assert float(length) == pytest.approx(float(own.total().sum(dim=0).norm()))
    assert float(sum(feature_target(model, n)(own.total()) for n in range(6))) == pytest.approx(
        float(length)
    )
    (found,) = map_clips(model, clips, feature_target(model, find_part(model, "left arm")))
    assert found.value == pytest.approx(float(feature_target(model, 1)(own.total())))


@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_the_logit_of_an_identity_is_that_of_the_classifier(name):
    model, clips = build(name), make_clips()
    feature = compute_terms(model, clips).total().sum(dim=0, keepdim=True).float()
    branch = model.head.test_branch
    with torch.no_grad():
        logits = model.head.classifiers[branch](model.head.necks[branch](feature))
    (found,) = map_clips(model, clips, identity_target(model, 2))
    assert found.value == pytest.approx(float(logits[0, 2]), abs=1e-5)


def symmetrical(model):
    """Let every kernel see left and right alike."""
    for module in model.backbone.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = (module.weight.data + module.weight.data.flip(-1)) / 2
    return model


@pytest.mark.parametrize("name", ["ctl", "baseline"])
@pytest.mark.parametrize("is_toy", [True, False])
def test_a_flipped_clip_gives_flipped_maps(name, is_toy):
    model = build(name)
    if is_toy:
        model.backbone = Toy()
    symmetrical(model)
    clips, target = make_clips(), similarity_target(model, other_terms(model))
    largest = 0.0
    for sign in (1, -1):  # what speaks for it and what against it
        (straight,), (flipped,) = (
            map_clips(model, given, lambda terms, sign=sign: sign * target(terms))
            for given in (clips, mirror(clips))
        )
        scale = straight.maps.max()
        largest = max(largest, scale)
        # A saturated softmax of the graphs makes much of the last bits of a keypoint.
        assert np.abs(straight.maps - flipped.maps[..., ::-1]).max() <= 0.05 * scale
        assert np.abs(straight.maps - flipped.maps).max() >= 0.1 * scale
    assert largest > 0


def test_an_even_width_flips_within_the_shift_of_its_strides():
    model, size = symmetrical(build("baseline")), (32, 16)
    smooth = make_clips(size=(8, 4))
    frames = F.interpolate(smooth.inputs.flatten(0, 1).float(), size, mode="bilinear")
    inputs = frames.to(torch.uint8).unflatten(0, (2, 3))
    clips = TrackletClips("smooth", inputs, smooth.sample, smooth.frames)
    (straight,), (flipped,) = (map_similarity(model, c) for c in (clips, mirror(clips)))
    pair = np.stack([straight.maps.ravel(), flipped.maps[..., ::-1].ravel()])
    assert np.corrcoef(pair)[0, 1] > 0.7


def state_of(model):
    return (
        {name: value.clone() for name, value in model.state_dict().items()},
        [module.training for module in model.modules()],
        [parameter.requires_grad for parameter in model.parameters()],
        [len(module._forward_hooks) for module in model.modules()],
    )


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails):
    model = build().train()
    for parameter in model.backbone.layer1.parameters():
        parameter.requires_grad_(False)
    before = state_of(model)
    layers = ["backbone.layer1", "backbone.none" if fails else "backbone.layer2"]
    if fails:
        model.backbone.none = nn.Conv2d(8, 8, 1)
        before = state_of(model)
        with pytest.raises(ValueError, match="never calls it"):
            map_similarity(model, layers=layers)
    else:
        map_similarity(model, layers=layers)
    after = state_of(model)
    assert all(torch.equal(value, after[0][name]) for name, value in before[0].items())
    assert before[1:] == after[1:]
    assert set(after[3]) == {0}
    assert all(parameter.grad is None for parameter in model.parameters())


def test_neither_mode_nor_frozen_parameters_nor_what_is_around_change_the_maps():
    model = build()
    layers = ("backbone.layer1", "backbone")
    expected = map_similarity(model, layers=layers)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = map_similarity(model.train(), layers=layers)
    for one, other in zip(expected, found, strict=True):
        assert one.layer == other.layer
        assert np.array_equal(one.maps, other.maps)


def test_tokens_of_a_vision_transformer_are_its_map():
    model, clips = build("baseline", "vit"), make_clips(size=(32, 16))
    tokens, whole, inner = map_similarity(
        model, clips, layers=["backbone.ln1", "backbone", "backbone.layers.0"]
    )
    assert whole.maps.shape == inner.maps.shape == (2, 3, 8, 4)
    assert np.abs(tokens.maps - whole.maps).max() < 1e-5 * whole.maps.max()
    with pytest.raises(ValueError, match="33 tokens less 2 without a place do not"):
        map_similarity(model, clips, layers=["backbone.ln1"], num_extra_tokens=2)


def test_tokens_of_a_swin_transformer_are_its_map():
    model, clips = build("baseline", "swin"), make_clips(size=(32, 16))
    tokens, whole = map_similarity(model, clips, layers=["backbone.norm1", "backbone"])
    assert whole.maps.shape == (2, 3, 8, 4)
    assert np.abs(tokens.maps - whole.maps).max() < 1e-5 * whole.maps.max()


def test_frames_in_time_order_have_the_mean_of_their_maps():
    model, clips = build("baseline"), make_clips()
    filled = np.array([[0, 2, 4], [1, 3, 3]])
    again = TrackletClips("filled", clips.inputs, clips.sample, filled)
    (found,) = map_similarity(model, again)
    numbers, maps = found.in_time_order()
    assert numbers.tolist() == [0, 1, 2, 3, 4]
    assert np.allclose(maps[2], found.maps[0, 1])
    assert np.allclose(maps[3], (found.maps[1, 1] + found.maps[1, 2]) / 2)
