"""From the features of a clip's frames to one of the clip."""

from __future__ import annotations

from torch import Tensor, nn

from mmctl.registry import MODELS


@MODELS.register_module()
class MeanPool(nn.Module):
    """The mean over the frames (temporal pooling, TP).

    Args:
        channels: Channels of a frame's feature, C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels

    def forward(self, features: Tensor, maps: Tensor) -> Tensor:  # noqa: ARG002
        """Return the clip's feature, (B, C).

        Args:
            features: (B, T, C).
            maps: What they were pooled of, (B, T, C, H, W); not used.
        """
        return features.mean(dim=1)
