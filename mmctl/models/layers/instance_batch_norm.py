"""Instance and batch norm side by side (Pan et al., "Two at Once", ECCV 2018: IBN-Net)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmctl.registry import MODELS


@MODELS.register_module()
class InstanceBatchNorm(nn.Module):
    """An instance norm of the first channels of a map, a batch norm of the others.

    In the place of the first norm of each block of the first three stages it makes IBN-Net-a of a
    ResNet, with the same weights and multiply-accumulates. Names are those of the authors' code,
    whose checkpoints load.

    Args:
        channels: Channels of the maps.
        ratio: Share of the channels that the instance norm gets, rounded down.

    Raises:
        ValueError: If either norm would have no channel.
    """

    def __init__(self, channels: int, ratio: float = 0.5) -> None:
        super().__init__()
        own = int(channels * ratio)
        if not 0 < own < channels:
            raise ValueError(
                f"ratio must leave channels to both norms, got {ratio!r} of {channels} channels"
            )
        self.sizes = (own, channels - own)
        self.IN = nn.InstanceNorm2d(own, affine=True)
        self.BN = nn.BatchNorm2d(channels - own)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the normalised maps, (B, channels, H, W), in their order in memory."""
        instance, batch = maps.split(self.sizes, dim=1)
        joined = torch.cat((self.IN(instance), self.BN(batch)), dim=1)
        if maps.is_contiguous() or not maps.is_contiguous(memory_format=torch.channels_last):
            return joined
        # The instance norm forgets the order in memory, which all layers behind it would lose.
        return joined.contiguous(memory_format=torch.channels_last)
