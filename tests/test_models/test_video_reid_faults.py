"""Parts, modes and samples that do not fit the model: named, with the way out."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from mmctl.registry import MODELS
from tests.test_models.small_video_reid import (
    BACKBONE,
    BASELINE,
    CTL,
    SIZE,
    T,
    build,
    make_batch,
    make_tracklet,
    training_batch,
)


@pytest.mark.parametrize("key", ["pose", "graph_head"])
def test_pose_and_graphs_come_together(key):
    with pytest.raises(ValueError, match="pose and graph_head must be given together"):
        MODELS.build({**copy.deepcopy(BASELINE), key: copy.deepcopy(CTL[key])})


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="mode must be 'loss', 'predict' or 'tensor', got 'train'"):
        build("baseline")(torch.zeros(1, T, 3, *SIZE), mode="train")


@pytest.mark.parametrize("mode", ["loss", "predict", "tensor"])
def test_missing_keypoints_are_an_error_in_every_mode(mode):
    model = build().eval()
    data = model.data_preprocessor(training_batch())
    del data["data_samples"][1].keypoints
    with pytest.raises(
        ValueError, match="the samples have none: give the data set a keypoint_file"
    ):
        model(**data, mode=mode)


DISAGREEING = {
    "body": (
        {"graph_head": {**CTL["graph_head"], "body": "disjoint"}},
        "graph_head.body must be that of PosePartNeck",
    ),
    "channels": (
        {"graph_head": {**CTL["graph_head"], "channels": 16}},
        "graph_head.channels must be that of FusionHead, .* got 16 and 64",
    ),
    "scales": (
        {"neck": {**CTL["neck"], "scales": ("s1", "s3")}},
        r"neck.scales must hold those of graph_head.scales, got \('s1', 's3'\) without \['s2'\]",
    ),
    "chunk": ({"frames_per_chunk": 0}, "frames_per_chunk must be at least 1, got 0"),
}


@pytest.mark.parametrize(("changes", "message"), DISAGREEING.values(), ids=DISAGREEING)
def test_parts_that_disagree_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(copy.deepcopy({**CTL, **changes}))


def test_another_width_of_the_backbone_is_named_when_the_model_is_built():
    with pytest.raises(ValueError, match="those of the backbone's last map, 128, got 64"):
        MODELS.build(copy.deepcopy({**CTL, "backbone": {**BACKBONE, "base_channels": 16}}))


def test_another_width_at_a_batch_is_named():
    model = build()
    model.backbone = MODELS.build({**BACKBONE, "base_channels": 16})
    with pytest.raises(ValueError, match="those of the backbone's last map, 128, got 64"):
        model(**model.data_preprocessor(training_batch()), mode="loss")


@pytest.mark.parametrize(
    ("outputs", "given"),
    [
        (lambda x: (x.mean(dim=(2, 3)),), r"as last item a Tensor of shape \(\d+, 3\)"),
        (lambda x: (x.flatten(2).mT,), r"as last item a Tensor of shape \(\d+, \d+, 3\)"),
        (lambda x: x, r"got a Tensor of shape \(\d+, 3, "),
        (lambda x: {"map": x}, "got a dict"),
        (lambda x: ((x, x.mean(dim=(2, 3))),), "as last item a tuple"),
        (lambda _: (), "got a tuple"),
    ],
)
def test_a_backbone_without_a_map_is_named_with_the_way_out(outputs, given):
    model = build("baseline")
    model.backbone = nn.Identity()
    model.backbone.forward = outputs
    text = (
        rf"the backbone Identity must return .* feature map .*{given}.*gap_before_final_norm=False"
    )
    with pytest.raises(ValueError, match=rf"{text}.*out_type='featmap'"):
        model(**model.data_preprocessor(training_batch()), mode="loss")


@pytest.mark.parametrize("mode", ["loss", "predict"])
def test_modes_that_need_samples_say_so(mode):
    with pytest.raises(ValueError, match="needs one data sample per tracklet, got none"):
        build("baseline")(torch.zeros(1, T, 3, *SIZE), mode=mode)


def test_several_clips_of_a_training_tracklet_are_refused():
    data = training_batch()
    data["inputs"] = [torch.cat([clips, clips]) for clips in data["inputs"]]
    model = build("baseline")
    with pytest.raises(ValueError, match="one clip per tracklet, because each has one label, got"):
        model(**model.data_preprocessor(data), mode="loss")


def test_a_loss_without_labels_says_so():
    data = training_batch()
    del data["data_samples"][0].gt_label
    model = build("baseline")
    with pytest.raises(ValueError, match="gt_label in every sample"):
        model(**model.data_preprocessor(data), mode="loss")


def test_weights_that_do_not_fit_the_clips_are_refused():
    model = build("baseline").eval()
    data = make_batch(make_tracklet(2, 0))
    data["data_samples"][0].clip_weights = torch.ones(3)
    with pytest.raises(ValueError, match="as many as the clips, 2, got 3"):
        model.test_step(data)
