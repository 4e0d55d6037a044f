"""Estimators with random weights and checkpoints in the form in which mmpose publishes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

COCO = "mmpose::body_2d_keypoint/topdown_heatmap/coco/"
HRNET_W32 = f"{COCO}td-hm_hrnet-w32_8xb64-210e_coco-256x192.py"
VITPOSE = f"{COCO}td-hm_ViTPose-small_8xb64-210e_coco-256x192.py"


def stage(*channels: int, block: str = "BASIC") -> dict[str, Any]:
    return {
        "num_modules": 1,
        "num_branches": len(channels),
        "block": block,
        "num_blocks": (1,) * len(channels),
        "num_channels": channels,
    }


SMALL_HRNET = {
    "stage1": stage(4, block="BOTTLENECK"),
    "stage2": stage(4, 5),
    "stage3": stage(4, 5, 6),
    "stage4": stage(4, 5, 6, 7),
}
"""Stages of an HRNet with a few channels."""

OURS = {"type": "HRNetHeatmaps", "arch": SMALL_HRNET}

MMPOSE = {
    "type": "TopdownPoseEstimator",
    "data_preprocessor": {
        "type": "PoseDataPreprocessor",
        "mean": [123.675, 116.28, 103.53],
        "std": [58.395, 57.12, 57.375],
        "bgr_to_rgb": True,
    },
    "backbone": {"type": "HRNet", "in_channels": 3, "extra": SMALL_HRNET},
    "head": {
        "type": "HeatmapHead",
        "in_channels": 4,
        "out_channels": 17,
        "deconv_out_channels": None,
        "loss": {"type": "KeypointMSELoss", "use_target_weight": True},
    },
    "test_cfg": {"flip_test": True, "flip_mode": "heatmap", "shift_heatmap": True},
}
"""The same as a model of mmpose, its types without scope."""


def randomize_estimator(model: nn.Module, seed: int = 0) -> nn.Module:
    """Fill an estimator with weights and statistics of batch norm as a trained one has them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(tensor: Tensor, low: float, high: float) -> None:
        tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=generator))

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                draw(module.weight, 0.6, 1.2)
                draw(module.bias, -0.3, 0.3)
                draw(module.running_mean, -0.3, 0.3)
                draw(module.running_var, 0.5, 1.5)
                module.num_batches_tracked += 7
            elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                spread = (3 / module.weight[0].numel()) ** 0.5
                draw(module.weight, -spread, spread)
                if module.bias is not None:
                    draw(module.bias, -0.3, 0.3)
    return model


def save_published(model: nn.Module, path: Path, **changes: Any) -> str:
    """Write a checkpoint as mmpose publishes them: weights and a little about their origin."""
    state = {**model.state_dict(), **changes}
    torch.save({"meta": {"epoch": 210}, "state_dict": state}, path)
    return str(path)


def random_frames(count: int = 3, height: int = 64, width: int = 32, seed: int = 0) -> Tensor:
    """Return frames of whole numbers in 0 .. 255, RGB, (M, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, height, width), generator=generator).float()
