"""Eq. 5 to 7: messages from one scale of the body to another, frame by frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.functional.precision import at_least_float32


def pairwise_differences(nodes: Tensor) -> Tensor:
    """Return x_j - x_i for every ordered pair of nodes of a frame (eq. 5).

    Args:
        nodes: (..., N, D).

    Returns:
        Entry [i, j] is ``nodes[j] - nodes[i]``, (..., N, N, D).

    Example:
        >>> pairwise_differences(torch.tensor([[1.0], [4.0]])).squeeze(-1).tolist()
        [[0.0, 3.0], [-3.0, 0.0]]
    """
    return nodes.unsqueeze(-3) - nodes.unsqueeze(-2)


def linear_of_pair(weight: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Apply a linear map to the concatenation [first, second] without building it.

    Args:
        weight: (D, D1 + D2), no bias.
        first: (..., D1).
        second: (..., D2), broadcastable against ``first``.

    Returns:
        ``weight @ [first, second]``, (..., D).

    Example:
        >>> weight = torch.tensor([[1.0, 10.0]])
        >>> linear_of_pair(weight, torch.tensor([2.0]), torch.tensor([3.0])).item()
        32.0
    """
    split = first.shape[-1]
    return F.linear(first, weight[:, :split]) + F.linear(second, weight[:, split:])


def sum_rectified(values: Tensor) -> Tensor:
    """Sum the positive entries over the pairs of each node: sum_j relu(values[..., j, :]) (eq. 5).

    Nobody needs the rectified values themselves: a mask of one byte per entry is all that is kept
    for the backward, where a ReLU keeps its output.

    Args:
        values: (..., N, D).

    Returns:
        (..., D).

    Example:
        >>> sum_rectified(torch.tensor([[1.0, -2.0], [3.0, 4.0]])).tolist()
        [4.0, 4.0]
    """
    return values.masked_fill(values <= 0, 0.0).sum(dim=-2)


def cross_scale_adjacency(source: Tensor, target: Tensor, *, logit_scale: float = 1.0) -> Tensor:
    """Weigh the source nodes for every target node (the last line of eq. 5).

    The paper's index order contradicts the shape it gives, N_target x N_source; the shape and
    eq. 6 decide. The softmax runs over the source nodes.

    Args:
        source: Augmented relation features r of the source scale, (B, T, N, D).
        target: The same of the target scale, (B, T, M, D).
        logit_scale: Factor on the inner products.

    Returns:
        Row m sums to 1, (B, T, M, N), float32 (float64 stays float64), also under autocast.

    Example:
        >>> source, target = torch.zeros(1, 1, 4, 8), torch.zeros(1, 1, 2, 8)
        >>> cross_scale_adjacency(source, target).tolist()
        [[[[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]]]]
    """
    with torch.autocast(device_type=source.device.type, enabled=False):
        logits = at_least_float32(target) @ at_least_float32(source).transpose(-1, -2)
    return torch.softmax(logit_scale * logits, dim=-1)


def relative_entropy(weights: Tensor) -> Tensor:
    """Return how evenly the rows of an adjacency spread: their entropy over that of even rows.

    Args:
        weights: Rows that sum to 1, (..., M, N).

    Returns:
        Mean over the rows of ``-sum_n w_n log(w_n) / log(N)``, a scalar: 1 where all sources weigh
        alike (as one source does), 0 where every row has one source.

    Example:
        >>> round(relative_entropy(torch.tensor([[0.5, 0.5], [1.0, 0.0]])).item(), 3)
        0.5
    """
    if weights.shape[-1] == 1:
        return weights.new_ones(())
    return torch.special.entr(weights).sum(dim=-1).mean() / math.log(weights.shape[-1])


def convolve_across(adjacency: Tensor, source: Tensor, weight: Tensor) -> Tensor:
    """Carry the source nodes to the target scale: relu(A X W) of eq. 6.

    A X comes first: the target scale has fewer nodes.

    Args:
        adjacency: From :func:`cross_scale_adjacency`, (B, T, M, N).
        source: Source nodes, (B, T, N, C).
        weight: As a linear layer keeps it, (C_out, C): applied as ``x @ weight.T``.

    Returns:
        (B, T, M, C_out).

    Example:
        >>> adjacency, source = torch.tensor([[0.25, 0.75]]), torch.tensor([[4.0], [8.0]])
        >>> convolve_across(adjacency, source, torch.ones(1, 1)).item()
        7.0
    """
    return F.relu(F.linear(adjacency.to(source) @ source, weight))


def fuse_scales(target: Tensor, transferred: Sequence[Tensor], *, balance: float = 0.3) -> Tensor:
    """Add what other scales sent to the target scale: X_s3 + alpha * (X_s13 + X_s23) (eq. 7).

    Args:
        target: Nodes of the target scale, (B, T, M, C).
        transferred: Transformed nodes of other scales, each (B, T, M, C); may be empty.
        balance: alpha.

    Returns:
        (B, T, M, C).

    Example:
        >>> fuse_scales(torch.ones(1), [torch.ones(1), torch.ones(1)], balance=0.5).item()
        2.0
    """
    if not transferred:
        return target
    return target + balance * torch.stack(list(transferred)).sum(dim=0)
