"""A topology of pair-wise likeness, to set beside the context of eq. 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import graph
from mmctl.functional.precision import at_least_float32
from mmctl.functional.stripes import distance_affinity
from mmctl.models.layers.graph_inputs import check_nodes
from mmctl.registry import MODELS

KINDS = ("embedded", "distance")


@MODELS.register_module()
class AffinityTopology(BaseModule):
    """Physical edges and how alike two nodes of a window are: A = A^p + S.

    Stands where :class:`ContextTopology` does. S is ``softmax(theta x_i . phi x_j)`` (most systems
    of the field) or ``2 / (exp(d) + 1)`` with rows that add up to one (AGRL): each entry sees its
    two nodes alone, where the context of CTL sees the window.

    Args:
        channels: Channels of the nodes, C.
        num_nodes: Nodes of a frame, N.
        edges: Undirected edges of the body at this scale.
        window: Frames per window, odd; 1 for a graph per frame.
        kind: ``'embedded'`` or ``'distance'``.
        dim: Channels of the embeddings.
        physical: Use A^p, fixed.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If ``kind`` is unknown.
    """

    def __init__(
        self,
        channels: int,
        num_nodes: int,
        edges: Sequence[tuple[int, int]],
        window: int = 3,
        kind: str = "embedded",
        dim: int = 256,
        physical: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        graph.check_window(window)
        if kind not in KINDS:
            raise ValueError(f"AffinityTopology's kind must be one of {KINDS}, got {kind!r}")
        self.window = window
        self.kind = kind
        self.physical: Tensor | None
        self.register_buffer(
            "physical", graph.edge_adjacency(edges, num_nodes) if physical else None
        )
        if kind == "embedded":
            self.query = nn.Linear(channels, dim)
            self.key = nn.Linear(channels, dim)

    def forward(self, nodes: Tensor) -> Tensor:
        """Build the adjacency of every window, without eq. 4's identity.

        Args:
            nodes: X^0, (B, T, N, C).

        Returns:
            Un-normalised A, slot-major, row = receiving node, (B, T, window * N, window * N).

        Raises:
            ValueError: If ``nodes`` have other axes.
        """
        check_nodes("AffinityTopology", nodes)
        windows = graph.temporal_windows(nodes, self.window)
        if self.kind == "embedded":
            scores = self.query(windows) @ self.key(windows).mT
            alike = at_least_float32(scores).softmax(dim=-1)
        else:
            alike = torch.nn.functional.normalize(distance_affinity(windows), p=1, dim=-1)
        if self.physical is None:
            return alike
        return graph.tile_adjacency(self.physical, self.window) + alike
