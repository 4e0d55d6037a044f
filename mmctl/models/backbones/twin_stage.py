"""The last stage more than once, with weights of their own."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmctl.registry import MODELS


@MODELS.register_module()
class TwinStage(BaseModule):
    """Run the last stage and copies of it on the same maps (AGRL).

    Args:
        last_stage: The last stage of the backbone; the backbone keeps it.
        names: What its maps are called, and those of each copy.
        init_cfg: MMEngine's initialisation config.
    """

    def __init__(
        self,
        last_stage: nn.Sequential,
        names: Sequence[str] = ("whole", "graph"),
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.names = tuple(names)
        self.copies = nn.ModuleList(copy.deepcopy(last_stage) for _ in names[1:])

    def copy_from(self, last_stage: nn.Sequential) -> None:
        """Give the copies the weights of the stage."""
        for own in self.copies:
            own.load_state_dict(last_stage.state_dict())

    def forward(self, clips: Tensor, last_stage: nn.Sequential) -> dict[str, Tensor]:
        """Return the maps of the stage and of its copies by name, (B, T, C', H', W').

        Args:
            clips: Maps of the stage before, (B, T, C, H, W).
            last_stage: The last stage.
        """
        frames = clips.flatten(0, 1)
        stages = (last_stage, *self.copies)
        return {
            name: stage(frames).unflatten(0, clips.shape[:2])
            for name, stage in zip(self.names, stages, strict=True)
        }
