"""The 3D graph convolution layer of Fig. 5a."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import graph
from mmctl.models.layers.channel_norm import normalize_channels
from mmctl.models.layers.graph_inputs import check_graph
from mmctl.registry import MODELS


@MODELS.register_module()
class GraphConv3d(BaseModule):
    """Messages across space and time, then a collapse of the window (eq. 4 and the text below it).

    ``X' = relu(BN(collapse(relu(A_norm @ windows(X) @ W))))``. The shortcut belongs to the head.

    Args:
        channels: Channels of the nodes, C.
        window: Frames per window, odd.
        degree_eps: Smallest degree in the normalisation of an un-normalised adjacency.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If ``window`` is even or not positive.
    """

    def __init__(
        self,
        channels: int,
        window: int = 3,
        degree_eps: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        graph.check_window(window)
        self.window = window
        self.degree_eps = degree_eps
        self.weight = nn.Linear(channels, channels, bias=False)
        self.collapse = nn.Linear(window * channels, channels, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        nn.init.xavier_uniform_(self.weight.weight)
        nn.init.kaiming_normal_(self.collapse.weight, nonlinearity="relu")

    def forward(
        self, nodes: Tensor, adjacency: Tensor | None = None, normalized: bool = False
    ) -> Tensor:
        """Update the nodes of every frame from its window.

        Args:
            nodes: X, (B, T, N, C).
            adjacency: A of eq. 3, slot-major, row = receiving node, broadcastable to
                (B, T, window * N, window * N).
            normalized: ``adjacency`` is already D^-1/2 (A + I) D^-1/2.

        Returns:
            X', (B, T, N, C).

        Raises:
            ValueError: If ``nodes`` have other axes, or there is no adjacency.
        """
        adjacency = check_graph("GraphConv3d", nodes, adjacency)
        if not normalized:
            adjacency = graph.normalize_adjacency(adjacency, eps=self.degree_eps)
        messages = graph.convolve_windows(self.weight(nodes), adjacency, self.window)
        return F.relu(normalize_channels(self.norm, self.collapse(messages)))
