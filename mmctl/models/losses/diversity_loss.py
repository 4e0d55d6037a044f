"""The diversity regularisation as a registered component."""

from __future__ import annotations

from torch import Tensor, nn

from mmctl.functional.losses import part_diversity
from mmctl.registry import MODELS


@MODELS.register_module()
class DiversityLoss(nn.Module):
    """:func:`mmctl.functional.losses.part_diversity` with a weight (eq. 8).

    Args:
        loss_weight: lambda_3 of eq. 9.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, parts: Tensor) -> Tensor:
        """Return the weighted loss of time-averaged parts (B, N, C), a scalar."""
        return self.loss_weight * part_diversity(parts)
