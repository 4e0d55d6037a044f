"""A branch whose nodes are the stripes of all frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmctl.functional.clip_pooling import norm_weights, weighted_mean
from mmctl.functional.stripes import stripe_means
from mmctl.models.build_component import build_component
from mmctl.registry import MODELS

POOLS = ("mean", "norm")


@MODELS.register_module()
class StripeBranch(nn.Module):
    """Cut frames into stripes, refine them on graphs over the clip, and average them.

    Args:
        channels: Channels of the maps, C.
        stripes: Stripes of each level, the finest first.
        layers: Configs of the graph layers, :class:`NearestGraphConv` where one has no type. They
            get ``channels``.
        pool: ``'mean'`` over frames, or ``'norm'``: each stripe's frames by their lengths.
        subsets: In training, this many further features of the clip from random frames: the last
            without one of them, the one before without two, ...

    Raises:
        ValueError: If ``pool`` is unknown.
    """

    def __init__(
        self,
        channels: int,
        stripes: Sequence[int],
        layers: Sequence[dict[str, Any]],
        pool: str = "mean",
        subsets: int = 0,
    ) -> None:
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f"StripeBranch's pool must be one of {POOLS}, got {pool!r}")
        self.stripes = tuple(stripes)
        self.pool = pool
        self.subsets = subsets
        self.layers = nn.ModuleList()
        self.out_channels = channels
        for index, cfg in enumerate(layers):
            layer: Any = build_component(
                f"layers[{index}]", cfg, "mmctl.NearestGraphConv", channels=self.out_channels
            )
            self.layers.append(layer)
            self.out_channels = layer.out_channels

    @property
    def needs_pose(self) -> bool:
        """Whether a layer connects parts of the body."""
        layers: Sequence[Any] = list(self.layers)
        return any(layer.needs_pose for layer in layers)

    def forward(self, maps: Tensor, occupied: Tensor | None = None) -> list[Tensor]:
        """Return the clip's feature, in training those of the subsets behind it, (B, C) each.

        Args:
            maps: (B, T, C, H, W).
            occupied: Which stripes hold which part of the body, (B, T, parts, N).
        """
        nodes = stripe_means(maps, self.stripes)
        for layer in self.layers:
            nodes = layer(nodes, occupied)
        features = [self._average(nodes)]
        if self.training:
            for left_out in range(self.subsets, 0, -1):
                order = torch.randperm(nodes.shape[1])[left_out:].sort().values
                features.append(self._average(nodes[:, order.to(nodes.device)]))
        return features

    def _average(self, nodes: Tensor) -> Tensor:
        if self.pool == "mean":
            return nodes.mean(dim=(1, 2))
        return weighted_mean(nodes, norm_weights(nodes)).mean(dim=1)
