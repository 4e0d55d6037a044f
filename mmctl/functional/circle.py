"""The circle loss of Sun et al., "Circle Loss" (CVPR 2020), of pairs within a batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmctl.functional.precision import at_least_float32


def circle_terms(
    features: Tensor, labels: Tensor, *, margin: float = 0.25, scale: float = 64.0
) -> Tensor:
    """Return what each anchor adds to the circle loss (eq. 4 to 6 there, with its margins).

    Each pair is weighed by how far its cosine is from its optimum, 1 + margin for a pair of one
    person and -margin for others; these weights have no gradient. Cosines are in float32 at least.

    Args:
        features: (B, C).
        labels: Identity of each row, (B,).
        margin: m, from 0 to 1: pairs of one person are pulled above 1 - m, others pushed below m.
        scale: gamma, what the weighed cosines are multiplied with.

    Returns:
        ``log(1 + sum_n exp(gamma a_n (s_n - m)) sum_p exp(-gamma a_p (s_p - 1 + m)))`` of every
        anchor, (B,), with its cosines s_p to the others of its person and s_n to other persons;
        zero for an anchor that lacks either.

    Raises:
        ValueError: If the lengths of ``features`` and ``labels`` differ.

    Example:
        >>> features, labels = torch.eye(2)[[0, 0, 1]], torch.tensor([0, 0, 1])
        >>> [round(term, 3) for term in circle_terms(features, labels, scale=1.0).tolist()]
        [0.633, 0.633, 0.0]
    """
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        raise ValueError(
            "features must be (B, C) with one label per row, "
            f"got features {tuple(features.shape)} and labels {tuple(labels.shape)}"
        )
    unit = F.normalize(at_least_float32(features), dim=1)
    with torch.autocast(device_type=features.device.type, enabled=False):
        cosines = unit @ unit.T
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    fixed = cosines.detach()
    pull = -scale * F.relu(1 + margin - fixed) * (cosines - 1 + margin)
    push = scale * F.relu(fixed + margin) * (cosines - margin)
    positive, negative = _log_sum_exp(pull, same & ~itself), _log_sum_exp(push, ~same)
    return F.softplus(positive + negative)


def _log_sum_exp(values: Tensor, chosen: Tensor) -> Tensor:
    """Return it of the chosen ones of each row; minus infinity where there are none."""
    return values.masked_fill(~chosen, -torch.inf).logsumexp(dim=1)
