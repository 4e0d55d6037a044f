"""Later frames look away from what the first ones have seen (SBM of SINet)."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from mmctl.functional.broadening import broad_weights, central_channels, exchange, salient_kernel
from mmctl.registry import MODELS


@MODELS.register_module()
class SalientToBroad(nn.Module):
    """Suppress in later frames what is most like the first ones (Bai et al., CVPR 2022).

    Args:
        channels: Channels of the maps, C.
        salient: First frames of a clip, whose places make a kernel; the others are broadened.
        num_frames: Frames of a clip; longer ones are taken as several, one behind the other.
        size: Height and width of the kernel.
        strength: See :func:`~mmctl.functional.broadening.broad_weights`.
        share: See :func:`~mmctl.functional.broadening.exchange`.

    Raises:
        ValueError: If no frame is salient, or none is left.
    """

    def __init__(
        self,
        channels: int,
        salient: int,
        num_frames: int = 4,
        size: int = 3,
        strength: float = 5.0,
        share: float = 0.1,
    ) -> None:
        super().__init__()
        if not 0 < salient < num_frames:
            raise ValueError(
                f"SalientToBroad's salient must be from 1 to {num_frames - 1}, so that the first "
                f"of num_frames={num_frames} frames teach the others, got {salient}"
            )
        self.salient, self.num_frames = salient, num_frames
        self.size, self.strength, self.share = size, strength, share
        self.kernel = nn.Sequential(
            nn.Conv2d(channels, size * size, 1), nn.BatchNorm2d(size * size), nn.ReLU()
        )
        self.gate = nn.Sequential(
            nn.Conv2d(channels, channels // 4, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, 1),
            nn.Sigmoid(),
        )
        for layer in (self.kernel[0], self.gate[0], self.gate[2]):
            assert isinstance(layer, nn.Conv2d)
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.out_channels))

    @property
    def clip_rule(self) -> str:
        """Why it does not take clips of every length, which a graph has to."""
        return f"it takes num_frames={self.num_frames} at a time"

    def forward(self, clips: Tensor) -> Tensor:
        """Return the maps of clips whose frames have learnt of each other, (B, T, C, H, W).

        Args:
            clips: (B, T, C, H, W).

        Raises:
            ValueError: If T is no multiple of ``num_frames``.
        """
        if clips.shape[1] % self.num_frames:
            raise ValueError(
                f"SalientToBroad takes num_frames={self.num_frames} at a time, so clips must have "
                f"a multiple of that, got {clips.shape[1]} frames"
            )
        return self._broaden(clips.reshape(-1, self.num_frames, *clips.shape[2:])).view_as(clips)

    def _broaden(self, clips: Tensor) -> Tensor:
        weights = self.gate(clips.mean(dim=(1, 3, 4))[..., None, None])
        weights = weights * central_channels(clips)[..., None, None]
        gated = F.relu(clips * weights.unsqueeze(1))
        first, others = gated[:, : self.salient], gated[:, self.salient :]
        scores = self.kernel(first.flatten(0, 1)).unflatten(0, first.shape[:2])
        kernel = salient_kernel(first, scores, self.size)
        kept = broad_weights(others, kernel, strength=self.strength)
        return exchange(clips[:, : self.salient], clips[:, self.salient :], kept, share=self.share)
