"""The plain graph convolution of the ablation row "Basel+ContRe"."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import graph
from mmctl.models.layers.channel_norm import normalize_channels
from mmctl.models.layers.graph_inputs import check_graph
from mmctl.registry import MODELS


@MODELS.register_module()
class FrameGraphConv(BaseModule):
    """Messages inside every frame: ``X' = relu(A_norm @ X @ W)`` (Kipf and Welling 2017).

    No window, no collapse and no batch norm: eq. 4 without its 3D part.

    Args:
        channels: Channels of the nodes, C.
        degree_eps: Smallest degree in the normalisation of an un-normalised adjacency.
        norm: ``None``, or ``'BN'`` for the batch norm before the last ReLU that eq. 4's layer has.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If ``norm`` is unknown.
    """

    def __init__(
        self,
        channels: int,
        degree_eps: float = 0.1,
        norm: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if norm not in (None, "BN"):
            raise ValueError(f"norm of the graph convolution must be None or 'BN', got {norm!r}")
        self.degree_eps = degree_eps
        self.weight = nn.Linear(channels, channels, bias=False)
        self.norm = nn.BatchNorm1d(channels) if norm == "BN" else None
        nn.init.xavier_uniform_(self.weight.weight)

    def forward(
        self, nodes: Tensor, adjacency: Tensor | None = None, normalized: bool = False
    ) -> Tensor:
        """Update the nodes of every frame.

        Args:
            nodes: X, (B, T, N, C).
            adjacency: A of eq. 2, row = receiving node, broadcastable to (B, T, N, N).
            normalized: ``adjacency`` is already D^-1/2 (A + I) D^-1/2.

        Returns:
            X', (B, T, N, C).

        Raises:
            ValueError: If ``nodes`` have other axes, or there is no adjacency.
        """
        adjacency = check_graph("FrameGraphConv", nodes, adjacency)
        if not normalized:
            adjacency = graph.normalize_adjacency(adjacency, eps=self.degree_eps)
        transformed = self.weight(nodes)
        messages = adjacency.to(transformed) @ transformed
        return F.relu(messages if self.norm is None else normalize_channels(self.norm, messages))
