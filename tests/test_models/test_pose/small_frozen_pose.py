"""A small estimator that is frozen, its weights in a file, and a model around it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from mmengine.model import BaseModel
from torch import Tensor, nn

from mmctl.models import FrozenPoseEstimator
from mmctl.models.pose.pose_estimator import build_estimator
from tests.test_models.test_pose.small_estimators import OURS, randomize_estimator, save_published


def small(seed: int = 0, **arguments: Any) -> FrozenPoseEstimator:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), **arguments)
    randomize_estimator(pose.estimator, seed)
    return pose


def saved_small(folder: Path, seed: int = 0, **changes: Any) -> str:
    model = randomize_estimator(build_estimator(copy.deepcopy(OURS)), seed)
    return save_published(model, folder / f"small-{seed}.pth", **changes)


class Whole(BaseModel):
    """A model around an estimator, with a trained layer."""

    def __init__(self, pose: FrozenPoseEstimator, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.pose = pose
        self.conv = nn.Conv2d(3, 2, 1)
        self.norm = nn.BatchNorm2d(2)

    def forward(self, frames: Tensor) -> Tensor:
        return self.conv(frames).mean() + self.pose(frames).mean()
