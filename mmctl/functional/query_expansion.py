"""Query expansion: a query is replaced by a mean of itself and what it finds first.

Average query expansion is Chum et al., ICCV 2007; the weights by similarity are Radenovic et al.,
TPAMI 2019 (arXiv:1711.02512), section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmctl.functional.distance import check_norms

_ROWS = 256


def expand_queries(
    query: Tensor, gallery: Tensor, *, num_neighbours: int, alpha: float = 0.0
) -> Tensor:
    """Return each query's mean with its nearest gallery items by cosine similarity.

    All rows are L2-normalised first. Neighbour i has the weight max(cos_i, 0) ** alpha, the query
    itself 1; ``alpha=0`` gives the plain mean.

    Args:
        query: Query features, (Q, C).
        gallery: Gallery features, (G, C).
        num_neighbours: Gallery items that join a query; those above G count as G.
        alpha: Exponent of the similarities, not negative.

    Returns:
        New queries of unit length, (Q, C), float32 or, if an input is, float64.

    Raises:
        ValueError: If ``num_neighbours`` is not positive, ``alpha`` is negative, the features
            are not two matrices of one width with at least one gallery item, or a row is not
            finite or so large that its squares overflow.

    Example:
        >>> query, gallery = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 3.0], [0.0, -1.0]])
        >>> expand_queries(query, gallery, num_neighbours=1).tolist()
        [[0.7071067690849304, 0.7071067690849304]]
    """
    if num_neighbours < 1:
        raise ValueError(
            f"num_neighbours must be positive, because a query alone does not expand, "
            f"got {num_neighbours}"
        )
    if not alpha >= 0:
        raise ValueError(f"alpha must not be negative: nearer items weigh more, got {alpha}")
    if query.ndim != 2 or gallery.ndim != 2 or query.shape[1] != gallery.shape[1]:
        raise ValueError(
            "query and gallery must be matrices (rows, channels) of one width, "
            f"got {tuple(query.shape)} and {tuple(gallery.shape)}"
        )
    if not len(gallery):
        raise ValueError("gallery must hold features to expand a query with, got none")
    dtype = torch.promote_types(torch.promote_types(query.dtype, gallery.dtype), torch.float32)
    check_norms(query, "query", dtype)
    check_norms(gallery, "gallery", dtype)
    gallery = F.normalize(gallery.to(dtype), dim=1)
    expanded = [
        _expand(F.normalize(block.to(dtype), dim=1), gallery, num_neighbours, alpha)
        for block in query.split(_ROWS)
    ]
    return torch.cat(expanded) if expanded else query.to(dtype)


def _expand(query: Tensor, gallery: Tensor, num_neighbours: int, alpha: float) -> Tensor:
    nearest = (query @ gallery.T).topk(min(num_neighbours, len(gallery)), dim=1)
    weights = nearest.values.clamp_min(0) ** alpha
    sums = (weights.unsqueeze(2) * gallery[nearest.indices]).sum(dim=1)
    return F.normalize(query + sums, dim=1)
