"""Distances between all pairs of two sets of features."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

DISTANCES = ("cosine", "euclidean")
"""The values that ``metric`` takes."""

MAX_DIRECT_TERMS = 2**26
"""Terms x_c - y_c up to which the Euclidean distance subtracts; a matrix product beyond."""

_ROWS_PER_PRODUCT = 1024

_ENTRIES_PER_BLOCK = 2**23

# As F.normalize.
_SMALLEST_NORM = 1e-12


def check_norms(features: Tensor, name: str, dtype: torch.dtype = torch.float32) -> None:
    """Refuse features whose distances would overflow: they come out as NaN or all alike.

    Args:
        features: (N, C), floating point.
        name: What they are, for the message.
        dtype: What distances are computed in.

    Raises:
        ValueError: If a row is not finite, or its norm is above a quarter of the root of the
            largest number, beyond which sums of squares of centred rows may overflow.

    Example:
        >>> check_norms(torch.ones(2, 3), 'query')
    """
    largest = math.sqrt(torch.finfo(dtype).max) / 4
    # One number per row; half precision is raised, for its own squares overflow at 256.
    wide = torch.promote_types(features.dtype, torch.float32)
    norms = torch.linalg.vector_norm(features.detach(), dim=1, dtype=wide)
    # Not "above": NaN must not pass.
    wrong = (~(norms <= largest)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise ValueError(
            f"{name} must be finite and of a norm up to {largest:.2g}, because squares beyond "
            f"overflow {dtype} and leave no distances, got "
            f"{_extreme(features[row]):g} in row {row}"
        )


def pairwise_distance(x: Tensor, y: Tensor, *, metric: str = "cosine") -> Tensor:
    """Return the distance of every row of ``x`` to every row of ``y``.

    ``cosine`` is 1 - cos, in [0, 2]; a zero row is at distance 1 from everything. ``euclidean`` is
    the true distance, not its square. Neither obeys autocast: half precision is raised to float32.

    The expansion x^2 - 2xy + y^2 loses everything in float32 when distances are small against
    norms (norm 280: a duplicate comes out near 0.2, and near 2.4 under TF32). So a batch-sized
    Euclidean distance subtracts element by element: duplicates are at exactly 0, with gradient 0.
    An evaluation-sized one (more than :data:`MAX_DIRECT_TERMS` terms) expands in float64, which
    TF32 does not touch and which puts a duplicate of norm 280 below 1e-4.

    Args:
        x: Features, (M, C), floating point.
        y: Features, (N, C), floating point.
        metric: ``'cosine'`` or ``'euclidean'``.

    Returns:
        Distances, (M, N), float64 if an input is float64, else float32.

    Raises:
        ValueError: If ``metric`` is unknown, or an input is not a matrix, or widths differ.

    Example:
        >>> x, y = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 4.0], [5.0, 0.0]])
        >>> pairwise_distance(x, y).tolist()
        [[1.0, 0.0]]
        >>> pairwise_distance(x, y, metric='euclidean').tolist()
        [[5.0, 2.0]]
    """
    _check_arguments(x, y, metric)
    dtype = _result_dtype(x, y)
    with torch.autocast(x.device.type, enabled=False):
        if metric == "cosine":
            return _cosine(x.to(dtype), y.to(dtype))
        if x.shape[0] * y.shape[0] * x.shape[1] <= MAX_DIRECT_TERMS:
            return torch.cdist(
                x.to(dtype), y.to(dtype), compute_mode="donot_use_mm_for_euclid_dist"
            )
        return _euclidean_by_product(x, y, dtype)


@torch.no_grad()
def distance_blocks(x: Tensor, y: Tensor, *, metric: str = "cosine") -> Iterator[Tensor]:
    """Yield :func:`pairwise_distance` in blocks of rows, without gradients.

    For sets whose matrix of distances is too large to hold; ``y`` is prepared once.

    Args:
        x: Features, (M, C), floating point.
        y: Features, (N, C), floating point.
        metric: ``'cosine'`` or ``'euclidean'``.

    Yields:
        Distances of the next rows, (m, N), float64 if an input is float64, else float32.

    Raises:
        ValueError: As :func:`pairwise_distance`, and if a row is refused by :func:`check_norms`,
            which a loss in training has no time for.

    Example:
        >>> features = torch.eye(3)
        >>> [tuple(block.shape) for block in distance_blocks(features, features)]
        [(3, 3)]
    """
    _check_arguments(x, y, metric)
    dtype = _result_dtype(x, y)
    for name, features in (("x", x), ("y", y)):
        check_norms(features, name, dtype)
    rows = max(1, _ENTRIES_PER_BLOCK // max(1, len(y)))
    with torch.autocast(x.device.type, enabled=False):
        if metric == "cosine":
            y = y.to(dtype)
            # Scaling the products spares a normalised copy of y.
            factors = -1 / y.norm(dim=1).clamp_min(_SMALLEST_NORM)
            for block in x.split(rows):
                products = F.normalize(block.to(dtype), dim=1) @ y.T
                yield products.mul_(factors).add_(1).clamp_min_(0)
        elif x.shape[0] * y.shape[0] * x.shape[1] <= MAX_DIRECT_TERMS:
            yield pairwise_distance(x, y, metric=metric)
        else:
            y = y.double()
            y_squared = y.square().sum(dim=1)
            for block in x.split(rows):
                yield _sqrt_of_squares(block.double(), y, y_squared).to(dtype)


def _check_arguments(x: Tensor, y: Tensor, metric: str) -> None:
    if metric not in DISTANCES:
        raise ValueError(f"metric must be one of {DISTANCES}, got {metric!r}")
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(
            "x and y must be matrices (rows, channels) of one width to be compared row by row, "
            f"got {tuple(x.shape)} and {tuple(y.shape)}"
        )


def _extreme(row: Tensor) -> float:
    """Return the entry of largest magnitude; NaN if there is one."""
    return row.detach()[row.detach().abs().argmax()].item()


def _result_dtype(x: Tensor, y: Tensor) -> torch.dtype:
    return torch.promote_types(torch.promote_types(x.dtype, y.dtype), torch.float32)


def _cosine(x: Tensor, y: Tensor) -> Tensor:
    # Rounding puts duplicates up to 1e-7 below zero.
    return (1 - F.normalize(x, dim=1) @ F.normalize(y, dim=1).T).clamp_min(0)


def _euclidean_by_product(x: Tensor, y: Tensor, dtype: torch.dtype) -> Tensor:
    y = y.double()
    y_squared = y.square().sum(dim=1)
    # In blocks of rows, so that the whole matrix is never held in float64.
    blocks = [
        _sqrt_of_squares(block.double(), y, y_squared).to(dtype)
        for block in x.split(_ROWS_PER_PRODUCT)
    ]
    return torch.cat(blocks)


def _sqrt_of_squares(x: Tensor, y: Tensor, y_squared: Tensor) -> Tensor:
    x_squared = x.square().sum(dim=1, keepdim=True)
    squares = torch.addmm(x_squared + y_squared, x, y.T, alpha=-2)
    # The bound keeps the root's gradient finite; a true square this small is rounding anyway.
    return squares.clamp_min(torch.finfo(torch.float64).tiny).sqrt()
