"""Small models and clips whose explanations can be worked out on another way."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from mmctl.apis.model_zoo import build_model
from mmctl.engine import read_config
from mmctl.explanations import TrackletClips
from mmctl.structures import TrackletSample
from tests.conftest import ROOT

CHANNELS = 16
SIZE = (33, 17)
"""Odd, so that strides of 2 treat both sides alike: a symmetric network is then equivariant."""

BACKBONES = {
    "resnet": {
        "type": "mmpretrain.ResNet",
        "depth": 18,
        "base_channels": 8,
        "stem_channels": 8,
        "out_indices": (1,),
        "num_stages": 2,
        "strides": (1, 2),
        "dilations": (1, 1),
    },
    "vit": {
        "type": "mmpretrain.VisionTransformer",
        "arch": {
            "embed_dims": CHANNELS,
            "num_layers": 2,
            "num_heads": 2,
            "feedforward_channels": 32,
        },
        "img_size": (32, 16),
        "patch_size": 4,
        "out_type": "featmap",
    },
    "swin": {
        "type": "mmpretrain.SwinTransformer",
        "arch": {"embed_dims": 8, "depths": [2, 2], "num_heads": [1, 2]},
        "img_size": (32, 16),
        "patch_size": 2,
        "window_size": 2,
        "out_indices": (1,),
    },
}


def build(name: str = "ctl", backbone: str = "resnet", **head) -> nn.Module:
    """Return CTL or the baseline of 16 channels with random weights and statistics."""
    cfg = read_config(ROOT / f"configs/quickstart/{name}_r18_quickstart.py")
    cfg.model.backbone = BACKBONES[backbone]
    cfg.model.head.update(channels=CHANNELS, num_classes=3, **head)
    if name == "ctl":
        cfg.model.graph_head.update(channels=CHANNELS)
        cfg.model.graph_head.cross_scale.dim = 8
    torch.manual_seed(5)
    model = build_model(cfg)
    for key, value in model.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif key.endswith(("running_mean", "mask")):
            value.normal_(0, 0.2)
    return model.eval()


def make_clips(
    seed: int = 0, num_clips: int = 2, num_frames: int = 3, size: tuple[int, int] = SIZE
) -> TrackletClips:
    """Return a drawn tracklet with keypoints; the first clip weighs more than the others."""
    generator = torch.Generator().manual_seed(seed)
    shape = (num_clips, num_frames)
    inputs = torch.randint(0, 256, (*shape, 3, *size), generator=generator).to(torch.uint8)
    keypoints = torch.rand(*shape, 17, 3, generator=generator)
    keypoints[..., 0] *= size[1] - 1
    keypoints[..., 1] *= size[0] - 1
    weights = torch.full((num_clips,), float(max(1, num_frames - 1)))
    weights[0] = num_frames
    sample = TrackletSample(keypoints=keypoints, clip_weights=weights)
    frames = np.arange(num_clips * num_frames).reshape(num_frames, num_clips).T.copy()
    return TrackletClips(f"drawn {seed}", inputs, sample, frames)


def mirror(clips: TrackletClips) -> TrackletClips:
    """Return the clips seen in a mirror, each joint under its own name."""
    keypoints = clips.sample.keypoints.clone()
    keypoints[..., 0] = clips.inputs.shape[-1] - 1 - keypoints[..., 0]
    sample = TrackletSample(keypoints=keypoints, clip_weights=clips.sample.clip_weights)
    return TrackletClips(clips.name, clips.inputs.flip(-1), sample, clips.frames)
