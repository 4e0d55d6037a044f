"""The cosine similarity of two sums, split exactly over what was added up.

V_f^a = mean_t(sum_n V_p[n] + V_g) is a sum of terms, one per part and frame and one per frame for
the global feature. A cosine is linear in each of its two vectors but for their lengths, which are
common factors of all terms. A batch norm in eval mode, z = scale * V + shift, leaves it a sum with
one term more: the shift, which belongs to no part and no frame.
"""

from __future__ import annotations

import torch
from torch import Tensor


def affine_terms(terms: Tensor, scale: Tensor | None = None, shift: Tensor | None = None) -> Tensor:
    """Return terms whose sum is ``scale * sum(terms) + shift``, in float64.

    Args:
        terms: What is added up, (K, C).
        scale: Factor of each channel, (C,); ``None`` for 1.
        shift: Constant of each channel, (C,); ``None`` for 0.

    Returns:
        The scaled terms and, as the last row, the shift, (K + 1, C).

    Example:
        >>> terms = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> affine_terms(terms, torch.tensor([2.0, 1.0]), torch.tensor([0.0, -1.0])).tolist()
        [[2.0, 2.0], [6.0, 4.0], [0.0, -1.0]]
    """
    exact = terms.double()
    if scale is not None:
        exact = exact * scale.to(exact)
    last = torch.zeros_like(exact[:1]) if shift is None else shift.to(exact).expand(1, -1)
    return torch.cat([exact, last])


def split_cosine(first: Tensor, second: Tensor) -> Tensor:
    """Split the cosine of two sums over the pairs of their terms.

    Args:
        first: Terms of one vector, (K, C).
        second: Terms of the other, (L, C).

    Returns:
        Entry [k, l] is ``first[k] @ second[l]`` over the product of the lengths of the two sums,
        (K, L), float64. All add up to the cosine; row k adds up to the share of ``first[k]``. A
        sum of length 0 has the cosine 0 with everything.

    Example:
        >>> first = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
        >>> split_cosine(first, torch.tensor([[0.0, 2.0], [2.0, -2.0]])).tolist()
        [[0.0, 0.6], [0.8, -0.8]]
    """
    first, second = first.double(), second.double()
    lengths = first.sum(dim=0).norm() * second.sum(dim=0).norm()
    tiny = torch.finfo(torch.float64).tiny
    return first @ second.T / lengths.clamp(min=tiny)


def batch_norm_affine(
    mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor]:
    """Return the factor and the constant of a batch norm in eval mode, in float64.

    Args:
        mean: Running mean, (C,).
        variance: Running variance, (C,).
        weight: gamma, (C,); ``None`` for 1.
        bias: beta, (C,); ``None`` for 0.
        eps: What is added to the variance.

    Returns:
        scale and shift, (C,) each: the norm is ``scale * x + shift``.

    Example:
        >>> one = torch.ones(1)
        >>> scale, shift = batch_norm_affine(3 * one, 4 * one, 6 * one, one, 0.0)
        >>> (scale.item(), shift.item())
        (3.0, -8.0)
    """
    scale = (variance.double() + eps).rsqrt()
    if weight is not None:
        scale = scale * weight.double()
    shift = -scale * mean.double()
    return scale, shift if bias is None else shift + bias.double()
