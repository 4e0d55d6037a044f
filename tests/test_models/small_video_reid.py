"""A narrow CTL, its baseline and tracklets for them, which several tests share."""

from __future__ import annotations

import copy

import torch

from mmctl.registry import MODELS
from mmctl.structures import TrackletSample

SIZE, T, CLASSES = (64, 32), 3, 4
BACKBONE = {
    "type": "mmpretrain.ResNet",
    "depth": 18,
    "stem_channels": 8,
    "base_channels": 8,
    "strides": (1, 2, 2, 1),
}
CHANNELS = 64
CTL = {
    "type": "mmctl.VideoReID",
    "data_preprocessor": {"type": "mmctl.ClipDataPreprocessor"},
    "backbone": BACKBONE,
    "neck": {"type": "mmctl.PosePartNeck"},
    "pose": {"type": "mmctl.KeypointHeatmaps"},
    "graph_head": {
        "type": "mmctl.PartGraphHead",
        "channels": CHANNELS,
        "cross_scale": {"dim": 4, "logit_scale": 0.1},
    },
    "head": {"type": "mmctl.FusionHead", "channels": CHANNELS, "num_classes": CLASSES},
}
BASELINE = {
    **{key: CTL[key] for key in ("type", "data_preprocessor", "backbone", "neck")},
    "head": {**CTL["head"], "num_parts": 0},
}
CONFIGS = {"ctl": CTL, "baseline": BASELINE}


def build(name="ctl", **changes):
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy({**CONFIGS[name], **changes}))
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    # One pass that sets the running statistics: without it all clips look alike in eval mode.
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model(**model.data_preprocessor(training_batch()), mode="loss")
    for norm in norms:
        norm.momentum = 0.1
    return model


def make_tracklet(num_clips, seed, label=0):
    generator = torch.Generator().manual_seed(seed)
    # Patches of 16 pixels: finer noise looks the same to the network in all clips.
    shape = (num_clips, T, 3, SIZE[0] // 16, SIZE[1] // 16)
    patches = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    frames = patches.repeat_interleave(16, dim=3).repeat_interleave(16, dim=4)
    keypoints = torch.rand(num_clips, T, 17, 3, generator=generator)
    keypoints = keypoints * torch.tensor([SIZE[1] - 1.0, SIZE[0] - 1.0, 1.0])
    sample = TrackletSample(pid=10 + label, gt_label=label, camid=1, split="query")
    sample.keypoints = keypoints
    sample.clip_weights = torch.arange(1.0, num_clips + 1)
    return frames, sample


def make_batch(*tracklets):
    inputs, samples = zip(*tracklets, strict=True)
    return {"inputs": list(inputs), "data_samples": [copy.deepcopy(s) for s in samples]}


def training_batch():
    return make_batch(*(make_tracklet(1, seed, label=seed // 2) for seed in range(4)))


TRACKLETS = [make_tracklet(clips, seed) for seed, clips in enumerate((2, 1, 4))]
