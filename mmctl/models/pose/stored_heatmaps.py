"""Heatmaps that an estimator gave once and the data set keeps."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor

from mmctl.models.pose.heatmap_source import check_heatmaps
from mmctl.registry import MODELS


@MODELS.register_module()
class StoredHeatmaps(BaseModule):
    """Hand the stored heatmaps of the samples on.

    They are an estimator's raw maps at their own small size, of which each covers the whole frame,
    and moved with the frames by the transforms. Has no parameters.

    Args:
        init_cfg: MMEngine's initialisation config.
    """

    reads = "heatmaps"

    def __init__(self, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)

    def from_clip(self, frames: Tensor, stored: Tensor) -> Tensor:  # noqa: ARG002
        """Return the heatmaps of clips; a source of heatmaps does."""
        return self(stored.flatten(0, 1))

    def forward(self, heatmaps: Tensor) -> Tensor:
        """Return the heatmaps in float32.

        Args:
            heatmaps: Raw heatmaps as they are stored, (M, 17, h, w).

        Returns:
            Raw heatmaps, (M, 17, h, w), float32.

        Raises:
            ValueError: If there are not 17 maps per frame.
        """
        check_heatmaps(heatmaps, "the stored heatmaps")
        return heatmaps.float()
