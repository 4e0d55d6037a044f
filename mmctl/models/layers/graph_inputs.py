"""Refuse what is no nodes: layers of graphs take no maps of a backbone."""

from __future__ import annotations

from torch import Tensor


def check_nodes(owner: str, nodes: object) -> None:
    """Raise unless nodes have four axes.

    Args:
        owner: Name of the layer, for the message.
        nodes: What the layer was given.

    Raises:
        ValueError: If it is no tensor (B, T, N, C).
    """
    if not isinstance(nodes, Tensor) or nodes.dim() != 4:
        got = tuple(nodes.shape) if isinstance(nodes, Tensor) else f"a {type(nodes).__name__}"
        raise ValueError(
            f"{owner} takes nodes (B, T, N, C), channels last, and no feature maps: a neck around "
            f"it makes nodes of them, got {got}"
        )


def check_graph(owner: str, nodes: object, adjacency: Tensor | None) -> Tensor:
    """Return the adjacency, or raise unless nodes have four axes and a graph.

    Args:
        owner: Name of the layer, for the message.
        nodes: What the layer was given.
        adjacency: The graph that it was given.

    Raises:
        ValueError: If nodes are no tensor (B, T, N, C) or there is no adjacency.
    """
    check_nodes(owner, nodes)
    if adjacency is None:
        raise ValueError(
            f"{owner} takes nodes and their adjacency, as ContextTopology makes one of the nodes, "
            "got no adjacency"
        )
    return adjacency
