"""What a source of heatmaps is, and what the model hands to it."""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor, nn

from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.structures import NUM_KEYPOINTS, TrackletSample

STORED = {
    "keypoints": ("keypoint_file", "LoadKeypoints"),
    "heatmaps": ("heatmap_file", "LoadHeatmaps"),
}
"""Argument of the data set and transform that put each field into the samples."""


class HeatmapSource(Protocol):
    """A module that makes heatmaps of clips.

    Attributes:
        reads: What it needs: ``'frames'``, or the field of the samples, one of :data:`STORED`.
    """

    reads: str

    def from_clip(self, frames: Tensor, stored: Tensor | None) -> Tensor:
        """Return raw heatmaps, (B * T, 17, h, w).

        Args:
            frames: (B * T, 3, H, W): RGB in 0 .. 255 where the source reads frames, else
                normalised.
            stored: The field that the source reads, (B, T, ...); ``None`` if it reads frames.
        """


def check_source(pose: HeatmapSource) -> None:
    """Raise unless a module is a source of heatmaps.

    Raises:
        ValueError: If it lacks ``from_clip``, or reads nothing that there is.
    """
    reads, runs = getattr(pose, "reads", None), hasattr(pose, "from_clip")
    if reads not in ("frames", *STORED) or not runs:
        raise ValueError(
            f"{type(pose).__name__} must have reads, one of {('frames', *STORED)}, and "
            f"from_clip(frames, stored), because it is the model's source of heatmaps, got "
            f"{reads!r} and {'a' if runs else 'no'} from_clip"
        )


def stack_stored(
    pose: HeatmapSource | None, data_samples: list[TrackletSample] | None
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
    if pose.reads == "frames" or not all(pose.reads in sample for sample in data_samples):
        return None
    return torch.cat([getattr(sample, pose.reads) for sample in data_samples])


def make_heatmaps(
    pose: HeatmapSource, preprocessor: nn.Module, frames: Tensor, stored: Tensor | None
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
    if pose.reads == "frames":
        frames = cast(ClipDataPreprocessor, preprocessor).denormalize(frames)
    elif stored is None:
        argument, transform = STORED[pose.reads]
        raise ValueError(
            f"the model takes its heatmaps from stored {pose.reads}, but the samples have none: "
            f"give the data set a {argument} and put {transform} into its pipeline"
        )
    return pose.from_clip(frames, stored)


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
