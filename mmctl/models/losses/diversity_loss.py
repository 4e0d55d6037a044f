"""The diversity regularisation as a registered component."""

from __future__ import annotations

from torch import Tensor, nn

from mmctl.functional.losses import check_reduction, diversity_terms, reduce_terms
from mmctl.registry import MODELS


@MODELS.register_module()
class DiversityLoss(nn.Module):
    """:func:`mmctl.functional.losses.part_diversity` with a weight (eq. 8).

    Args:
        loss_weight: lambda_3 of eq. 9.
        reduction: ``'none'``, ``'mean'`` or ``'sum'`` over the clips.

    Raises:
        ValueError: If ``reduction`` is none of these.
    """

    def __init__(self, loss_weight: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction(reduction)
        self.loss_weight = loss_weight
        self.reduction = reduction

    def forward(
        self,
        parts: Tensor,
        labels: Tensor | None = None,  # noqa: ARG002
        weight: Tensor | None = None,
        avg_factor: Tensor | float | None = None,
        reduction_override: str | None = None,
    ) -> Tensor:
        """Return the weighted loss of time-averaged parts.

        Args:
            parts: (B, N, C).
            labels: Not used: the heads of other projects hand them to every loss.
            weight: Factor of each clip, (B,) or (B, 1).
            avg_factor: As in :func:`~mmctl.functional.losses.reduce_terms`.
            reduction_override: Instead of ``reduction``.

        Returns:
            A scalar, or (B,) with ``'none'``.

        Raises:
            ValueError: If ``parts`` has another number of axes, or an argument is wrong.
        """
        if parts.dim() != 3:
            raise ValueError(
                "DiversityLoss compares the parts of each clip, (B, N, C), and not the clips of a "
                f"batch, got {tuple(parts.shape)}"
            )
        return self.loss_weight * reduce_terms(
            diversity_terms(parts),
            weight=weight,
            reduction=reduction_override or self.reduction,
            avg_factor=avg_factor,
        )
