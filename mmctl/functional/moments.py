"""What the places of a clip have in common as statistics (statistic attention of SANet)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def clip_moments(maps: Tensor, orders: Sequence[int] = (4, 5, 6)) -> Tensor:
    """Return mean, spread and standardised central moments of each channel over a clip.

    Args:
        maps: (B, T, C, H, W).
        orders: Of the moments behind mean and spread.

    Returns:
        (B, 2 + len(orders), C). A channel that is the same everywhere has moments of zero.

    Example:
        >>> maps = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1, 1)
        >>> clip_moments(maps, (4,)).flatten().tolist()
        [2.0, 1.0, 1.0]
    """
    places = maps.transpose(1, 2).flatten(2)  # (B, C, places)
    mean = places.mean(dim=2, keepdim=True)
    centred = places - mean
    spread = centred.square().mean(dim=2, keepdim=True).sqrt()
    standard = centred / spread.clamp_min(1e-6)
    moments = [(standard**order).mean(dim=2, keepdim=True) for order in orders]
    return torch.cat([mean, spread, *moments], dim=2).mT


def distribute_moments(maps: Tensor, moments: Tensor) -> Tensor:
    """Return for each place the mean of the moments, weighted by how well each answers the place.

    Args:
        maps: (B, T, C, H, W).
        moments: (B, M, C); each is brought to length one.

    Returns:
        (B, T, C, H, W).

    Example:
        >>> maps, moments = torch.zeros(1, 1, 2, 1, 1), torch.tensor([[[5.0, 0.0], [0.0, 3.0]]])
        >>> distribute_moments(maps, moments).flatten().tolist()
        [0.5, 0.5]
    """
    unit = F.normalize(moments, dim=2)
    places = maps.movedim(2, -1)  # (B, T, H, W, C)
    weights = (places.flatten(1, 3) @ unit.mT).softmax(dim=2)
    return (weights @ unit).view(places.shape).movedim(-1, 2)
