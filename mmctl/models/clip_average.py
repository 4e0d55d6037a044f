"""From one feature per clip to one per tracklet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.structures import TrackletSample


def average_clips(clips: Tensor, data_samples: list[TrackletSample]) -> list[Tensor]:
    """Return the mean over each tracklet's clips, weighted by their real frames.

    Args:
        clips: One feature per clip, (sum of M_i, C); tracklet i owns the next M_i rows.
        data_samples: One per tracklet, with ``clip_weights`` (M_i,); where no sample has any,
            every tracklet is one clip.

    Returns:
        One feature per tracklet, (C,) each.

    Raises:
        ValueError: If the weights do not fit the clips.
    """
    all_weights = _clip_weights(data_samples, clips)
    counts = [len(weights) for weights in all_weights]
    features = []
    for weights, own in zip(all_weights, clips.split(counts), strict=True):
        # No matrix product: autocast would round the feature to half precision.
        features.append((weights.unsqueeze(-1) * own).sum(dim=0) / weights.sum())
    return features


def scale_branches(raw: Tensor, widths: Sequence[int]) -> Tensor:
    """Return features whose branches have length 1, (B, C), as heads with ``normalize_each`` do.

    Args:
        raw: Those of clips, or their means, (B, C).
        widths: Channels of the branches; none: the features as they are.
    """
    if not widths:
        return raw
    return torch.cat([F.normalize(part, dim=1) for part in raw.split(list(widths), dim=1)], dim=1)


def _clip_weights(data_samples: list[TrackletSample], clips: Tensor) -> list[Tensor]:
    """Return the weights of each tracklet's clips, (M_i,) each, like ``clips`` (all M, C)."""
    if not any("clip_weights" in sample for sample in data_samples):
        weights = [clips.new_ones(1) for _ in data_samples]
    elif all("clip_weights" in sample for sample in data_samples):
        weights = [sample.clip_weights.to(clips) for sample in data_samples]
    else:
        raise ValueError("clip_weights must be in all samples of a batch or in none")
    if sum(map(len, weights)) != len(clips):
        raise ValueError(
            "the clip_weights of all tracklets must be as many as the clips, "
            f"{len(clips)}, got {sum(map(len, weights))}"
        )
    return weights
