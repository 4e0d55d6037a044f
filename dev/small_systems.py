"""Every config of the zoo as narrow as it can be, for what runs all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmctl.registry import MODELS
from mmctl.structures import TrackletSample

ROOT = Path(__file__).resolve().parents[1] / "configs" / "zoo"
FULL = sorted(path for path in ROOT.rglob("*.py") if path.parent.name != "quickstart")
SMALL = sorted((ROOT / "quickstart").glob("*.py"))
SIZE = (64, 64)
WIDTH, CLASSES = 16, 5
"""Channels of the stem, and people."""


def _architectures(channels: int) -> dict[str, dict[str, Any]]:
    """Return small architectures of other backbones than ResNet, by type."""
    convnext = {"depths": [1, 1, 1, 1], "channels": [8, 16, 32, channels]}
    swin = {"embed_dims": channels // 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1]}
    vit = {"embed_dims": channels, "num_layers": 2, "num_heads": 2, "feedforward_channels": 64}
    return {"ConvNeXt": convnext, "SwinTransformer": swin, "VisionTransformer": vit}


def system_of(path: Path) -> str:
    """Return the name of a config's system."""
    return path.stem.partition("_")[0]


def small_config(path: Path, width: int = WIDTH, size: tuple[int, int] = SIZE) -> Config:
    """Read a config and make its network narrow, its frames small and its people few.

    Args:
        path: The config.
        width: Channels of a ResNet's stem; the last map has 32 times as many.
        size: Height and width of the frames that the network is for.
    """
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    model, full = cfg.model, cfg.model.neck.channels
    net = model.backbone.get("backbone", model.backbone)
    channels = 32 * width
    architecture = _architectures(channels).get(net.type.rpartition(".")[2])
    if architecture is None:
        net.update(base_channels=width, stem_channels=width)
    else:
        net.arch = architecture
        net.update({"img_size": size} if "img_size" in net else {})
    net.init_cfg = None
    high, wide = _size_of_frames(cfg)
    for part in (*model.backbone.get("plugins", ()), *_temporal_of(model.neck)):
        if "map_size" in part:
            rows, columns = part["map_size"]
            part["map_size"] = (round(rows * size[0] / high), round(columns * size[1] / wide))
    model.neck.channels = channels
    widths = {name: channels if w == full else w for name, w in model.head.branches.items()}
    model.head.update(branches=widths, num_classes=CLASSES)
    return cfg


def _size_of_frames(cfg: Config) -> tuple[int, int]:
    return next(step["size"] for step in cfg.train_pipeline if step["type"] == "ResizeClip")


def _temporal_of(neck: Any) -> list[Any]:
    return [branch["temporal"] for branch in neck.branches.values() if "temporal" in branch]


def build(cfg: Config) -> nn.Module:
    """Build the model of a config, always with the same weights."""
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def batch(cfg: Config) -> dict[str, list[Any]]:
    """Return two clips each of two people, with keypoints where a config loads them."""
    steps = {step["type"]: step for step in cfg.train_pipeline}
    num_frames = steps["SampleClip"]["clip_len"]
    generator = torch.Generator().manual_seed(0)
    shape = (4, 1, num_frames, 3, *SIZE)
    clips = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    samples = [TrackletSample(gt_label=label) for label in (0, 0, 1, 1)]
    if "LoadKeypoints" in steps:
        pixels = torch.tensor([SIZE[1], SIZE[0], 1.0])
        for sample in samples:
            sample.keypoints = torch.rand(1, num_frames, 17, 3, generator=generator) * pixels
    return {"inputs": list(clips), "data_samples": samples}
