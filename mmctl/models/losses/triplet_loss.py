"""The batch-hard triplet loss as a registered component."""

from __future__ import annotations

from torch import Tensor, nn

from mmctl.functional.losses import batch_hard_triplet
from mmctl.models.losses.gather_rows import gather_rows
from mmctl.registry import MODELS


@MODELS.register_module()
class BatchHardTripletLoss(nn.Module):
    """:func:`mmctl.functional.losses.batch_hard_triplet` with a weight.

    Mines the batch of all processes, so that training on several devices finds the same hardest
    pairs as one with the whole batch. Every process must hold the same number of clips.

    Args:
        margin: Margin between the hardest positive and the hardest negative, Euclidean.
        loss_weight: lambda_1 of eq. 9.
    """

    def __init__(self, margin: float = 0.3, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.margin = margin
        self.loss_weight = loss_weight

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss of features (B, C) and labels (B,), a scalar."""
        features, labels = gather_rows(features), gather_rows(labels)
        return self.loss_weight * batch_hard_triplet(features, labels, margin=self.margin)
