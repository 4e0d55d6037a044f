"""The batch-hard triplet loss as a registered component."""

from __future__ import annotations

import logging

from mmengine.logging import print_log
from torch import Tensor, nn

from mmctl.functional.losses import has_triplets, triplet_terms
from mmctl.models.losses.gather_rows import gather_rows
from mmctl.models.watched_values import watch
from mmctl.registry import MODELS

MINING = ("global", "per-rank")


@MODELS.register_module()
class BatchHardTripletLoss(nn.Module):
    """:func:`mmctl.functional.losses.batch_hard_triplet` with a weight.

    With ``mining='global'`` the hardest pairs are sought in the batch of all processes, so that
    training on several devices finds the same pairs as one device with the whole batch; every
    process must hold the same number of clips. With ``'per-rank'`` each process seeks among its
    own clips, which is easier the more processes share a batch. The first batch is warned of in
    which no clip has both another of its person and one of another person: it teaches nothing, and
    the loss alone does not tell that from a network that has learnt everything.

    Args:
        margin: Margin between the hardest positive and the hardest negative, Euclidean.
        loss_weight: lambda_1 of eq. 9.
        mining: ``'global'`` or ``'per-rank'``; the same for one process.

    Raises:
        ValueError: If ``mining`` is neither.
    """

    def __init__(
        self, margin: float = 0.3, loss_weight: float = 1.0, mining: str = "global"
    ) -> None:
        super().__init__()
        if mining not in MINING:
            raise ValueError(f"mining must be one of {MINING}, got {mining!r}")
        self.margin = margin
        self.loss_weight = loss_weight
        self.mining = mining
        self._has_warned = False
        self._had_triplets: Tensor | None = None

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the weighted loss of features (B, C) and labels (B,), a scalar.

        Watched is ``active_triplets``, the share of anchors whose term is not zero.
        """
        if self.mining == "global":
            features, labels = gather_rows(features), gather_rows(labels)
        self._look_for_triplets(labels)
        terms = triplet_terms(features, labels, margin=self.margin)
        watch("active_triplets", (terms.detach() > 0).float().mean())
        return self.loss_weight * terms.mean()

    def _look_for_triplets(self, labels: Tensor) -> None:
        """Warn once of a batch without triplets; on a GPU of the one before, not to wait for it."""
        if self._has_warned:
            return
        before, self._had_triplets = self._had_triplets, has_triplets(labels)
        seen = before if labels.is_cuda else self._had_triplets
        if seen is None or seen:
            return
        self._has_warned = True
        print_log(
            f"BatchHardTripletLoss: no clip of a batch of {len(labels)} has both another clip of "
            "its person and one of another person, so this loss teaches nothing there; "
            "IdentitySampler with num_pids and num_clips of 2 or more makes batches that have "
            "them. Further batches are not warned of.",
            logger="current",
            level=logging.WARNING,
        )
