"""Horizontal stripes of frames as nodes, and which of them belong together (MGH, AGRL)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def stripe_means(maps: Tensor, stripes: Sequence[int]) -> Tensor:
    """Return the mean of each horizontal stripe of each frame.

    Args:
        maps: (B, T, C, H, W).
        stripes: Into how many stripes of equal height a frame is cut, one number per level.

    Returns:
        The stripes of the first level from top to bottom, then those of the next,
        (B, T, sum of stripes, C).

    Example:
        >>> stripe_means(torch.tensor([1.0, 2.0, 3.0, 6.0]).view(1, 1, 1, 4, 1), (2, 1)).tolist()
        [[[[1.5], [4.5], [3.0]]]]
    """
    frames = maps.flatten(0, 1)
    levels = [F.adaptive_avg_pool2d(frames, (count, 1)).squeeze(-1) for count in stripes]
    return torch.cat(levels, dim=2).mT.unflatten(0, maps.shape[:2])


def nearest_mean(nodes: Tensor, *, count: int = 3, reach: int = 3) -> Tensor:
    """Return the mean of the nodes that are most alike to each, without itself.

    Of the ``count`` nodes with the largest cosine among those of frames up to ``reach`` away, the
    first, which is the node itself, is left out.

    Args:
        nodes: (B, T, N, C).
        count: Nodes, the own one included; fewer where a node does not see as many.
        reach: Frames to either side.

    Returns:
        (B, T, N, C).

    Raises:
        ValueError: If a node sees no other one.

    Example:
        >>> nodes = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]).view(1, 3, 1, 2)
        >>> nearest_mean(nodes, count=2, reach=2)[0, 0].tolist()
        [[1.0, 0.10000000149011612]]
    """
    num_frames, num_nodes = nodes.shape[1:3]
    if count < 2 or (num_nodes == 1 and (reach == 0 or num_frames == 1)):
        raise ValueError(
            "nodes must see at least one other to have a neighbour, got "
            f"{num_frames} frames of {num_nodes} with count={count} and reach={reach}"
        )
    flat = nodes.flatten(1, 2)
    unit = F.normalize(flat, dim=2)
    frame = torch.arange(num_frames, device=nodes.device).repeat_interleave(num_nodes)
    is_far = (frame[:, None] - frame).abs() > reach
    alike = (unit @ unit.mT).masked_fill(is_far, -torch.inf)
    # Nodes that nobody sees, so that there are enough in the shortest clip: no size asks for T.
    best = F.pad(alike, (0, max(0, count - num_nodes)), value=-torch.inf).topk(count, dim=2)
    is_seen = best.values[:, :, 1:] > -torch.inf  # (B, T N, count - 1)
    chosen = best.indices[:, :, 1:].masked_fill(~is_seen, 0)
    rows = chosen.flatten(1).unsqueeze(-1).expand(-1, -1, flat.shape[2])
    found = flat.gather(1, rows).unflatten(1, (-1, count - 1)) * is_seen.unsqueeze(-1)
    return (found.sum(dim=2) / is_seen.sum(dim=2, keepdim=True)).view_as(nodes)


def distance_affinity(nodes: Tensor) -> Tensor:
    """Return ``2 / (exp(d) + 1)`` of the Euclidean distances of nodes: one where they are the same.

    Args:
        nodes: (..., n, C).

    Returns:
        (..., n, n).

    Example:
        >>> distance_affinity(torch.tensor([[[0.0], [3.0]]]))[0, 0].mul(1000).round().tolist()
        [1000.0, 95.0]
    """
    distances = torch.cdist(nodes, nodes, compute_mode="donot_use_mm_for_euclid_dist")
    # The bound is that of the public code; below it the root has no gradient. The sigmoid is the
    # same number without the powers, which overflow beyond 88 and leave gradients of no number.
    return 2 * torch.sigmoid(-distances.clamp_min(1e-6))


def occupied_stripes(
    keypoints: Tensor,
    height: int,
    groups: Sequence[Sequence[int]],
    stripes: Sequence[int],
    *,
    min_score: float = 0.1,
) -> Tensor:
    """Return which stripes each part of the body is in.

    A part fills the stripes of the first level from that of its topmost seen joint to that of its
    lowest; of a coarser level all that hold one of them. Only y counts, so a mirrored frame is
    filled alike.

    Args:
        keypoints: x, y, score in pixels, (..., K, 3); integers are pixel centres.
        height: Height of the frame in pixels; joints outside count for the stripe at the border.
        groups: Joints of each part.
        stripes: Stripes of each level, the finest first and a multiple of the others.
        min_score: Joints are seen above it.

    Returns:
        (..., parts, sum of stripes) bool.

    Example:
        >>> joints = torch.tensor([[0.0, 1.0, 0.9], [0.0, 5.0, 0.9], [0.0, 7.0, 0.0]])
        >>> occupied_stripes(joints, 8, [[0, 1], [2]], (4, 2)).int().tolist()
        [[1, 1, 1, 0, 1, 1], [0, 0, 0, 0, 0, 0]]
    """
    finest = stripes[0]
    rows = ((keypoints[..., 1] + 0.5) * finest / height).floor().clamp(0, finest - 1)
    seen = keypoints[..., 2] > min_score
    places = torch.arange(finest, device=keypoints.device)
    parts = []
    for group in groups:
        own, known = rows[..., list(group)], seen[..., list(group)]
        top = own.masked_fill(~known, finest).amin(dim=-1, keepdim=True)
        bottom = own.masked_fill(~known, -1).amax(dim=-1, keepdim=True)
        parts.append((places >= top) & (places <= bottom))
    fine = torch.stack(parts, dim=-2)
    levels = [fine.unflatten(-1, (count, finest // count)).any(dim=-1) for count in stripes]
    return torch.cat(levels, dim=-1)


def part_adjacency(occupied: Tensor) -> Tensor:
    """Connect the nodes of all frames that hold the same part of the body.

    Args:
        occupied: Which nodes hold which part, (B, T, parts, N) bool.

    Returns:
        1 where two different nodes share a part, (B, T * N, T * N).

    Example:
        >>> part_adjacency(torch.tensor([[[[True, False]], [[True, True]]]])).int().tolist()
        [[[0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0]]]
    """
    nodes = occupied.transpose(1, 2).flatten(2).float()  # (B, parts, T N)
    shared = (nodes.mT @ nodes > 0).float()
    return shared * (1 - torch.eye(shared.shape[-1], device=shared.device))


def propagate(nodes: Tensor, values: Tensor, adjacencies: Sequence[Tensor]) -> Tensor:
    """Return each node's weighted sum of values by the mean of graphs whose rows add up to one.

    Args:
        nodes: What the result has the shape of, (B, T, N, C).
        values: (B, T, N, C).
        adjacencies: (B, T * N, T * N) each, not negative, rows into; a row of zeros stays one.

    Returns:
        (B, T, N, C).

    Example:
        >>> values = torch.tensor([2.0, 4.0]).view(1, 2, 1, 1)
        >>> propagate(values, values, [torch.tensor([[[1.0, 3.0], [0.0, 0.0]]])]).flatten().tolist()
        [3.5, 0.0]
    """
    rows = [F.normalize(own, p=1, dim=2) for own in adjacencies]
    graph = sum(rows[1:], rows[0]) / len(rows)
    return (graph @ values.flatten(1, 2)).view_as(nodes)
