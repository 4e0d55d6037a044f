"""An estimator of a few weights, and a data set of a few frames."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.model import BaseModel
from torch import nn

from mmctl.datasets import TrackletDataset
from mmctl.models.pose import FrozenPoseEstimator

NUM_FRAMES = 23
SIZES = ((40, 20), (64, 32), (31, 17))


class TinyHeatmaps(BaseModel):
    """One convolution of stride four."""

    def __init__(self) -> None:
        super().__init__(
            {
                "type": "mmengine.ImgDataPreprocessor",
                "mean": [120.0, 110.0, 100.0],
                "std": [60.0, 55.0, 50.0],
                "bgr_to_rgb": True,
            }
        )
        self.head = nn.Conv2d(3, 17, 4, stride=4)

    def forward(self, inputs, data_samples=None, mode="tensor"):
        return self.head(inputs)


def tiny_estimator(seed: int = 0, **arguments) -> FrozenPoseEstimator:
    """Return a frozen estimator with weights of its own for each seed."""
    from mmctl.registry import MODELS

    if "TinyHeatmaps" not in MODELS.module_dict:
        MODELS.register_module(module=TinyHeatmaps)
    try:
        torch.manual_seed(seed)
        estimator = FrozenPoseEstimator({"type": "TinyHeatmaps"}, **arguments)
    finally:
        MODELS._module_dict.pop("TinyHeatmaps", None)
    return estimator


def write_frames(root: Path, num_frames: int = NUM_FRAMES) -> TrackletDataset:
    """Write pictures of three sizes, listed as two tracklets."""
    generator = np.random.default_rng(5)
    frames = [f"f/{index:03d}.png" for index in range(num_frames)]
    (root / "f").mkdir(parents=True)
    for index, frame in enumerate(frames):
        shape = (*SIZES[index % len(SIZES)], 3)
        cv2.imwrite(str(root / frame), generator.integers(0, 256, shape, dtype=np.uint8))
    tracklets = [
        {"pid": 1, "camid": 1, "split": "train", "frames": frames[:5]},
        {"pid": 2, "camid": 1, "split": "query", "frames": frames[5:]},
    ]
    (root / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    return TrackletDataset(data_root=str(root))


def run_in_child(work: Callable[[], None], num_calls: int | None = None) -> int:
    """Run ``work`` in a forked process that dies at its n-th change of the file system.

    Args:
        work: What to run.
        num_calls: How many changes it makes before it is killed; None: it is not.

    Returns:
        The exit status, negative for a signal.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        if num_calls is not None:
            _limit_calls(num_calls)
        work()
        status = 0
    finally:
        os._exit(status)


def _limit_calls(left: int) -> None:
    def mortal(function: Callable) -> Callable:
        def call(*arguments, **options):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return function(*arguments, **options)

        return call

    for owner, name in (
        *((os, name) for name in ("fsync", "replace", "unlink")),
        *((Path, name) for name in ("unlink", "write_bytes", "mkdir")),
    ):
        setattr(owner, name, mortal(getattr(owner, name)))
