"""What other frames show of the same, added to each frame (TSB of TCLNet)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmctl.functional.saliency import boost_weights
from mmctl.registry import MODELS


@MODELS.register_module()
class SaliencyBoosting(nn.Module):
    """Add to all places of a frame what it finds in the other frames (Hou et al., ECCV 2020).

    The scale and shift of its batch norm start at zero, so a new one changes nothing.

    Args:
        channels: Channels of the maps, C.
        scale: See :func:`mmctl.functional.saliency.boost_weights`.
    """

    clip_rule = "a frame looks at the others, so there must be two"
    """Why it does not take clips of every length, which a graph has to."""

    def __init__(self, channels: int, scale: float = 5.0) -> None:
        super().__init__()
        self.scale = scale
        self.output = nn.Conv2d(channels, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.normal_(self.output.weight, std=math.sqrt(2 / channels))
        nn.init.zeros_(self.norm.weight)

    def forward(self, clips: Tensor) -> Tensor:
        """Return the boosted maps, (B, T, C, H, W).

        Args:
            clips: (B, T, C, H, W), T of at least two.

        Raises:
            ValueError: If a clip has one frame.
        """
        weights = boost_weights(clips, scale=self.scale)
        found = torch.einsum("btshw,bschw->btc", weights, clips).flatten(0, 1)
        added = self.norm(self.output(found[..., None, None]))
        return clips + added.unflatten(0, clips.shape[:2])
