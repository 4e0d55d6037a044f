"""One weight, or some that belong together, under its public name and under ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Weights = list[Tensor]
Change = Callable[[Weights], Weights]


def _as_they_are(weights: Weights) -> Weights:
    return list(weights)


@dataclass(frozen=True)
class Move:
    """Weights of the public code that are weights of ours, and the way both ways.

    Attributes:
        theirs: Names in the public code.
        ours: Names in our model.
        take: From theirs to ours, in the order of the names.
        give: From ours to theirs.
    """

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    take: Change = _as_they_are
    give: Change = _as_they_are


def same(theirs: str, ours: str) -> Move:
    """Return the move of a weight that has another name only."""
    return Move((theirs,), (ours,))


def of_frames(theirs: str, ours: str) -> Move:
    """Return the move of a convolution over one frame, which the public code has in 3D."""
    return Move((theirs,), (ours,), _take_frame, _give_frame)


def reshaped(theirs: str, ours: str, shape: Sequence[int]) -> Move:
    """Return the move of a weight with axes of one place more or less.

    Args:
        theirs: Its public name.
        ours: Ours.
        shape: Trailing axes of one place that theirs has more, as (1, 1).
    """
    ones = len(shape)
    return Move(
        (theirs,),
        (ours,),
        lambda w: [w[0].flatten(w[0].dim() - ones - 1) if w[0].dim() > ones else w[0]],
        lambda w: [w[0].reshape(*w[0].shape, *shape)],
    )


def split_rows(theirs: str, ours: Sequence[str], sizes: Sequence[int]) -> Move:
    """Return the move of one weight that is several of ours, one behind the other."""
    return Move(
        (theirs,),
        tuple(ours),
        lambda w: list(w[0].split(list(sizes))) if w[0].dim() else [w[0]] * len(ours),
        lambda w: [_join_rows(w)],
    )


def _join_rows(weights: Weights) -> Tensor:

    return torch.cat(weights) if weights[0].dim() else weights[0]


def _take_frame(weights: Weights) -> Weights:
    return [w.squeeze(2) if w.dim() == 5 else w for w in weights]


def _give_frame(weights: Weights) -> Weights:
    return [w.unsqueeze(2) if w.dim() == 4 else w for w in weights]
