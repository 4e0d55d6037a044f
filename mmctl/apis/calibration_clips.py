"""Clips of real tracklets, from which the ranges of an int8 graph are taken."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmctl.apis.inference.read_inputs import InputOptions, Inputs
from mmctl.apis.tracklet_inferencer import TrackletInferencer
from mmctl.models.pose import FrozenPoseEstimator

CLIPS = 64
BATCH = 4


def load_calibration(
    inferencer: TrackletInferencer, inputs: Any, num_clips: int = CLIPS, keypoints: Any = None
) -> list[list[np.ndarray]]:
    """Load clips as the graph will meet them, one of each tracklet.

    Args:
        inferencer: Of the model that is exported.
        inputs: Any of the kinds of docs/en/inference.md.
        num_clips: Most clips.
        keypoints: What the call of an inferencer takes.

    Returns:
        Batches of frames (B, T, 3, H, W) and of what goes with them, (B, T, ...).

    Raises:
        ValueError: If something is wrong with the inputs, or there is none.
    """
    options = InputOptions(inferencer.reads, keypoints=keypoints)
    clips = list(islice(_load(inferencer, Inputs(inputs, options)), num_clips))
    if not clips:
        raise ValueError("int8 needs at least one tracklet to take ranges from, got none")
    batches = []
    for start in range(0, len(clips), BATCH):
        frames, stored = zip(*clips[start : start + BATCH], strict=True)
        batch = [np.stack([clip.numpy() for clip in frames])]
        if stored[0] is not None:
            batch.append(np.stack([values.numpy() for values in stored]))
        batches.append(batch)
    return batches


def _load(inferencer: TrackletInferencer, inputs: Inputs) -> Iterator[tuple[Tensor, Any]]:
    """Yield the first clip of each tracklet, and the keypoints or heatmaps that go with it."""
    model: Any = inferencer.model
    pose = getattr(model, "pose", None)
    for item in inputs.items():
        loaded = inferencer.pipeline.load(item, 0, 1)
        frames, stored = loaded.inputs[0], None
        if isinstance(pose, FrozenPoseEstimator):
            with torch.no_grad():
                stored = pose(frames.float())
        elif inferencer.reads is not None:
            stored = getattr(loaded.sample, inferencer.reads)[0].float()
        yield frames, stored
