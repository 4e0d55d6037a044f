"""Plug-ins that see all places of a clip at once (SANet, IDNet)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from mmctl.functional.moments import clip_moments, distribute_moments
from mmctl.registry import MODELS


@MODELS.register_module()
class StatisticAttention(nn.Module):
    """Add to every place the statistics of the clip that it is most like (Bai et al. 2021).

    ``relu(x + norm(W distribute(V x)))``; the batch norm's scale and shift start at zero.

    Args:
        channels: Channels of the maps, C; the statistics are of C / 4.
        orders: Moments behind mean and spread.
    """

    def __init__(self, channels: int, orders: Sequence[int] = (4, 5, 6)) -> None:
        super().__init__()
        self.orders = tuple(orders)
        self.squeeze = nn.Conv2d(channels, channels // 4, 1)
        self.expand = nn.Conv2d(channels // 4, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        for layer in (self.squeeze, self.expand):
            nn.init.kaiming_normal_(layer.weight)
        nn.init.zeros_(self.norm.weight)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps with their clip's statistics, (B, T, C, H, W).

        Args:
            clips: (B, T, C, H, W).
        """
        squeezed = self.squeeze(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
        found = distribute_moments(squeezed, clip_moments(squeezed, self.orders))
        added = self.norm(self.expand(found.flatten(0, 1))).view_as(clips)
        return F.relu(clips + added)


@MODELS.register_module()
class IntegrationDistribution(nn.Module):
    """Let every place of a clip see all others through a few mixtures of them (Bai et al. 2022).

    Places are the channels of two layers, so the weights fix frames and map. The last layer starts
    at zero.

    Args:
        channels: Channels of the maps, C.
        num_frames: Frames of a clip, T.
        map_size: Height and width of the map.
        reduction: C and the places are divided by it in between.
    """

    def __init__(
        self, channels: int, num_frames: int, map_size: Sequence[int], reduction: int = 16
    ) -> None:
        super().__init__()
        self.num_frames = num_frames
        self.map_size = (map_size[0], map_size[1])
        places, width = num_frames * map_size[0] * map_size[1], max(1, channels // reduction)
        few = max(1, places // reduction)
        self.squeeze = nn.Sequential(nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width))
        self.integrate = nn.Sequential(nn.Conv1d(places, few, 1), nn.BatchNorm1d(few))
        self.distribute = nn.Conv1d(few, places, 1)
        self.expand = nn.Conv2d(width, channels, 1)
        for layer in (self.squeeze[0], self.integrate[0], self.distribute):
            assert isinstance(layer, (nn.Conv1d, nn.Conv2d))
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.out_channels))
        nn.init.zeros_(self.expand.weight)
        nn.init.zeros_(cast(Tensor, self.expand.bias))

    @property
    def clip_rule(self) -> str:
        """Why it does not take clips of every length, which a graph has to."""
        return f"its weights fix num_frames={self.num_frames}"

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps with what all places say, (B, T, C, H, W).

        Args:
            clips: (B, T, C, H, W).

        Raises:
            ValueError: If T or the map's size is another than the weights are for.
        """
        given = (clips.shape[1], tuple(clips.shape[-2:]))
        if given != (self.num_frames, self.map_size):
            raise ValueError(
                f"IntegrationDistribution was built for clips of num_frames={self.num_frames} with "
                f"maps of {self.map_size}, which its weights fix, got {given[0]} frames with maps "
                f"of {given[1]}"
            )
        squeezed = self.squeeze(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])
        places = squeezed.movedim(2, -1).flatten(1, 3)  # (B, places, C / reduction)
        mixed = places + self.distribute(self.integrate(places))
        maps = mixed.unflatten(1, (self.num_frames, *self.map_size)).movedim(-1, 2)
        return F.relu(clips + self.expand(maps.flatten(0, 1)).view_as(clips))
