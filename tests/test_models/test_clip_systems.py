"""VideoReID around a backbone that sees clips, and branches."""

from __future__ import annotations

import copy

import pytest
import torch

from mmctl.explanations.undisturbed_model import check_model
from mmctl.registry import MODELS
from mmctl.structures import TrackletSample
from tests.random_state import normal
from tests.test_models.small_video_reid import BACKBONE, CHANNELS, SIZE, T, make_tracklet

SYSTEM = {
    "type": "mmctl.VideoReID",
    "data_preprocessor": {"type": "mmctl.ClipDataPreprocessor"},
    "backbone": {
        "type": "mmctl.ClipBackbone",
        "backbone": BACKBONE,
        "convs": [{"type": "mmctl.TemporalConv", "stage": 3, "blocks": (0,), "registered": True}],
        "tail": {"type": "mmctl.TwinStage", "names": ("one", "two")},
    },
    "neck": {
        "type": "mmctl.BranchNeck",
        "channels": CHANNELS,
        "branches": {name: {"maps": name, "pool": "max"} for name in ("one", "two")},
    },
    "head": {
        "type": "mmctl.BranchHead",
        "branches": {"one": CHANNELS, "two": CHANNELS},
        "num_classes": 4,
        "retrieve": {"normalize_each": True},
    },
}


def build(**changes):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy({**SYSTEM, **changes}))


def losses_and_gradients(model):
    inputs = normal(4, T, 3, *SIZE, dtype=torch.float32)
    samples = [TrackletSample(gt_label=label) for label in (0, 0, 1, 1)]
    terms = model.loss(inputs, samples)
    sum(value for name, value in terms.items() if "loss" in name).backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return terms, gradients


def test_micro_batches_of_named_features_are_the_batch():
    model = build().eval()
    wanted_terms, wanted = losses_and_gradients(model)
    model.micro_batch = 3
    terms, found = losses_and_gradients(model)
    for name in (name for name in wanted_terms if "loss" in name):
        torch.testing.assert_close(terms[name], wanted_terms[name], rtol=1e-4, atol=1e-5)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-4)


def test_a_tracklet_is_the_mean_of_its_clips_with_every_branch_at_length_one():
    model = build().eval()
    frames, sample = make_tracklet(3, seed=1)
    data = model.data_preprocessor({"inputs": [frames], "data_samples": [sample]})
    with torch.no_grad():
        features, _ = model.extract(data["inputs"])
        (made,) = model.predict(data["inputs"], data["data_samples"])
    weights = sample.clip_weights / sample.clip_weights.sum()
    pieces = []
    for name in ("one", "two"):
        norm = model.head.necks[name]
        mean = (weights.unsqueeze(1) * norm(features[name]).detach()).sum(dim=0)
        pieces.append(mean / mean.norm() / 2**0.5)
    torch.testing.assert_close(made.feature, torch.cat(pieces))


def test_head_and_neck_must_have_the_same_branches():
    head = {**SYSTEM["head"], "branches": {"one": CHANNELS, "two": 5}}
    with pytest.raises(ValueError, match=r"must be the branches of a BranchNeck .*'two': 5"):
        build(head=head)
    head = {"type": "mmctl.FusionHead", "channels": CHANNELS, "num_classes": 4, "num_parts": 0}
    with pytest.raises(ValueError, match=r"got None in FusionHead and .* in BranchNeck"):
        build(head=head)


def test_maps_of_another_width_are_refused_before_a_run():
    neck = {**SYSTEM["neck"], "channels": 2 * CHANNELS}
    head = {**SYSTEM["head"], "branches": dict.fromkeys(("one", "two"), 2 * CHANNELS)}
    with pytest.raises(ValueError, match=rf"neck.channels .* last map, {CHANNELS}, got 128"):
        build(neck=neck, head=head)


def test_poses_come_with_a_neck_that_reads_them():
    with pytest.raises(ValueError, match=r"pose with a neck that needs it, .*neck=BranchNeck"):
        build(pose={"type": "mmctl.KeypointStripes", "stripes": (2,)})


def test_explanations_refuse_a_head_of_branches():
    with pytest.raises(ValueError, match=r"need a VideoReID with a FusionHead"):
        check_model(build())
