"""Frames and their neighbours: temporal convolutions and the registration of appearance (AP3D).

Convention: maps are (B, T, C, H, W); what lies past either end of a clip is zero; the kernel of a
temporal convolution over three frames is slot-major, earliest frame first.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def shift_frames(maps: Tensor, step: int) -> Tensor:
    """Return frame ``t + step`` in the place of frame t, zeros where a clip has none.

    Args:
        maps: (B, T, ...).
        step: -1 for the frame before, 1 for the one after.

    Returns:
        Like ``maps``.

    Raises:
        ValueError: If ``step`` is neither.

    Example:
        >>> frames = torch.tensor([[1.0, 2.0, 3.0]])
        >>> shift_frames(frames, -1).tolist(), shift_frames(frames, 1).tolist()
        ([[0.0, 1.0, 2.0]], [[2.0, 3.0, 0.0]])
    """
    if step not in (-1, 1):
        raise ValueError(f"step must be -1 or 1, the frame before or after, got {step}")
    nothing = torch.zeros_like(maps[:, :1])
    # Cut after joining: T - 1 frames could be none, and an exported graph would fix T for that.
    if step == -1:
        return torch.cat([nothing, maps], dim=1)[:, :-1]
    return torch.cat([maps, nothing], dim=1)[:, 1:]


def register_frames(
    neighbours: Tensor, embedded: Tensor, embedded_neighbours: Tensor, *, temperature: float = 4.0
) -> Tensor:
    """Move what each neighbour shows to the places where its frame shows the like.

    Place p of frame t gets ``sum_q softmax_q(temperature * cos(e_t(p), e_n(q))) * x_n(q)``
    (Gu et al., ECCV 2020).

    Args:
        neighbours: The neighbour x_n of every frame, (B, T, C, H, W); zeros stay zeros.
        embedded: What frames are compared by, (B, T, E, H, W); of any length, compared by angle.
        embedded_neighbours: The same of their neighbours.
        temperature: Factor on the cosine.

    Returns:
        Registered neighbours, (B, T, C, H, W).

    Example:
        >>> neighbours = torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, 2)
        >>> alike = torch.ones(1, 1, 1, 1, 2)
        >>> register_frames(neighbours, alike, alike).flatten().tolist()
        [2.0, 2.0]
    """
    query, key = (F.normalize(e, dim=2).flatten(3).mT for e in (embedded, embedded_neighbours))
    value = neighbours.flatten(3).mT  # (B, T, cells, C)
    moved = F.scaled_dot_product_attention(query, key, value, scale=temperature)
    return moved.mT.unflatten(-1, neighbours.shape[-2:])


def convolve_three(
    before: Tensor,
    maps: Tensor,
    after: Tensor,
    kernel: Tensor,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
) -> Tensor:
    """Convolve every frame with its two neighbours.

    With :func:`shift_frames` for neighbours it is a convolution over time and places with zero
    padding; with registered ones that of AP3D, whose stride of three over interleaved frames is
    this sum of three slices.

    Args:
        before: What stands before each frame, (B, T, C, H, W).
        maps: The frames.
        after: What stands after each.
        kernel: (3, O, C, h, w), earliest first.
        stride: Of places.
        padding: Of places.

    Returns:
        (B, T, O, H', W').

    Example:
        >>> frames = torch.tensor([1.0, 2.0, 4.0]).view(1, 3, 1, 1, 1)
        >>> kernel = torch.tensor([1.0, 0.0, -1.0]).view(3, 1, 1, 1, 1)
        >>> before, after = shift_frames(frames, -1), shift_frames(frames, 1)
        >>> convolve_three(before, frames, after, kernel).flatten().tolist()
        [-2.0, -3.0, 2.0]
    """
    three = torch.cat([before, maps, after], dim=2).flatten(0, 1)
    flat = kernel.transpose(0, 1).flatten(1, 2)  # (O, 3 C, h, w)
    return F.conv2d(three, flat, stride=stride, padding=padding).unflatten(0, maps.shape[:2])
