"""The three clip features of the fusion block (section 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def fuse_global(global_features: Tensor) -> Tensor:
    """Average the global features over time: V_f^g = mean_t V_g.

    Args:
        global_features: V_g, (B, T, C).

    Returns:
        V_f^g, (B, C).

    Example:
        >>> fuse_global(torch.tensor([[[1.0, 2.0], [3.0, 6.0]]])).tolist()
        [[2.0, 4.0]]
    """
    return global_features.mean(dim=1)


def fuse_sum(global_features: Tensor, parts: Tensor) -> Tensor:
    """Add the parts to the global features: V_f^a = mean_t(sum_n V_p[n] + V_g).

    Args:
        global_features: V_g, (B, T, C).
        parts: V_p, (B, T, N, C).

    Returns:
        V_f^a, the feature for retrieval, (B, C).

    Example:
        >>> fuse_sum(torch.ones(1, 2, 3), torch.ones(1, 2, 5, 3)).tolist()
        [[6.0, 6.0, 6.0]]
    """
    return (parts.sum(dim=2) + global_features).mean(dim=1)


def fuse_concat(global_features: Tensor, reduced: Sequence[Tensor]) -> Tensor:
    """Add the parts side by side: V_f^c = mean_t(concat_n g_n(V_p[n]) + V_g).

    Args:
        global_features: V_g, (B, T, C).
        reduced: g_n(V_p[n]) of each part, (B, T, C_n), C in sum.

    Returns:
        V_f^c, (B, C).

    Example:
        >>> parts = [torch.full((1, 2, 1), 10.0), torch.full((1, 2, 2), 20.0)]
        >>> fuse_concat(torch.ones(1, 2, 3), parts).tolist()
        [[11.0, 21.0, 21.0]]
    """
    return (torch.cat(list(reduced), dim=-1) + global_features).mean(dim=1)
