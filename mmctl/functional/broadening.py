"""From what first frames show most to what the later ones should look at (SBM of SINet)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def central_channels(maps: Tensor) -> Tensor:
    """Return which channels are stronger inside the frames than over all of them.

    Args:
        maps: (B, T, C, H, W), at least 3 x 3 places.

    Returns:
        (B, C) bool.

    Example:
        >>> maps = torch.zeros(1, 1, 2, 3, 3)
        >>> maps[0, 0, 0, 1, 1] = maps[0, 0, 1, 0, 0] = 1.0
        >>> central_channels(maps).tolist()
        [[True, False]]
    """
    everywhere = maps.mean(dim=(1, 3, 4))
    inside = maps[..., 1:-1, 1:-1].mean(dim=(1, 3, 4))
    return inside / (everywhere + 1e-8) > 1


def salient_kernel(maps: Tensor, scores: Tensor, size: int = 3) -> Tensor:
    """Return a kernel of what the places of salient frames show.

    Each place shares itself among the entries of the kernel, and each entry is the mean of the
    places by their shares.

    Args:
        maps: (B, T, C, H, W).
        scores: Of each place for each entry, at least zero, (B, T, size * size, H, W).
        size: Height and width of the kernel.

    Returns:
        (B, C, size, size).

    Example:
        >>> maps = torch.tensor([1.0, 3.0]).view(1, 1, 1, 1, 2)
        >>> salient_kernel(maps, torch.tensor([2.0, 6.0]).view(1, 1, 1, 1, 2), size=1).item()
        2.0
    """
    shares = F.normalize(scores, p=1, dim=2) if size > 1 else scores / scores.clamp_min(1e-12)
    shares = shares.transpose(1, 2).flatten(2)  # (B, entries, places)
    places = maps.transpose(1, 2).flatten(2)
    kernel = places @ F.normalize(shares, p=1, dim=2).mT
    return kernel.unflatten(2, (size, size))


def broad_weights(maps: Tensor, kernel: Tensor, *, strength: float = 5.0) -> Tensor:
    """Return how much is kept of each place: less, the more it is like what the kernel shows.

    Args:
        maps: (B, T, C, H, W).
        kernel: Of each clip, (B, C, k, k), k odd.
        strength: Of the suppression.

    Returns:
        From above zero to one, (B, T, H, W).

    Example:
        >>> maps = torch.tensor([0.0, 0.0, 2.0]).view(1, 1, 1, 1, 3)
        >>> kept = broad_weights(maps, torch.ones(1, 1, 1, 1))
        >>> [round(value, 3) for value in kept.flatten().tolist()]
        [1.0, 1.0, 0.056]
    """
    half, size = kernel.shape[-1] // 2, maps.shape[-2:]
    frames = F.pad(maps.transpose(0, 1).flatten(1, 2), (half,) * 4, mode="replicate")
    found = F.conv2d(frames, kernel, groups=len(maps)).transpose(0, 1)  # (B, T, H, W)
    likeness = (found / kernel.shape[-1] ** 2).flatten(2).softmax(dim=2).clamp_min(1e-4)
    rarity = 1 / (likeness * size[0] * size[1])
    # Clamped first: exp of what is kept as it is could be infinite, and its gradient no number.
    return (strength * (rarity - 1).clamp(max=0)).exp().view(*maps.shape[:2], *size)


def exchange(salient: Tensor, broad: Tensor, kept: Tensor, *, share: float = 0.1) -> Tensor:
    """Return both parts of a clip, each with some of what the other one shows.

    Args:
        salient: First frames, (B, T_1, C, H, W).
        broad: The others, (B, T_2, C, H, W).
        kept: How much is kept of their places, (B, T_2, H, W).
        share: Of what is added.

    Returns:
        (B, T_1 + T_2, C, H, W): to the salient frames the mean of what the others lose, where they
        lose anything; to the others, weighted, that of the salient ones.

    Example:
        >>> first, other = torch.full((1, 1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1, 1), 5.0)
        >>> exchange(first, other, torch.full((1, 1, 1, 1), 0.2)).flatten().tolist()
        [2.5, 1.2000000476837158]
    """
    kept = kept.unsqueeze(2)
    lost = ((1 - kept) * broad).mean(dim=(1, 3, 4), keepdim=True)
    lost = lost / (1 - kept).mean(dim=(1, 3, 4), keepdim=True).clamp_min(1e-12)
    shown = salient.mean(dim=(1, 3, 4), keepdim=True)
    return torch.cat([salient + share * lost, broad * kept + share * shown], dim=1)


def frame_position_loss(frames: Tensor, labels: Tensor, temperature: float = 0.07) -> Tensor:
    """Tell the positions within clips of one person apart (the InfoNCE of SINet).

    A pair of frames of one person at the same position in different clips is to be more alike than
    frames of the same person at other positions.

    Args:
        frames: (B, T, C), compared by angle.
        labels: Who is in each clip, (B,).
        temperature: Divides the cosines.

    Returns:
        Sum over the people of the mean over their pairs, a scalar; zero where nobody has two clips.

    Example:
        >>> frames = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]] * 2)
        >>> round(frame_position_loss(frames, torch.tensor([7, 7]), temperature=1.0).item(), 4)
        0.5514
    """
    rows = F.normalize(frames.flatten(0, 1), dim=1)
    position = torch.arange(frames.shape[1], device=frames.device).repeat(len(frames))
    person = labels.repeat_interleave(frames.shape[1])
    is_own = person[:, None] == person
    is_there = position[:, None] == position
    logits = rows @ rows.mT / temperature
    others = logits.masked_fill(~is_own | is_there, -torch.inf).logsumexp(dim=1, keepdim=True)
    losses = torch.logaddexp(others, logits) - logits
    pairs = is_own & is_there & ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
    pairs_of_person = is_own.to(rows.dtype) @ pairs.sum(dim=1).to(rows.dtype)  # of each row's
    return (losses.where(pairs, 0).sum(dim=1) / pairs_of_person.clamp_min(1)).sum()
