"""What of a frame was already seen in others: erased, or boosted (TCLNet)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def boost_weights(maps: Tensor, *, scale: float = 5.0) -> Tensor:
    """Return how much each frame looks at every place of the other frames.

    A frame asks with its mean over the places; a place answers with the mean of it and its
    neighbours above and to the left, zeros past the border; both by their angle.

    Args:
        maps: (B, T, C, H, W), T of at least two.
        scale: Factor on the cosine before the softmax.

    Returns:
        Weights that add up to one for each frame and are zero on its own places, (B, T, T, H, W).

    Raises:
        ValueError: If a clip has one frame, and so no other.

    Example:
        >>> boost_weights(torch.ones(1, 2, 3, 1, 1)).flatten().tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    num_frames, (height, width) = maps.shape[1], maps.shape[-2:]
    if num_frames < 2:
        raise ValueError(
            "boosting needs clips of at least two frames, because a frame looks at the others, "
            f"got {num_frames}"
        )
    query = F.normalize(maps.mean(dim=(3, 4)), dim=2)  # (B, T, C)
    around = F.avg_pool2d(maps.flatten(0, 1), 2, stride=1, padding=1)[..., :-1, :-1]
    memory = F.normalize(around, dim=1).unflatten(0, maps.shape[:2])
    logits = scale * torch.einsum("btc,bschw->btshw", query, memory)
    own = torch.eye(num_frames, dtype=torch.bool, device=maps.device)[..., None, None]
    logits = logits.masked_fill(own, -torch.inf)
    return logits.flatten(2).softmax(dim=2).unflatten(2, (num_frames, height, width))


def most_alike_rows(correlation: Tensor, *, rows: int = 3) -> Tensor:
    """Return the block of rows whose places are most alike to what was seen before.

    The block lies around the row whose own mean and those of its neighbours have the largest sum;
    at the border it is cut off.

    Args:
        correlation: Of each place to what was seen, (B, H, W).
        rows: Rows of the block, odd.

    Returns:
        Whether a row is in the block, (B, H) bool.

    Raises:
        ValueError: If the block can cover the whole map.

    Example:
        >>> rows = torch.tensor([0.0, 0.0, 0.0, 1.0, 5.0]).view(1, 5, 1)
        >>> most_alike_rows(rows).int().tolist()
        [[0, 0, 1, 1, 1]]
    """
    if correlation.shape[1] <= rows:
        raise ValueError(
            f"the map must have more rows than the {rows} that are erased, because nothing would "
            f"be left of it, got {correlation.shape[1]}"
        )
    means = correlation.mean(dim=2)
    sums = F.pad(means, (rows // 2, rows // 2)).unfold(1, rows, 1).sum(dim=2)
    places = torch.arange(correlation.shape[1], device=correlation.device)
    return (places - sums.argmax(dim=1, keepdim=True)).abs() <= rows // 2


def mean_of_the_rest(maps: Tensor, logits: Tensor, erased: Tensor) -> Tensor:
    """Return the mean over the places that are left, weighted by their softmax.

    Args:
        maps: (B, C, H, W).
        logits: (B, H, W).
        erased: Rows that are erased, (B, H) bool.

    Returns:
        (B, C).

    Example:
        >>> maps = torch.tensor([1.0, 2.0, 6.0]).view(1, 1, 3, 1)
        >>> erased = torch.tensor([[False, True, False]])
        >>> mean_of_the_rest(maps, torch.zeros(1, 3, 1), erased).item()
        3.5
    """
    weights = logits.masked_fill(erased.unsqueeze(2), -torch.inf).flatten(1).softmax(dim=1)
    return torch.einsum("bcp,bp->bc", maps.flatten(2), weights)
