"""The batch-hard triplet loss as a registered component."""

from __future__ import annotations

from torch import Tensor

from mmctl.functional.losses import check_margin, check_metric, triplet_terms
from mmctl.models.losses.pair_loss import PairLoss
from mmctl.models.watched_values import watch
from mmctl.registry import MODELS


@MODELS.register_module()
class BatchHardTripletLoss(PairLoss):
    """:func:`mmctl.functional.losses.batch_hard_triplet` with a weight.

    Watched is ``active_triplets``, the share of anchors whose term is not zero.

    Args:
        margin: Margin between the hardest positive and the hardest negative, or ``'soft'``.
        loss_weight: lambda_1 of eq. 9.
        mining: As of :class:`PairLoss`: where the hardest pairs are sought.
        reduction: ``'none'``, ``'mean'`` or ``'sum'`` over the anchors.
        metric: ``'euclidean'`` or ``'cosine'`` distance.

    Raises:
        ValueError: If ``margin``, ``mining``, ``reduction`` or ``metric`` is none of these.
    """

    def __init__(
        self,
        margin: float | str = 0.3,
        loss_weight: float = 1.0,
        mining: str = "global",
        reduction: str = "mean",
        metric: str = "euclidean",
    ) -> None:
        super().__init__(loss_weight, mining, reduction)
        check_margin(margin)
        check_metric(metric)
        self.margin = margin
        self.metric = metric

    def terms(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return :func:`~mmctl.functional.losses.triplet_terms`, (B,)."""
        terms = triplet_terms(features, labels, margin=self.margin, metric=self.metric)
        watch("active_triplets", (terms.detach() > 0).float().mean())
        return terms
