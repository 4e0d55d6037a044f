"""The last stage twice, the second time blind to what the first has seen (TSE of TCLNet)."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.functional.saliency import mean_of_the_rest, most_alike_rows
from mmctl.registry import MODELS


@MODELS.register_module()
class SaliencyErasing(BaseModule):
    """Two learners of neighbouring frames that look at different places (Hou et al., ECCV 2020).

    A clip is cut into pairs of frames. The first frame of a pair goes through the last stage, whose
    last block is the first learner. Rows of the second frame that are most alike to what that has
    found are erased before it goes through the same stage with a second learner, a copy of the last
    block. Every frame has its own batch statistics, as in the public code.

    Args:
        last_stage: The last stage of the backbone; the backbone keeps it.
        rows: Rows that are erased.
        init_cfg: MMEngine's initialisation config.
    """

    clip_rule = "it takes frames in pairs"
    """Why it does not take clips of every length, which a graph has to."""

    names = ("first", "second")
    """Its maps: what the first learner finds in the first frames, the second in the others."""

    def __init__(
        self, last_stage: nn.Sequential, rows: int = 3, init_cfg: dict | None = None
    ) -> None:
        super().__init__(init_cfg)
        first: Any = last_stage[0]
        last: Any = last_stage[-1]
        channels, width = first.in_channels, last.out_channels
        self.rows = rows
        self.learner = copy.deepcopy(last)
        self.correlate = nn.Conv2d(width, channels, 1, bias=False)
        self.restore = nn.Conv2d(channels, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        for layer in (self.correlate, self.restore):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / channels))
        nn.init.zeros_(self.norm.weight)

    def copy_from(self, last_stage: nn.Sequential) -> None:
        """Give the second learner the weights of the first."""
        self.learner.load_state_dict(last_stage[-1].state_dict())

    def forward(self, clips: Tensor, last_stage: nn.Sequential) -> dict[str, Tensor]:
        """Return the maps of both learners.

        Args:
            clips: Maps of the stage before, (B, T, C, H, W), T even.
            last_stage: The last stage.

        Returns:
            ``first`` and ``second``, (B, T / 2, C', H', W').

        Raises:
            ValueError: If T is odd, or the map has no more rows than are erased.
        """
        if clips.shape[1] % 2:
            raise ValueError(
                "SaliencyErasing needs clips of an even number of frames, because it takes them "
                f"in pairs, got {clips.shape[1]}"
            )
        *shared, learner = last_stage
        found: dict[str, list[Tensor]] = {name: [] for name in self.names}
        for one, two in _pairs(clips):
            nothing = torch.zeros(one.shape[0], one.shape[2], dtype=torch.bool, device=one.device)
            first = self._learn(one, torch.zeros_like(one[:, 0]), nothing, *shared, learner)
            correlation = self._correlation(first.detach(), two)
            block = most_alike_rows(correlation.detach(), rows=self.rows)
            found["first"].append(first)
            found["second"].append(self._learn(two, correlation, block, *shared, self.learner))
        return {name: torch.stack(maps, dim=1) for name, maps in found.items()}

    def _learn(self, maps: Tensor, logits: Tensor, erased: Tensor, *blocks: nn.Module) -> Tensor:
        """Erase rows, add what the rest shows to all places, and run the blocks."""
        rest = mean_of_the_rest(maps, logits, erased)
        maps = maps * ~erased[:, None, :, None] + self.norm(self.restore(rest[..., None, None]))
        for block in blocks:
            maps = block(maps)
        return maps

    def _correlation(self, seen: Tensor, maps: Tensor) -> Tensor:
        """Return how alike each place is to what was seen, (B, H, W)."""
        asked = self.correlate(seen.mean(dim=(2, 3), keepdim=True))
        return (asked * maps).sum(dim=1) / math.sqrt(maps.shape[1])


def _pairs(clips: Tensor) -> list[tuple[Tensor, Tensor]]:
    frames = clips.unbind(dim=1)
    return list(zip(frames[0::2], frames[1::2], strict=True))
