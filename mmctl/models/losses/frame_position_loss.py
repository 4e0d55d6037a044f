"""The loss of frames by their position in a clip as a registered component."""

from __future__ import annotations

from torch import Tensor, nn

from mmctl.functional.broadening import frame_position_loss
from mmctl.registry import MODELS


@MODELS.register_module()
class FramePositionLoss(nn.Module):
    """:func:`mmctl.functional.broadening.frame_position_loss` of projected frames (SINet).

    Args:
        channels: Channels of a frame's feature, C.
        temperature: Divides the cosines.
    """

    def __init__(self, channels: int, temperature: float = 0.07) -> None:
        super().__init__()
        self.temperature = temperature
        self.projection = nn.Linear(channels, channels)
        nn.init.kaiming_normal_(self.projection.weight, mode="fan_out")
        nn.init.zeros_(self.projection.bias)

    def forward(self, frames: Tensor, labels: Tensor) -> Tensor:
        """Return the loss, a scalar.

        Args:
            frames: (B, T, C).
            labels: (B,).
        """
        return frame_position_loss(self.projection(frames), labels, self.temperature)
