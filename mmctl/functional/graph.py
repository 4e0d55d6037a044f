"""Eq. 2 to 4: the context-reinforced topology and the 3D graph convolution.

Node features are (B, T, N, C). Windows and windowed adjacency are slot-major: index ``k * N + i``
is node ``i`` in frame slot ``k``, earliest slot first. Adjacency multiplies from the left: the row
is the node that receives, the column the node that sends.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.functional.precision import at_least_float32


def check_window(size: int) -> None:
    """Raise a ValueError unless ``size`` is odd and positive.

    Example:
        >>> check_window(3)
    """
    if size < 1 or size % 2 == 0:
        raise ValueError(f"window must be odd and positive to centre on a frame, got {size}")


def temporal_windows(nodes: Tensor, size: int) -> Tensor:
    """Gather the nodes of every frame and its temporal neighbours (section 3.3).

    Args:
        nodes: Node features, (B, T, N, C).
        size: Frames per window, odd. Frames past either end are zeros.

    Returns:
        One window per frame, slot-major with the earliest frame first, (B, T, size * N, C).

    Raises:
        ValueError: If ``size`` is even or not positive.

    Example:
        >>> nodes = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
        >>> temporal_windows(nodes, 3).squeeze().tolist()
        [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0], [2.0, 3.0, 0.0]]
    """
    check_window(size)
    reach, num_frames = size // 2, nodes.shape[1]
    padded = F.pad(nodes, (0, 0, 0, 0, reach, reach))
    return torch.cat([padded[:, slot : slot + num_frames] for slot in range(size)], dim=2)


def tile_adjacency(adjacency: Tensor, size: int) -> Tensor:
    """Repeat a frame's adjacency for every pair of window slots (eq. 3).

    Args:
        adjacency: (..., N, N).
        size: Frames per window.

    Returns:
        Block matrix whose every block is ``adjacency``, (..., size * N, size * N).

    Example:
        >>> tile_adjacency(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), 2).tolist()
        [[1.0, 2.0, 1.0, 2.0], [3.0, 4.0, 3.0, 4.0], [1.0, 2.0, 1.0, 2.0], [3.0, 4.0, 3.0, 4.0]]
    """
    return adjacency.repeat(*[1] * (adjacency.dim() - 2), size, size)


def edge_adjacency(
    edges: Sequence[tuple[int, int]], num_nodes: int, *, self_loops: bool = True
) -> Tensor:
    """Return the physical adjacency A^p of a list of undirected edges.

    Args:
        edges: Pairs of node indices.
        num_nodes: Number of nodes, N.
        self_loops: Connect every node to itself too ("connected to themselves and their temporal
            neighboring nodes", section 3.3); eq. 4 adds its identity on top.

    Returns:
        Symmetric 0/1 matrix, (N, N), float32.

    Raises:
        ValueError: If an edge names a node outside 0 .. N - 1 or joins a node to itself.

    Example:
        >>> edge_adjacency([(0, 2)], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    adjacency = torch.eye(num_nodes) if self_loops else torch.zeros(num_nodes, num_nodes)
    for first, second in edges:
        if first == second or not (0 <= first < num_nodes and 0 <= second < num_nodes):
            raise ValueError(
                f"an edge must join two different nodes from 0 to {num_nodes - 1}, "
                f"got ({first}, {second})"
            )
        adjacency[first, second] = adjacency[second, first] = 1.0
    return adjacency


def normalize_rows(adjacency: Tensor) -> Tensor:
    """L2-normalise each row of a predicted adjacency A^c (section 3.2), in float32 at least.

    Args:
        adjacency: (..., n, n).

    Returns:
        The same shape, rows of length 1 (a zero row stays zero).

    Example:
        >>> normalize_rows(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    return F.normalize(at_least_float32(adjacency), dim=-1)


def degrees(adjacency: Tensor) -> Tensor:
    """Return the row sums of ``adjacency + I`` (eq. 4), in float32 at least.

    A^c and A^m are signed, so a degree can be negative, where eq. 4's square root is undefined.

    Args:
        adjacency: (..., n, n).

    Returns:
        (..., n).

    Example:
        >>> degrees(torch.tensor([[0.0, 1.0], [-2.0, 0.0]])).tolist()
        [2.0, -1.0]
    """
    return at_least_float32(adjacency).sum(dim=-1) + 1.0


def normalize_adjacency(adjacency: Tensor, *, eps: float = 0.1) -> Tensor:
    """Add self-loops and normalise by the degrees: D^-1/2 (A + I) D^-1/2 (eq. 4).

    Degrees below ``eps`` are raised to it: the paper's formula, value and gradient, wherever it is
    well defined, and no entry is amplified more than 1 / eps times elsewhere.

    Args:
        adjacency: Without the identity, (..., n, n).
        eps: Smallest degree.

    Returns:
        (..., n, n), float32 (float64 stays float64), also under autocast.

    Raises:
        ValueError: If ``eps`` is not positive.

    Example:
        >>> normalize_adjacency(torch.tensor([[0.0, 3.0], [0.0, 0.0]])).tolist()
        [[0.25, 1.5], [0.0, 1.0]]
    """
    if eps <= 0:
        raise ValueError(f"eps must be positive to keep 1 / sqrt(degree) finite, got {eps}")
    scale = degrees(adjacency).clamp(min=eps).rsqrt()
    looped = at_least_float32(adjacency) + torch.eye(
        adjacency.shape[-1], dtype=scale.dtype, device=scale.device
    )
    return scale.unsqueeze(-1) * looped * scale.unsqueeze(-2)


def slots_per_node(adjacency: Tensor, size: int) -> Tensor:
    """Reorder the rows of a windowed adjacency so that the slots of a node are neighbours.

    A product with the result is laid out as the collapse over the window wants it, without a
    second copy of the features.

    Args:
        adjacency: Slot-major, (..., size * N, size * N).
        size: Frames per window.

    Returns:
        Row ``i * size + k`` is row ``k * N + i`` of the input; columns are unchanged.

    Example:
        >>> adjacency = torch.arange(4.0).repeat(4, 1).T  # row r is all r
        >>> slots_per_node(adjacency, 2)[:, 0].tolist()
        [0.0, 2.0, 1.0, 3.0]
    """
    split = adjacency.unflatten(-2, (size, -1))
    return split.transpose(-3, -2).flatten(-3, -2)


def convolve_windows(nodes: Tensor, adjacency: Tensor, size: int) -> Tensor:
    """Pass messages inside every window: relu(A_norm @ windows) of eq. 4.

    Multiplying by W before the windows are built (``nodes`` is X @ W here) equals the paper's
    order exactly, since W has no bias and the padding is zero, and costs a window's length less.

    Args:
        nodes: Node features already multiplied by W, (B, T, N, C).
        adjacency: Normalised, slot-major, broadcastable to (B, T, size * N, size * N).
        size: Frames per window.

    Returns:
        For each frame and node the window's slots side by side, earliest first,
        (B, T, N, size * C): channel ``k * C + c`` is slot ``k``.

    Example:
        >>> nodes = torch.tensor([1.0, 2.0]).reshape(1, 2, 1, 1)
        >>> convolve_windows(nodes, torch.eye(3), 3).squeeze().tolist()
        [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]
    """
    num_nodes = nodes.shape[2]
    messages = slots_per_node(adjacency, size).to(nodes) @ temporal_windows(nodes, size)
    return F.relu(messages).unflatten(2, (num_nodes, size)).flatten(3)
