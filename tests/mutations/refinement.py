"""Mistakes in what changes a ranking: re-ranking, its neighbours, query expansion."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_SHARED = "1 - shared / (2 - shared)"

RERANKING = mistakes_in(
    "mmctl/functional/reranking.py",
    ("tests/test_functional/test_reranking.py",),
    {
        "re-ranking: lambda on the other term": (
            "distances *= 1 - settings.lambda_value",
            "distances *= settings.lambda_value",
        ),
        "re-ranking: neighbours not reciprocal": (
            "mutual = (nearest[block] == items).any(axis=2)",
            "mutual = np.ones(block.shape, dtype=bool)",
        ),
        "re-ranking: Jaccard similarity for distance": (_SHARED, "shared / (2 - shared)"),
        "re-ranking: half neighbourhoods must overlap in a third": (
            "overlap = 3 * (is_shared",
            "overlap = 6 * (is_shared",
        ),
        "re-ranking: distances that were not found are taken for others": (
            "unknown = np.flatnonzero(known[places] != keys)",
            "unknown = np.flatnonzero(keys < 0)",
        ),
        "re-ranking: sums instead of means": (
            "np.add.reduceat(rows.values[entries][order], firsts) / k2",
            "np.add.reduceat(rows.values[entries][order], firsts)",
        ),
    },
)

NEIGHBOURS = mistakes_in(
    "mmctl/functional/neighbours.py",
    ("tests/test_functional/test_neighbours.py",),
    {
        "neighbours: a tile serves its rows only": (
            "if columns.start > rows.start:",
            "if columns.start < rows.start:",
        ),
        "neighbours: ties left to the product": (
            "close = torch.stack(gaps).amin(dim=0) <= rounding",
            "close = torch.stack(gaps).amin(dim=0) < -rounding",
        ),
        "neighbours: ties beyond the candidates left out": (
            "(close & (last <= rounding))",
            "(close & (last < -rounding))",
        ),
        "neighbours: the corner one column off": (
            "start = column + first - len(corner)",
            "start = max(column + first - len(corner) - 1, 0)",
        ),
    },
)

QUERY_EXPANSION = mistakes_in(
    "mmctl/functional/query_expansion.py",
    ("tests/test_functional/test_query_expansion.py",),
    {
        "query expansion: the query itself left out": (
            "F.normalize(query + sums, dim=1)",
            "F.normalize(sums, dim=1)",
        ),
        "query expansion: negative similarities count": (
            ".clamp_min(0) ** alpha",
            " ** alpha",
        ),
        "query expansion: all neighbours weigh the same": (
            "clamp_min(0) ** alpha",
            "clamp_min(0) ** 0.0",
        ),
    },
)

REFINEMENT = (
    *RERANKING,
    *NEIGHBOURS,
    *QUERY_EXPANSION,
)
