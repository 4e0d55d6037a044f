"""Graph convolutions over the stripes of a clip (MGH, AGRL)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmctl.functional.stripes import distance_affinity, nearest_mean, part_adjacency, propagate
from mmctl.models.layers.channel_norm import normalize_channels
from mmctl.registry import MODELS


@MODELS.register_module()
class NearestGraphConv(nn.Module):
    """Each node beside the mean of those most alike to it (Yan et al., CVPR 2020, as released).

    ``norm(relu(unit([W_x x ; W_n mean])))``.

    Args:
        channels: Channels of the nodes, C.
        width: Channels of either half of the result.
        neighbours: See :func:`mmctl.functional.stripes.nearest_mean`, with the node itself.
        reach: Frames to either side that a node sees.
    """

    needs_pose = False

    def __init__(
        self, channels: int, width: int = 512, neighbours: int = 3, reach: int = 3
    ) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.reach = reach
        self.out_channels = 2 * width
        self.own = nn.Linear(channels, width)
        self.others = nn.Linear(channels, width)
        self.norm = nn.BatchNorm1d(2 * width)
        for layer in (self.own, self.others):
            nn.init.xavier_uniform_(layer.weight, gain=nn.init.calculate_gain("relu"))

    def forward(self, nodes: Tensor, occupied: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Return the updated nodes, (B, T, N, 2 * width).

        Args:
            nodes: (B, T, N, C).
            occupied: Not used.
        """
        others = nearest_mean(nodes, count=self.neighbours, reach=self.reach)
        both = torch.cat([self.own(nodes), self.others(others)], dim=-1)
        return normalize_channels(self.norm, F.relu(F.normalize(both, dim=-1)))


@MODELS.register_module()
class AffinityGraphConv(nn.Module):
    """Residual update over likeness and, with ``pose``, over parts of the body (Wu et al. 2020).

    ``(1 - gamma) x + gamma leaky(norm(G W x))``, G the mean of the row-normalised graphs.

    Args:
        channels: Channels of the nodes, C.
        gamma: Share of the update.
        pose: Whether nodes of one part of the body are connected.
    """

    def __init__(self, channels: int, gamma: float = 0.1, pose: bool = True) -> None:
        super().__init__()
        self.gamma = gamma
        self.needs_pose = pose
        self.out_channels = channels
        self.linear = nn.Linear(channels, channels, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        nn.init.normal_(self.linear.weight, std=0.01)

    def forward(self, nodes: Tensor, occupied: Tensor | None = None) -> Tensor:
        """Return the updated nodes, (B, T, N, C).

        Args:
            nodes: (B, T, N, C).
            occupied: Which nodes hold which part of the body, (B, T, parts, N), with ``pose``.
        """
        graphs = [distance_affinity(nodes.flatten(1, 2))]
        if self.needs_pose and occupied is not None:
            graphs.insert(0, part_adjacency(occupied).to(nodes))
        passed = propagate(nodes, self.linear(nodes), graphs)
        update = F.leaky_relu(normalize_channels(self.norm, passed), 0.1)
        return (1 - self.gamma) * nodes + self.gamma * update
