"""Enough hits of an engine that rounds, so that the most similar ones are surely among them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.gallery.columns import Integers
from mmctl.gallery.scoring import error_margin

Search = Callable[[list[int], int], list[tuple[npt.NDArray[Any], Integers]]]
"""From numbers of queries and most hits to falling scores, (n,), and places, (n,), of each."""

_MORE = 8


def widen(
    search: Search, count: int, topk: int, available: int, width: int, most: int | None = None
) -> list[Integers]:
    """Return places of hits of each query: all that may be among the most similar ones.

    An engine sums in float32, so that two similarities nearly alike may come in either order. Hits
    are asked for until the last one is below the last that counts by more than that.

    Args:
        search: The engine's search.
        count: Queries.
        topk: How many hits count.
        available: Tracklets that may be found.
        width: Numbers in a feature.
        most: Most hits that the engine gives; None: any number.
    """
    found: list[Integers] = [np.empty(0, np.int64)] * count
    margin, most = error_margin(width), min(available, most or available)
    left, limit = list(range(count)), min(topk + _MORE, most)
    while left:
        again = []
        for number, (scores, places) in zip(left, search(left, limit), strict=True):
            found[number] = places.astype(np.int64)
            is_short = len(scores) < topk or scores[-1] >= scores[topk - 1] - margin
            if limit < most and is_short:
                again.append(number)
        left, limit = again, min(4 * limit, most)
    return found
