"""What the frames of a clip have in common (COSAM)."""

from __future__ import annotations

import torch
from torch import Tensor


def correlate_others(maps: Tensor, *, eps: float = 1e-4) -> Tensor:
    """Return how alike each place of a frame is to all places of the other frames.

    What places are compared by is centred and divided by its (unbiased) spread over the channels
    and ``eps``; the likeness is the mean of the products.

    Args:
        maps: (B, T, E, H, W).
        eps: What is added to the spread.

    Returns:
        (B, T, (T - 1) * H * W, H, W); the others in time order, their places row by row.

    Example:
        >>> maps = torch.tensor([[[1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]]).view(1, 3, 2, 1, 1)
        >>> [round(float(x), 3) for x in correlate_others(maps)[0, 0].flatten()]
        [0.5, -0.5]
    """
    num_frames, width = maps.shape[1:3]
    places = maps.flatten(3)
    places = places - places.mean(dim=2, keepdim=True)
    places = places / (places.std(dim=2, keepdim=True) + eps)
    order = [[s for s in range(num_frames) if s != t] for t in range(num_frames)]
    others = places[:, torch.tensor(order, device=maps.device).flatten()]
    others = others.unflatten(1, (num_frames, num_frames - 1))  # (B, T, T - 1, E, places)
    alike = torch.einsum("btseq,btep->btsqp", others, places) / width
    return alike.flatten(2, 3).unflatten(-1, maps.shape[-2:])


def common_channels(weights: Tensor) -> Tensor:
    """Return the mean weight of each channel over the frames of a clip, for all of them.

    Args:
        weights: (B, T, C).

    Returns:
        (B, 1, C).

    Example:
        >>> common_channels(torch.tensor([[[0.0], [1.0]]])).tolist()
        [[[0.5]]]
    """
    return weights.mean(dim=1, keepdim=True)
