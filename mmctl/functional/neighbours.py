"""Nearest neighbours of every row of a feature matrix among all rows, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

TILE = 2048
"""Rows and columns of the distances that are held at once."""

_SPARE = 8
"""Candidates beyond the neighbours wanted, so that a tie at the end can be settled."""

_ROUNDING = 4e-6
"""Error of a squared distance against the squared norms, with room to spare: float32's is 1e-7
times the root of the width."""

_EXACT_ROWS, _EXACT_COLUMNS = 64, 4096


@dataclass(frozen=True)
class Neighbours:
    """What :func:`find_neighbours` finds.

    Attributes:
        indices: Nearest rows of each row, nearest first, the row itself included, (N, count),
            int64.
        farthest: Squared distance of each row to the one farthest away, (N,), float32; 1 if all
            coincide.
        candidates: Somewhat more of the nearest rows of each row, by index, (N, at least count).
        squared: Squared distances to them, (N, at least count), float32.
    """

    indices: np.ndarray
    farthest: np.ndarray
    candidates: np.ndarray
    squared: np.ndarray


def find_neighbours(
    features: Tensor, points: Tensor, cuts: Sequence[int], corner: Tensor | None = None
) -> Neighbours:
    """Return the nearest rows by (Euclidean distance, index).

    The *set* of the first n rows is exact for every n in ``cuts``; only rows whose distances are
    equal to rounding may have changed places between two cuts. Distances come from matrix products
    of centred features, each pair once, tile by tile; where they are too close to call at a cut,
    they are subtracted element by element in float64.

    Args:
        features: (N, C), floating point, finite.
        points: :func:`center` of them, (N, C).
        cuts: Numbers of neighbours whose sets matter, positive; those above N count as N.
        corner: (Q, N - Q), receives the squared distances of the first Q rows to the others.

    Returns:
        As many neighbours as the largest cut.

    Example:
        >>> features = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
        >>> find_neighbours(features, center(features), cuts=(2,)).indices.tolist()
        [[0, 1], [1, 0], [2, 1], [3, 2]]
    """
    cuts = sorted({min(cut, len(features)) for cut in cuts})
    squares = torch.linalg.vector_norm(points, dim=1).square()
    candidates = _Candidates.search(points, squares, min(cuts[-1] + _SPARE, len(features)), corner)
    indices = candidates.indices[:, : cuts[-1]].clone()
    rounding = _ROUNDING * (squares + squares.max())
    gaps = [
        candidates.squared[:, cut] - candidates.squared[:, cut - 1]
        for cut in cuts
        if cut < candidates.squared.shape[1]
    ]
    if gaps:
        close = torch.stack(gaps).amin(dim=0) <= rounding
        for rows in close.nonzero().flatten().split(_EXACT_ROWS):
            indices[rows] = _rank_exactly(features, rows, candidates.indices[rows], cuts[-1])
        if candidates.squared.shape[1] < len(features):
            # Rows left out might belong among the neighbours: the spare ones are as near.
            last = candidates.squared[:, -1] - candidates.squared[:, cuts[-1] - 1]
            for row in (close & (last <= rounding)).nonzero().flatten():
                indices[row] = _rank_all_exactly(features, row, cuts[-1])
    farthest = candidates.farthest.float().cpu().numpy()
    by_index = candidates.indices.sort(dim=1)
    squared = candidates.squared.gather(1, by_index.indices).clamp_min_(0)
    return Neighbours(
        indices.cpu().numpy(),
        np.where(farthest > 0, farthest, 1),
        by_index.values.cpu().numpy(),
        squared.float().cpu().numpy(),
    )


def center(features: Tensor) -> Tensor:
    """Return the rows less their mean, so that products keep the digits of distances.

    Float32 on a CPU; float64 on a GPU, whose float32 products may be TF32.

    Example:
        >>> center(torch.tensor([[1.0], [3.0]])).tolist()
        [[-1.0], [1.0]]
    """
    dtype = torch.float32 if features.device.type == "cpu" else torch.float64
    return (features - features.mean(dim=0)).to(dtype)


@dataclass
class _Candidates:
    squared: Tensor
    """Squared distances to the rows found so far, ascending, (N, count)."""
    indices: Tensor
    farthest: Tensor

    @classmethod
    def search(
        cls, points: Tensor, squares: Tensor, count: int, corner: Tensor | None
    ) -> _Candidates:
        """Visit each pair of tiles once: a tile serves its rows and, turned, its columns."""
        found = cls(
            points.new_full((len(points), count), torch.inf),
            torch.zeros(len(points), count, dtype=torch.int64, device=points.device),
            points.new_zeros(len(points)),
        )
        for rows, columns in _tiles(len(points)):
            tile = torch.addmm(squares[columns], points[rows], points[columns].T, alpha=-2)
            tile += squares[rows, None]
            if corner is not None:
                _fill_corner(corner, tile, rows.start, columns.start)
            found.merge(rows, tile, columns.start)
            if columns.start > rows.start:
                found.merge(columns, tile.T.contiguous(), rows.start)
        return found

    def merge(self, rows: slice, tile: Tensor, first_index: int) -> None:
        """Take the nearest of ``tile``, (rows, items from ``first_index`` on), over."""
        count = self.squared.shape[1]
        nearest = tile.topk(min(count, tile.shape[1]), dim=1, largest=False)
        squared = torch.cat([self.squared[rows], nearest.values], dim=1)
        indices = torch.cat([self.indices[rows], nearest.indices + first_index], dim=1)
        best = squared.topk(count, dim=1, largest=False)
        self.squared[rows] = best.values
        self.indices[rows] = indices.gather(1, best.indices)
        self.farthest[rows] = torch.maximum(self.farthest[rows], tile.amax(dim=1))


def _tiles(count: int) -> Iterator[tuple[slice, slice]]:
    """Yield (rows, columns) of the upper triangle."""
    for row in range(0, count, TILE):
        for column in range(row, count, TILE):
            yield slice(row, row + TILE), slice(column, column + TILE)


def _fill_corner(corner: Tensor, tile: Tensor, row: int, column: int) -> None:
    """Copy what ``tile``, whose first entry is (row, column), has of the corner."""
    num_rows = len(corner) - row
    first = max(len(corner) - column, 0)
    if num_rows > 0 and first < tile.shape[1]:
        part = tile[:num_rows, first:]
        start = column + first - len(corner)
        corner[row : row + len(part), start : start + part.shape[1]] = part


def _rank_exactly(features: Tensor, rows: Tensor, candidates: Tensor, count: int) -> Tensor:
    """Return the first ``count`` of the candidates by (distance, index), (rows, count)."""
    candidates = candidates.sort(dim=1).values
    own = features[rows].double().unsqueeze(1)
    distances = _subtracted(own, features[candidates].double()).squeeze(1)
    order = distances.argsort(dim=1, stable=True)[:, :count]
    return candidates.gather(1, order)


def _rank_all_exactly(features: Tensor, row: Tensor, count: int) -> Tensor:
    """Return the first ``count`` of all rows by (distance, index), (count,)."""
    own = features[row].double().unsqueeze(0)
    distances = [_subtracted(own, part.double())[0] for part in features.split(_EXACT_COLUMNS)]
    return torch.cat(distances).argsort(stable=True)[:count]


def _subtracted(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
