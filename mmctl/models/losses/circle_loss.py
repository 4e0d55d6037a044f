"""The circle loss as a registered component."""

from __future__ import annotations

import math

from torch import Tensor

from mmctl.functional.circle import circle_terms
from mmctl.models.losses.pair_loss import PairLoss
from mmctl.registry import MODELS


@MODELS.register_module()
class CircleLoss(PairLoss):
    """:func:`mmctl.functional.circle.circle_terms` with a weight, in the place of the triplet loss.

    Args:
        margin: m, from 0 to 1; the authors take 0.25 for persons.
        scale: gamma, positive.
        loss_weight: Factor on the loss, whose terms are of the size of ``scale``.
        mining: As of :class:`PairLoss`: where pairs are sought.
        reduction: ``'none'``, ``'mean'`` or ``'sum'`` over the anchors.

    Raises:
        ValueError: If an argument is out of range or unknown.
    """

    def __init__(
        self,
        margin: float = 0.25,
        scale: float = 64.0,
        loss_weight: float = 1.0,
        mining: str = "global",
        reduction: str = "mean",
    ) -> None:
        super().__init__(loss_weight, mining, reduction)
        if not 0 <= margin <= 1:
            raise ValueError(f"margin must be from 0 to 1, as it shifts cosines, got {margin!r}")
        if not 0 < scale < math.inf:
            raise ValueError(
                f"scale must be positive and finite, as it multiplies cosines, got {scale!r}"
            )
        self.margin = margin
        self.scale = scale

    def terms(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return :func:`~mmctl.functional.circle.circle_terms`, (B,)."""
        return circle_terms(features, labels, margin=self.margin, scale=self.scale)
