"""Attention between the places of clips."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def attend_places(query: Tensor, key: Tensor, value: Tensor, *, scale: float = 1.0) -> Tensor:
    """Return for each place the mean of values, weighted by how well their keys answer its query.

    The weights are ``softmax(scale * <query, key>)`` over all places of all frames given.

    Args:
        query: (B, T, E, H, W).
        key: (B, S, E, h, w); places and frames may be other ones than those of the queries.
        value: (B, S, C, h, w).
        scale: Factor on the inner products.

    Returns:
        (B, T, C, H, W).

    Example:
        >>> import torch
        >>> query, key = torch.zeros(1, 1, 1, 1, 1), torch.ones(1, 2, 1, 1, 1)
        >>> attend_places(query, key, torch.tensor([1.0, 5.0]).view_as(key)).item()
        3.0
    """
    rows, columns, values = (_places(maps) for maps in (query, key, value))
    attended = F.scaled_dot_product_attention(rows, columns, values, scale=scale)
    num_frames, height, width = query.shape[1], *query.shape[3:]
    return attended.unflatten(1, (num_frames, height, width)).movedim(-1, 2)


def _places(maps: Tensor) -> Tensor:
    """Return the channels of each place, frame by frame and row by row, (B, places, C)."""
    return maps.movedim(2, -1).flatten(1, 3)
