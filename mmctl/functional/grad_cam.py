"""Grad-CAM of clips (Fig. 8a; Selvaraju et al. 2017) and two of its kin.

Activations and gradients are (B, T, C, h, w): B clips of T frames. One backward gives the
gradients of all frames, so that maps of one clip can be compared frame by frame.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

METHODS = ("GradCAM", "XGradCAM", "LayerCAM")
"""How channels are weighted: by the mean gradient; by the gradient's mean over places, weighted by
the activations (Fu et al. 2020); place by place by the positive gradients (Jiang et al. 2021)."""

UNITS = ("clip", "frame")
"""What a channel has one weight for: all frames of a clip, or each frame."""


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise a ValueError unless ``value`` is one of ``choices``.

    Example:
        >>> check_choice("method", "GradCAM", METHODS)
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def weigh_channels(
    activations: Tensor, gradients: Tensor, *, method: str = "GradCAM", per: str = "clip"
) -> Tensor:
    """Weigh every channel by what the target gains from it.

    Args:
        activations: Output of a layer, (B, T, C, h, w).
        gradients: Gradient of the target with respect to it, the same shape.
        method: One of :data:`METHODS`.
        per: One weight per channel for the whole ``'clip'``, whose frames then are comparable, or
            for each ``'frame'``. ``LayerCAM`` has one per place in any case.

    Returns:
        Weighted activations, (B, T, C, h, w).

    Raises:
        ValueError: If a choice is unknown.

    Example:
        >>> activations = torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 1, 2)
        >>> gradients = torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 1, 2)
        >>> weigh_channels(activations, gradients).flatten().tolist()
        [2.0, 6.0]
    """
    check_choice("method", method, METHODS)
    check_choice("per", per, UNITS)
    if method == "LayerCAM":
        return F.relu(gradients) * activations
    axes = (1, 3, 4) if per == "clip" else (3, 4)
    if method == "GradCAM":
        weights = gradients.mean(dim=axes, keepdim=True)
    else:
        sums = activations.sum(dim=axes, keepdim=True)
        # A channel that is silent everywhere has no weight, and shows nothing whatever it has.
        safe = torch.where(sums == 0, torch.ones_like(sums), sums)
        weights = (gradients * activations).sum(dim=axes, keepdim=True) / safe
    return weights * activations


def add_channels(weighted: Tensor, *, eigen: bool = False) -> Tensor:
    """Make one signed map of the weighted channels.

    Args:
        weighted: From :func:`weigh_channels`, (B, T, C, h, w).
        eigen: Project every place of a clip on the first principal component of its channels
            instead of adding them up: less noise. Its sign, which is arbitrary, is that which
            agrees with the sum.

    Returns:
        Negative where the target would gain from less, (B, T, h, w).

    Example:
        >>> add_channels(torch.tensor([2.0, -5.0]).reshape(1, 1, 2, 1, 1)).item()
        -3.0
    """
    total = weighted.sum(dim=2)
    if not eigen:
        return total
    places = weighted.movedim(2, -1).flatten(1, 3)  # (B, T * h * w, C)
    centred = places - places.mean(dim=1, keepdim=True)
    _, _, axes = torch.linalg.svd(centred, full_matrices=False)
    projected = (centred @ axes[:, 0].unsqueeze(-1)).squeeze(-1)
    flat = total.flatten(1)
    agreement = (projected * (flat - flat.mean(dim=1, keepdim=True))).sum(dim=1, keepdim=True)
    signs = torch.where(agreement < 0, -1.0, 1.0).to(projected)
    return (signs * projected).view_as(total)


def grad_cam(
    activations: Tensor,
    gradients: Tensor,
    *,
    method: str = "GradCAM",
    per: str = "clip",
    eigen: bool = False,
) -> Tensor:
    """Map where a layer speaks for the target: relu(sum_c a_c A_c), a_c the mean gradient.

    Args:
        activations: Output of a layer, (B, T, C, h, w).
        gradients: Gradient of the target with respect to it, the same shape.
        method: See :func:`weigh_channels`.
        per: See :func:`weigh_channels`.
        eigen: See :func:`add_channels`.

    Returns:
        (B, T, h, w), nothing below 0; not scaled, so that frames and clips compare.

    Raises:
        ValueError: If a choice is unknown.

    Example:
        >>> activations = torch.tensor([1.0, -3.0]).reshape(1, 1, 1, 1, 2)
        >>> grad_cam(activations, torch.full((1, 1, 1, 1, 2), 0.5)).flatten().tolist()
        [0.5, 0.0]
    """
    weighted = weigh_channels(activations, gradients, method=method, per=per)
    return F.relu(add_channels(weighted, eigen=eigen))


def scale_to_largest(maps: Tensor) -> Tensor:
    """Bring maps of a tracklet to 0 .. 1 by one factor, so that its frames still compare.

    Args:
        maps: Nothing below 0, any shape.

    Returns:
        The same shape; maps that are 0 everywhere stay so.

    Example:
        >>> scale_to_largest(torch.tensor([[1.0, 2.0], [0.0, 4.0]])).tolist()
        [[0.25, 0.5], [0.0, 1.0]]
    """
    largest = maps.max()
    return maps / largest if largest > 0 else maps
