"""The two readings of the feature for retrieval: before the neck and after it."""

from __future__ import annotations

from torch import Tensor, nn

from mmctl.functional.similarity import batch_norm_affine
from mmctl.models.heads.fusion_head import FusionHead

READINGS = ("before", "after")

Affine = tuple[Tensor | None, Tensor | None]
"""Factor and constant of each channel, (C,); None for 1 and 0."""


def read_feature(head: FusionHead, reading: str | None = None) -> Affine:
    """Return what the neck does to the feature for retrieval, in eval mode.

    Args:
        head: The head of the model.
        reading: ``'before'`` or ``'after'`` the neck; ``None``: as the model is tested.

    Raises:
        ValueError: If it is neither, there is no neck, or the neck is no batch norm, whose
            feature alone stays a sum.
    """
    chosen = head.test_feature if reading is None else reading
    if chosen not in READINGS:
        raise ValueError(f"feature must be 'before' or 'after' the neck, got {reading!r}")
    if chosen == "before":
        return None, None
    if head.test_branch not in head.necks:
        raise ValueError("feature='after' needs a model with a neck, but its head has neck='none'")
    norm = head.necks[head.test_branch]
    if not isinstance(norm, nn.modules.batchnorm._BatchNorm) or norm.running_mean is None:
        raise ValueError(
            "feature='after' needs a batch norm with running statistics as neck, because a sum "
            f"stays a sum behind no other, got a {type(norm).__name__}"
        )
    assert norm.running_var is not None
    mean, variance = norm.running_mean.cpu(), norm.running_var.cpu()
    weight = None if norm.weight is None else norm.weight.detach().cpu()
    bias = None if norm.bias is None else norm.bias.detach().cpu()
    return batch_norm_affine(mean, variance, weight, bias, norm.eps)
