"""What losses of the pairs within a batch have in common."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.logging import print_log
from torch import Tensor, nn

from mmctl.functional.losses import check_reduction, has_triplets, reduce_terms
from mmctl.models.losses.gather_rows import gather_rows

MINING = ("global", "per-rank")


class PairLoss(nn.Module, ABC):
    """A loss that compares the clips of a batch, by the rules of OpenMMLab's losses.

    With ``mining='global'`` pairs are sought in the batch of all processes, so that training on
    several devices finds the same pairs as one device with the whole batch; every process must hold
    the same number of clips. With ``'per-rank'`` each process seeks among its own clips, which is
    easier the more processes share a batch. The first batch is warned of in which no clip has both
    another of its person and one of another person: no triplet is learnt from, and the loss alone
    does not tell that.

    Args:
        loss_weight: Factor on the loss.
        mining: ``'global'`` or ``'per-rank'``; the same for one process.
        reduction: ``'none'``, ``'mean'`` or ``'sum'`` over the anchors.

    Raises:
        ValueError: If ``mining`` or ``reduction`` is none of these.
    """

    def __init__(
        self, loss_weight: float = 1.0, mining: str = "global", reduction: str = "mean"
    ) -> None:
        super().__init__()
        if mining not in MINING:
            raise ValueError(f"mining must be one of {MINING}, got {mining!r}")
        check_reduction(reduction)
        self.loss_weight = loss_weight
        self.mining = mining
        self.reduction = reduction
        self._has_warned = False
        self._had_triplets: Tensor | None = None

    @abstractmethod
    def terms(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return what each anchor adds.

        Args:
            features: (B, C).
            labels: Identity of each row, (B,).

        Returns:
            (B,).
        """

    def forward(
        self,
        features: Tensor,
        labels: Tensor,
        weight: Tensor | None = None,
        avg_factor: Tensor | float | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Return the weighted loss.

        Args:
            features: (B, C).
            labels: Identity of each row, (B,) or (B, 1).
            weight: Factor of each anchor, (B,) or (B, 1). An anchor of weight 0 teaches nothing of
                its own and still is positive or negative of others.
            avg_factor: What the sum over anchors is divided by for the mean, instead of their
                number: that of this process, with ``mining='global'`` added up over all.
            reduction_override: Instead of ``reduction``.

        Returns:
            A scalar, or (B,) with ``'none'``.

        Raises:
            ValueError: If shapes do not fit, labels are not one id per row, or an argument is
                wrong.
        """
        reduction = reduction_override or self.reduction
        labels = self._as_ids(features, labels)
        if self.mining == "global" and get_world_size() > 1:
            if reduction == "none":
                raise ValueError(
                    "reduction 'none' needs mining='per-rank' where several processes train, "
                    "because with 'global' the terms of one depend on the clips of the others"
                )
            features, labels = gather_rows(features), gather_rows(labels)
            weight = None if weight is None else gather_rows(weight.flatten())
            avg_factor = _add_up(avg_factor, features)
        self._look_for_triplets(labels)
        return self.loss_weight * reduce_terms(
            self.terms(features, labels),
            weight=weight,
            reduction=reduction,
            avg_factor=avg_factor,
        )

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
            f"{type(self).__name__}: no clip of a batch of {len(labels)} has both another clip of "
            "its person and one of another person, so there is no triplet of it to learn from; "
            "IdentitySampler with num_pids and num_clips of 2 or more makes batches that have "
            "them. Further batches are not warned of.",
            logger="current",
            level=logging.WARNING,
        )

    def _as_ids(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return labels (B,); those of (B, 1) are flattened."""
        if features.dim() != 2:
            raise ValueError(
                f"{type(self).__name__} compares one feature per item, (B, C), got "
                f"{tuple(features.shape)}: pool maps first"
            )
        ids = labels.flatten() if labels.dim() == 2 and labels.shape[1] == 1 else labels
        if ids.shape != features.shape[:1] or ids.is_floating_point():
            raise ValueError(
                f"labels must be one whole number per feature, ({len(features)},) or "
                f"({len(features)}, 1), because mixed or one-hot labels name no single identity, "
                f"got {labels.dtype} {tuple(labels.shape)}"
            )
        return ids


def _add_up(avg_factor: Tensor | float | None, like: Tensor) -> Tensor | None:
    """Return the sum over all processes of what each divides by."""
    if avg_factor is None:
        return None
    total = torch.as_tensor(avg_factor, dtype=torch.float32, device=like.device).clone()
    all_reduce(total)
    return total
