"""What each source of heatmaps reads, and how the model hands it over.

A source has a class attribute ``reads``: ``'frames'`` (RGB in 0 .. 255), or the field of the
samples that it takes, ``'keypoints'`` (with the frame's size) or ``'heatmaps'``.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.structures import NUM_KEYPOINTS, TrackletSample

STORED = {
    "keypoints": ("keypoint_file", "LoadKeypoints"),
    "heatmaps": ("heatmap_file", "LoadHeatmaps"),
}
"""Argument of the data set and transform that put each field into the samples."""


def read_by(pose: nn.Module) -> str:
    """Return what a source of heatmaps reads; keypoints where it does not say.

    Raises:
        ValueError: If it is nothing that there is.
    """
    reads = getattr(pose, "reads", "keypoints")
    if reads != "frames" and reads not in STORED:
        raise ValueError(
            f"{type(pose).__name__}.reads must be one of {('frames', *STORED)}, because the model "
            f"has nothing else to give it, got {reads!r}"
        )
    return reads


def stack_stored(
    pose: nn.Module | None, data_samples: list[TrackletSample] | None
) -> Tensor | None:
    """Return what a source reads from the samples of a batch.

    Args:
        pose: Source of heatmaps, or ``None`` for the baseline.
        data_samples: One per tracklet, or ``None``.

    Returns:
        The field of all clips, (B, T, ...), or ``None`` where the source reads frames or a sample
        lacks the field.
    """
    if pose is None or not data_samples:
        return None
    field = read_by(pose)
    if field == "frames" or not all(field in sample for sample in data_samples):
        return None
    return torch.cat([getattr(sample, field) for sample in data_samples])


def make_heatmaps(
    pose: nn.Module, preprocessor: nn.Module, frames: Tensor, stored: Tensor | None
) -> Tensor:
    """Run a source of heatmaps.

    Args:
        pose: Source of heatmaps.
        preprocessor: The model's :class:`ClipDataPreprocessor`, which undoes its normalisation.
        frames: Normalised frames, (B * T, 3, H, W).
        stored: What :func:`stack_stored` gave, (B, T, ...).

    Returns:
        Raw heatmaps, (B * T, 17, h, w).

    Raises:
        ValueError: If the source reads what the samples do not have.
    """
    reads = read_by(pose)
    if reads == "frames":
        return pose(cast(ClipDataPreprocessor, preprocessor).denormalize(frames))
    if stored is None:
        argument, transform = STORED[reads]
        raise ValueError(
            f"the model takes its heatmaps from stored {reads}, but the samples have none: give "
            f"the data set a {argument} and put {transform} into its pipeline"
        )
    if reads == "heatmaps":
        return pose(stored.flatten(0, 1))
    return pose(stored.flatten(0, 1), (frames.shape[2], frames.shape[3]))


def check_heatmaps(heatmaps: Tensor, name: str) -> None:
    """Raise unless there are 17 maps per frame.

    Args:
        heatmaps: What should be (M, 17, h, w).
        name: What to call them.

    Raises:
        ValueError: If they are not.
    """
    if heatmaps.dim() != 4 or heatmaps.shape[1] != NUM_KEYPOINTS:
        raise ValueError(
            f"{name} must be (M, {NUM_KEYPOINTS}, h, w), one map per COCO keypoint of each frame, "
            f"got {tuple(heatmaps.shape)}"
        )
