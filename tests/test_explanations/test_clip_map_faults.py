"""Layers, targets and settings that clip maps cannot be made of: named in one line."""

from __future__ import annotations

import re

import pytest
from torch import nn

from mmctl.explanations import (
    CamSettings,
    compute_terms,
    identity_target,
    map_clips,
    similarity_target,
)
from mmctl.explanations.part_names import find_part, part_names
from tests.test_explanations.mapped_clips import Toy, map_similarity
from tests.test_explanations.small_models import build, make_clips


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("backbone.layer9", r"layer 'backbone\.layer9' must be one .* like it are backbone\.layer"),
        ("bakbone", "like it are backbone"),
        ("graph_head.layers.s1.0", "lies behind the pooling: take one of the backbone"),
        ("head", "lies behind the pooling"),
    ],
)
def test_a_layer_that_cannot_be_mapped_is_named(layer, message):
    with pytest.raises(ValueError, match=message):
        map_similarity(build(), layers=[layer])


def test_a_layer_that_leads_nowhere_has_no_gradient():
    class Aside(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.aside = nn.Conv2d(3, 8, 1)

        def forward(self, frames):
            self.aside(frames)
            return super().forward(frames)

    model = build("baseline")
    model.backbone = Aside()
    with pytest.raises(ValueError, match=r"no gradient reaches layer 'backbone\.aside'"):
        map_similarity(model, layers=["backbone.aside"])


def test_a_layer_without_places_is_refused():
    class Flat(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.flat = nn.Linear(16, 16)

        def forward(self, frames):
            (maps,) = super().forward(frames)
            return (maps * self.flat(maps.mean(dim=(2, 3)))[..., None, None],)

    model = build("baseline")
    model.backbone = Flat()
    with pytest.raises(ValueError, match=r"must give a map .* got \(6, 16\)"):
        map_similarity(model, layers=["backbone.flat"])


def test_a_tracklet_is_not_compared_with_itself():
    model, clips = build(), make_clips()
    target = similarity_target(model, compute_terms(model, clips))
    with pytest.raises(ValueError, match="is a tracklet compared with itself"):
        map_clips(model, clips, target)


def test_targets_that_do_not_exist_are_named():
    model, plain = build(), build("baseline")
    with pytest.raises(ValueError, match="from 0 to 2, got 3"):
        identity_target(model, 3)
    without = build(neck="none", losses={"identity": None})
    with pytest.raises(ValueError, match="needs a model with classifiers"):
        identity_target(without, 0)
    with pytest.raises(ValueError, match=r"part 'left arm' needs a model with body parts"):
        find_part(plain, "left arm")
    with pytest.raises(ValueError, match="did you mean 'left arm'"):
        find_part(model, "left_arm")
    with pytest.raises(ValueError, match="index from 0 to 4, got 5"):
        find_part(model, 5)
    assert find_part(model, "Global") == 5
    assert part_names(model)[:2] == ["trunk", "left arm"]
    with pytest.raises(ValueError, match=r"a VideoReID with a FusionHead.*got a Toy"):
        compute_terms(Toy(), make_clips())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "EigenCAM"}, "method must be one of GradCAM"),
        ({"per": "pixel"}, "per must be one of clip, frame"),
        ({"num_extra_tokens": -1}, "num_extra_tokens must be 0 or more"),
    ],
)
def test_settings_that_do_not_exist_are_named(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        CamSettings(**settings)


def test_a_model_that_reads_keypoints_needs_them():
    clips = make_clips()
    del clips.sample.keypoints
    with pytest.raises(ValueError, match="stored keypoints, but the samples have none"):
        compute_terms(build(), clips)


def test_a_feature_of_two_branches_is_no_sum():
    model = build(test_branches=("sum", "concat"))
    with pytest.raises(ValueError, match="one sum, but this model retrieves with sum and concat"):
        map_similarity(model)


def test_damaged_weights_are_named():
    model = build("baseline")
    model.backbone.conv1.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"features of drawn 0 must be finite"):
        map_similarity(model)
