"""From the features of frames to one of the clip."""

from __future__ import annotations

from torch import Tensor


def weighted_mean(features: Tensor, weights: Tensor) -> Tensor:
    """Return the sum of the frames' features, each times its weight.

    Args:
        features: (B, T, ..., C).
        weights: (B, T, ...), which add up to one over the frames for a mean.

    Returns:
        (B, ..., C).

    Example:
        >>> import torch
        >>> features = torch.tensor([[[1.0], [5.0]]])
        >>> weighted_mean(features, torch.tensor([[0.25, 0.75]])).tolist()
        [[4.0]]
    """
    return (features * weights.unsqueeze(-1)).sum(dim=1)


def norm_weights(features: Tensor) -> Tensor:
    """Return the share of each frame in the lengths of a clip's features.

    Args:
        features: (B, T, ..., C).

    Returns:
        Weights that add up to one over the frames, (B, T, ...).

    Example:
        >>> import torch
        >>> norm_weights(torch.tensor([[[3.0, 4.0], [0.0, 15.0]]])).tolist()
        [[0.25, 0.75]]
    """
    lengths = features.norm(dim=-1)
    return lengths / lengths.sum(dim=1, keepdim=True).clamp_min(1e-12)
