"""The precision below which sums, softmaxes and distances are not taken."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return ``tensor`` in float32, or unchanged if it is already float32 or float64.

    Args:
        tensor: Of any floating-point type.

    Example:
        >>> at_least_float32(torch.ones(2, dtype=torch.float16)).dtype
        torch.float32
    """
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
