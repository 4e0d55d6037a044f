"""Eq. 1: body-part features from a feature map and keypoint heatmaps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.functional.precision import at_least_float32

CONFIDENCE_EPS = 1e-4
"""Confidence of a node that has none."""


def normalize_heatmaps(
    heatmaps: Tensor, size: tuple[int, int], *, scale: float | Tensor = 10.0
) -> Tensor:
    """Turn heatmaps into weights over the cells of a feature map.

    The maps are resized first and softmaxed after: the other order gives weights that no longer
    sum to one. The temperature is not in the paper; at ``scale=1`` the weights are almost flat
    and the 17 part features are nearly copies of the global one.

    Args:
        heatmaps: Raw (pre-softmax) heatmaps, (M, K, h, w).
        size: (H, W) of the feature map.
        scale: Factor on the heatmaps before the softmax.

    Returns:
        Weights over the cells in row-major order, each map summing to 1, (M, K, H * W), float32
        (float64 stays float64).

    Raises:
        ValueError: If ``heatmaps`` is not four-dimensional.

    Example:
        >>> normalize_heatmaps(torch.zeros(1, 1, 8, 4), (2, 2)).tolist()
        [[[0.25, 0.25, 0.25, 0.25]]]
    """
    if heatmaps.dim() != 4:
        raise ValueError(f"heatmaps must be (M, K, h, w), got shape {tuple(heatmaps.shape)}")
    resized = F.interpolate(
        at_least_float32(heatmaps), size=size, mode="bilinear", align_corners=False
    )
    return torch.softmax(scale * resized.flatten(2), dim=-1)


def pool_keypoints(features: Tensor, weights: Tensor, *, reduction: str = "sum") -> Tensor:
    """Pool a feature map around each keypoint (eq. 1).

    Args:
        features: Feature maps, (M, C, H, W).
        weights: Weights of the cells from :func:`normalize_heatmaps`, (M, K, H * W).
        reduction: ``'sum'`` over the cells (the weights sum to one already), or ``'mean'``, which
            divides by H * W once more as the letter of eq. 1 may be read.

    Returns:
        Keypoint features V_s1, (M, K, C).

    Raises:
        ValueError: If ``reduction`` is unknown or the cells do not match.

    Example:
        >>> features = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 2, 2)
        >>> pool_keypoints(features, torch.tensor([[[0.0, 0.0, 0.5, 0.5]]])).tolist()
        [[[3.5]]]
    """
    cells = features.flatten(2)
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction must be 'sum' or 'mean', got {reduction!r}")
    if weights.shape[-1] != cells.shape[-1]:
        raise ValueError(
            "weights must have one entry per cell of the feature map: "
            f"got {weights.shape[-1]} for {features.shape[-2]}x{features.shape[-1]} cells"
        )
    pooled = weights @ cells.transpose(1, 2)
    return pooled / cells.shape[-1] if reduction == "mean" else pooled


def part_average(parts: Sequence[Sequence[int]], num_nodes: int) -> Tensor:
    """Return the matrix that averages nodes into parts.

    Args:
        parts: Node indices of each part.
        num_nodes: Number of nodes that ``parts`` index into, K.

    Returns:
        Row n holds ``1 / |part n|`` at the nodes of part n, (N, K), float32.

    Raises:
        ValueError: If a part is empty, repeats a node or names a node outside 0 .. K - 1.

    Example:
        >>> part_average([(0, 1), (2,)], 3).tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """
    rows = []
    for index, part in enumerate(parts):
        inside = all(0 <= node < num_nodes for node in part)
        if not part or len(set(part)) != len(part) or not inside:
            raise ValueError(
                f"part {index} must list distinct nodes from 0 to {num_nodes - 1}, got {list(part)}"
            )
        rows.append([(node in part) / len(part) for node in range(num_nodes)])
    return torch.tensor(rows, dtype=torch.float32)


def confident_average(average: Tensor, confidence: Tensor) -> Tensor:
    """Weigh the nodes of each part by a confidence.

    Args:
        average: From :func:`part_average`, (N, K).
        confidence: Confidence of each node; negative is none, (..., K).

    Returns:
        Row n sums to 1 over the nodes of part n, in proportion to their confidence, or alike where
        there is none, (..., N, K).

    Example:
        >>> average = part_average([(0, 1)], 2)
        >>> confident_average(average, torch.tensor([0.25, 0.75])).round(decimals=2).tolist()
        [[0.25, 0.75]]
    """
    # What a part without any confidence falls back to, and far below any that counts.
    weights = average * (confidence.clamp(min=0) + CONFIDENCE_EPS).unsqueeze(-2)
    return weights / weights.sum(dim=-1, keepdim=True)


def pool_parts(nodes: Tensor, parts: Sequence[Sequence[int]]) -> Tensor:
    """Average the nodes of each part (V_s2 and V_s3 from V_s1).

    Args:
        nodes: Node features, (..., K, C).
        parts: Node indices of each part; a node may belong to several parts.

    Returns:
        Part features in the order of ``parts``, (..., N, C).

    Example:
        >>> pool_parts(torch.tensor([[1.0], [3.0], [5.0]]), [(0, 1), (2,)]).tolist()
        [[2.0], [5.0]]
    """
    return part_average(parts, nodes.shape[-2]).to(nodes) @ nodes
