"""Heatmaps from stored keypoints."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor

from mmctl.registry import MODELS


@MODELS.register_module()
class KeypointHeatmaps(BaseModule):
    """Draw stored keypoints as the heatmaps that an estimator would give.

    A Gaussian per keypoint whose peak is the keypoint's score, on a map ``stride`` times smaller
    than the frame. A hidden joint (score 0) is an all-zero map, which the softmax of eq. 1 turns
    into the global feature.

    Args:
        stride: Frame pixels per heatmap pixel.
        sigma: Standard deviation of the Gaussian in heatmap pixels.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: If ``stride`` or ``sigma`` is not positive.
    """

    reads = "keypoints"

    def __init__(self, stride: int = 4, sigma: float = 2.0, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg)
        if stride < 1 or sigma <= 0:
            raise ValueError(f"stride and sigma must be positive, got {stride} and {sigma}")
        self.stride = stride
        self.sigma = sigma

    def from_clip(self, frames: Tensor, stored: Tensor) -> Tensor:
        """Return the heatmaps of clips; a source of heatmaps does."""
        return self(stored.flatten(0, 1), (frames.shape[2], frames.shape[3]))

    @torch.no_grad()
    def forward(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """Draw the heatmaps of every frame.

        Args:
            keypoints: x, y, score in pixels of the frame (integers are pixel centres), (M, 17, 3).
            size: (H, W) of the frame.

        Returns:
            Raw heatmaps, (M, 17, H // stride, W // stride), float32.
        """
        keypoints = keypoints.float()
        centres = (keypoints[..., :2] + 0.5) / self.stride - 0.5
        columns = self._profile(centres[..., 0], size[1] // self.stride)
        rows = self._profile(centres[..., 1], size[0] // self.stride)
        return keypoints[..., 2, None, None] * rows.unsqueeze(-1) * columns.unsqueeze(-2)

    def _profile(self, centres: Tensor, length: int) -> Tensor:
        """Return the Gaussian along one axis, (M, 17, length); a 2D Gaussian is a product."""
        steps = torch.arange(length, device=centres.device, dtype=centres.dtype)
        return torch.exp(-0.5 * ((steps - centres.unsqueeze(-1)) / self.sigma).square())
