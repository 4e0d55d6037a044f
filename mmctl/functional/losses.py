"""Eq. 8 and the batch-hard triplet loss of eq. 9."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.functional.precision import at_least_float32

REDUCTIONS = ("none", "mean", "sum")
METRICS = ("euclidean", "cosine")


def hardest_distances(
    features: Tensor, labels: Tensor, *, metric: str = "euclidean"
) -> tuple[Tensor, Tensor]:
    """Return each anchor's distance to its hardest positive and hardest negative.

    Euclidean distances are in float32 at least and from differences, not from inner products:
    features have norms of some hundreds, where ``|x|^2 - 2xy + |y|^2`` in half precision or TF32
    leaves duplicates more than a margin apart.

    Args:
        features: (B, C).
        labels: Identity of each row, (B,).
        metric: ``'euclidean'``, or ``'cosine'`` for 1 - cos.

    Returns:
        Farthest same-label distance (B,), an anchor counting as its own positive, and nearest
        other-label distance (B,), infinite for an anchor whose batch has no other identity.

    Raises:
        ValueError: If the lengths of ``features`` and ``labels`` differ, or ``metric`` is unknown.

    Example:
        >>> features, labels = torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([0, 0, 1])
        >>> [distances.tolist() for distances in hardest_distances(features, labels)]
        [[1.0, 1.0, 0.0], [5.0, 4.0, 4.0]]
    """
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(
            "features must be (B, C) with one label per row, "
            f"got features {tuple(features.shape)} and labels {tuple(labels.shape)}"
        )
    check_metric(metric)
    features = at_least_float32(features)
    if metric == "euclidean":
        distances = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
    else:
        with torch.autocast(device_type=features.device.type, enabled=False):
            unit = F.normalize(features, dim=1)
            distances = 1 - unit @ unit.T
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    positive = distances.masked_fill(~same, 0.0).amax(dim=1)
    negative = distances.masked_fill(same, torch.inf).amin(dim=1)
    return positive, negative


def has_triplets(labels: Tensor) -> Tensor:
    """Return whether any row has another row of its label and one of another label.

    Args:
        labels: Identity of each row, (B,).

    Returns:
        Scalar, bool.

    Example:
        >>> has_triplets(torch.tensor([0, 0, 1])).item(), has_triplets(torch.tensor([0, 1])).item()
        (True, False)
    """
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    return ((same.sum(dim=1) > 1) & (~same).any(dim=1)).any()


def triplet_terms(
    features: Tensor, labels: Tensor, *, margin: float | str = 0.3, metric: str = "euclidean"
) -> Tensor:
    """Return what each anchor adds to the batch-hard triplet loss.

    Args:
        features: (B, C).
        labels: Identity of each row, (B,).
        margin: Distance by which the hardest negative must be farther than the hardest positive, or
            ``'soft'`` for ``log(1 + exp(positive - negative))``, which never ends.
        metric: As in :func:`hardest_distances`.

    Returns:
        ``relu(margin + positive - negative)`` of every anchor, (B,); zero for an anchor without a
        negative. Duplicated clips give finite gradients.

    Example:
        >>> features, labels = torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])
        >>> triplet_terms(features, labels, margin=0.25).tolist()
        [0.0, 0.75, 0.0]
    """
    positive, negative = hardest_distances(features, labels, metric=metric)
    if isinstance(margin, str):
        check_margin(margin)
        return F.softplus(positive - negative)
    return F.relu(margin + positive - negative)


def check_margin(margin: float | str) -> None:
    """Raise unless a margin is a finite number or ``'soft'``.

    Args:
        margin: The margin.

    Raises:
        ValueError: If it is another text, infinite or NaN.

    Example:
        >>> check_margin("soft")
    """
    if margin != "soft" and (isinstance(margin, str) or not math.isfinite(margin)):
        raise ValueError(f"margin must be a finite number or 'soft', got {margin!r}")


def check_metric(metric: str) -> None:
    """Raise unless a metric of triplets is known.

    Args:
        metric: One of :data:`METRICS`.

    Raises:
        ValueError: If it is none of them.

    Example:
        >>> check_metric("cosine")
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}, got {metric!r}")


def batch_hard_triplet(features: Tensor, labels: Tensor, *, margin: float = 0.3) -> Tensor:
    """Batch-hard triplet loss (Hermans et al. 2017; the triplet loss of eq. 9).

    Args:
        features: (B, C).
        labels: Identity of each row, (B,).
        margin: As in :func:`triplet_terms`.

    Returns:
        Mean over anchors of :func:`triplet_terms`, a scalar.

    Example:
        >>> features, labels = torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])
        >>> batch_hard_triplet(features, labels, margin=0.25).item()
        0.25
    """
    return triplet_terms(features, labels, margin=margin).mean()


def diversity_terms(parts: Tensor) -> Tensor:
    """Return what each clip adds to the diversity regularisation.

    Args:
        parts: Part features of each clip after the temporal mean, (B, N, C); Z are its rows,
            L2-normalised here.

    Returns:
        ``||Z Z^T - I||_F^2`` of every clip, (B,): 0 for orthonormal parts and N * (N - 1) for
        identical ones.

    Example:
        >>> diversity_terms(torch.stack([torch.eye(2, 4), torch.ones(2, 4)])).tolist()
        [0.0, 2.0]
    """
    unit = F.normalize(at_least_float32(parts), dim=-1)
    with torch.autocast(device_type=parts.device.type, enabled=False):
        gram = unit @ unit.transpose(-1, -2)
    identity = torch.eye(parts.shape[-2], dtype=gram.dtype, device=gram.device)
    return (gram - identity).square().sum(dim=(-2, -1))


def part_diversity(parts: Tensor) -> Tensor:
    """Diversity regularisation: mean over clips of ``||Z Z^T - I||_F^2`` (eq. 8).

    Args:
        parts: As in :func:`diversity_terms`, (B, N, C).

    Returns:
        Mean over clips of :func:`diversity_terms`, a scalar.

    Example:
        >>> part_diversity(torch.eye(5).unsqueeze(0)).item()
        0.0
        >>> part_diversity(torch.ones(1, 5, 4)).item()
        20.0
    """
    return diversity_terms(parts).mean()


def reduce_terms(
    terms: Tensor,
    *,
    weight: Tensor | None = None,
    reduction: str = "mean",
    avg_factor: Tensor | float | None = None,
) -> Tensor:
    """Weight the terms of a loss and reduce them, by the rules of OpenMMLab's losses.

    Args:
        terms: One per item of the batch, (B,).
        weight: Factor of each term, (B,) or (B, 1); the mean is still over all B terms.
        reduction: ``'none'``, ``'mean'`` or ``'sum'``.
        avg_factor: What the sum is divided by for the mean, instead of B.

    Returns:
        The terms (B,) for ``'none'``, else a scalar.

    Raises:
        ValueError: If ``reduction`` is unknown, ``weight`` is not one number per term, or
            ``avg_factor`` is given with ``'sum'``.

    Example:
        >>> reduce_terms(torch.tensor([1.0, 2.0]), weight=torch.tensor([0.0, 3.0])).item()
        3.0
        >>> reduce_terms(torch.tensor([1.0, 2.0]), avg_factor=6).item()
        0.5
    """
    check_reduction(reduction)
    if weight is not None:
        if weight.numel() != terms.numel() or weight.dim() not in (1, 2):
            raise ValueError(
                f"weight must be one number per item of the batch, ({len(terms)},) or "
                f"({len(terms)}, 1), got {tuple(weight.shape)}"
            )
        terms = terms * weight.flatten()
    if reduction == "none":
        return terms
    if reduction == "sum":
        if avg_factor is not None:
            raise ValueError(
                "avg_factor divides the sum of a loss to its mean, which reduction='sum' does not "
                f"ask for, got avg_factor={avg_factor}"
            )
        return terms.sum()
    return terms.mean() if avg_factor is None else terms.sum() / avg_factor


def check_reduction(reduction: str) -> None:
    """Raise unless a way to reduce terms is known.

    Args:
        reduction: One of :data:`REDUCTIONS`.

    Raises:
        ValueError: If it is none of them.

    Example:
        >>> check_reduction("mean")
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")
