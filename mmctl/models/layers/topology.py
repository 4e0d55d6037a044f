"""The context-reinforced topology of eq. 2 and 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import graph
from mmctl.models.layers.context_block import ContextBlock, WindowContextBlock
from mmctl.models.layers.graph_inputs import check_nodes
from mmctl.registry import MODELS


@MODELS.register_module()
class ContextTopology(BaseModule):
    """Physical edges, a learned mask and a predicted context: A = A^p + A^m + A^c.

    A term that is left out builds no parameters.

    Args:
        channels: Channels of the nodes, C.
        num_nodes: Nodes of a frame, N.
        edges: Undirected edges of the body at this scale.
        window: Frames per window, odd; 1 for a graph per frame.
        physical: Use A^p, fixed.
        mask: Use A^m, a parameter that starts at zero.
        context: Use A^c, predicted from the nodes.
        self_loops: Connect every node to itself in A^p (eq. 4 adds its identity on top).
        context_norm: ``norm`` of :class:`WindowContextBlock`.
        num_frames: Frames per clip: takes the frame-level :class:`ContextBlock` of Fig. 4a, for
            which ``window`` must be 1. ``None`` takes the block per window of Fig. 4b.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If all three terms are left out, or ``num_frames`` comes with a window.
    """

    def __init__(
        self,
        channels: int,
        num_nodes: int,
        edges: Sequence[tuple[int, int]],
        window: int = 3,
        physical: bool = True,
        mask: bool = True,
        context: bool = True,
        self_loops: bool = True,
        context_norm: str | None = None,
        num_frames: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        graph.check_window(window)
        if not (physical or mask or context):
            raise ValueError(
                "topology must use at least one of physical, mask and context, got none: "
                "a graph without edges passes no messages"
            )
        if num_frames is not None and window != 1:
            raise ValueError(f"the frame-level context block needs window=1, got window={window}")
        self.window = window
        self.physical: Tensor | None
        self.register_buffer(
            "physical",
            graph.edge_adjacency(edges, num_nodes, self_loops=self_loops) if physical else None,
        )
        self.mask = nn.Parameter(torch.zeros(num_nodes, num_nodes)) if mask else None
        self.context: ContextBlock | WindowContextBlock | None = None
        if context and num_frames is not None:
            self.context = ContextBlock(channels, num_nodes, num_frames)
        elif context:
            self.context = WindowContextBlock(channels, num_nodes, window, norm=context_norm)

    def forward(self, nodes: Tensor) -> Tensor:
        """Build the adjacency of every window, without eq. 4's identity.

        Args:
            nodes: X^0, (B, T, N, C).

        Returns:
            Un-normalised A, slot-major, row = receiving node, broadcastable to
            (B, T, window * N, window * N).

        Raises:
            ValueError: If ``nodes`` have other axes.
        """
        check_nodes("ContextTopology", nodes)
        static = [term for term in (self.physical, self.mask) if term is not None]
        terms = [graph.tile_adjacency(term, self.window) for term in static]
        if isinstance(self.context, ContextBlock):
            terms.append(self.context(nodes))
        elif self.context is not None:
            terms.append(self.context.relate_nodes(nodes))
        return sum(terms[1:], start=terms[0])
