"""Tracklets as the arrays that feature files of other programs hold."""

from __future__ import annotations

import numpy as np


def halves(tracklets):
    """Return the arrays of the queries and of the others."""
    is_query = tracklets.splits == "query"
    return [
        {name: getattr(tracklets, name)[rows] for name in ("features", "pids", "camids")}
        for rows in (is_query, ~is_query)
    ]


def save_two_splits(path, query, gallery):
    arrays = {
        f"{split}_{name}": values
        for split, part in (("query", query), ("gallery", gallery))
        for name, values in part.items()
    }
    np.savez(path, **arrays)
    return path
