"""The context block and the advanced context block (Fig. 4a and 4b)."""

from __future__ import annotations

import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional import graph
from mmctl.registry import MODELS


def _xavier_linear(in_features: int, out_features: int) -> nn.Linear:
    """Return a linear layer with xavier weights and zero bias.

    With zero biases the predicted adjacency does not change when the features are scaled, since
    its rows are normalised.
    """
    layer = nn.Linear(in_features, out_features)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@MODELS.register_module()
class ContextBlock(BaseModule):
    """Predict one adjacency A^c per clip from all its nodes (Fig. 4a).

    Channels are squeezed to one, then frames to one, then N values become N x N. The squeeze over
    frames ties the block to clips of ``num_frames``.

    Args:
        channels: Channels of the nodes, C.
        num_nodes: Nodes of a frame, N.
        num_frames: Frames of every clip, T.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self, channels: int, num_nodes: int, num_frames: int, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.num_nodes = num_nodes
        self.num_frames = num_frames
        self.squeeze = _xavier_linear(channels, 1)
        self.squeeze_time = _xavier_linear(num_frames, 1)
        self.expand = _xavier_linear(num_nodes, num_nodes**2)

    def forward(self, nodes: Tensor) -> Tensor:
        """Predict the adjacency of each clip.

        Args:
            nodes: (B, T, N, C).

        Returns:
            Rows of length 1, (B, 1, N, N), float32 at least.

        Raises:
            ValueError: If the clips do not have ``num_frames`` frames.
        """
        if nodes.shape[1] != self.num_frames:
            raise ValueError(
                "clips must have as many frames as the frame-level context block was built for, "
                f"{self.num_frames}, got {nodes.shape[1]}: its squeeze over time has one weight "
                "per frame"
            )
        squeezed = self.squeeze(nodes).squeeze(-1)
        per_node = self.squeeze_time(squeezed.transpose(1, 2)).squeeze(-1)
        rows = self.expand(per_node).unflatten(-1, (1, self.num_nodes, self.num_nodes))
        return graph.normalize_rows(rows)


@MODELS.register_module()
class WindowContextBlock(BaseModule):
    """Predict one adjacency A^c per window from the nodes of its frames (Fig. 4b).

    Args:
        channels: Channels of the nodes, C.
        num_nodes: Nodes of a frame, N.
        window: Frames per window, odd.
        norm: ``None`` as in the paper, or ``'BN'`` for a batch norm after the squeeze, as the
            method that the block follows has; it removes what all clips have in common.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If ``norm`` is unknown or ``window`` even or not positive.
    """

    def __init__(
        self,
        channels: int,
        num_nodes: int,
        window: int = 3,
        norm: str | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        graph.check_window(window)
        if norm not in (None, "BN"):
            raise ValueError(f"norm of the context block must be None or 'BN', got {norm!r}")
        size = window * num_nodes
        self.window = window
        self.size = size
        self.squeeze = _xavier_linear(channels, 1)
        self.norm = nn.BatchNorm1d(size) if norm == "BN" else None
        self.expand = _xavier_linear(size, size**2)

    def forward(self, windows: Tensor) -> Tensor:
        """Predict the adjacency of each window.

        Args:
            windows: Slot-major windows, (B, T, window * N, C).

        Returns:
            Rows of length 1, (B, T, window * N, window * N), float32 at least.
        """
        return self._relate(self.squeeze(windows).squeeze(-1))

    def relate_nodes(self, nodes: Tensor) -> Tensor:
        """Predict the adjacency of each window straight from the nodes.

        Equals ``forward(temporal_windows(nodes))``, but squeezes every node once and builds the
        windows of single numbers: a padded frame holds the squeeze's bias then.

        Args:
            nodes: (B, T, N, C).

        Returns:
            As :meth:`forward`.
        """
        squeezed = F.linear(nodes, self.squeeze.weight)
        windows = graph.temporal_windows(squeezed, self.window).squeeze(-1)
        return self._relate(windows + self.squeeze.bias)

    def _relate(self, squeezed: Tensor) -> Tensor:
        if self.norm is not None:
            squeezed = self.norm(squeezed.flatten(0, 1)).view_as(squeezed)
        return graph.normalize_rows(self.expand(squeezed).unflatten(-1, (self.size, self.size)))
