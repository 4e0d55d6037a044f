"""Numbers that a forward computes in passing and the log shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_collections: list[dict[str, list[Tensor]]] = []


def watch(name: str, value: Tensor) -> None:
    """Note a number, if somebody collects them; nothing else sees it.

    Args:
        name: Its name in the log; ``loss`` must not be part of it, because MMEngine adds those.
        value: A scalar; no gradient goes through it.
    """
    if _collections:
        _collections[-1].setdefault(name, []).append(value.detach())


@contextmanager
def watching() -> Iterator[dict[str, Tensor]]:
    """Collect what is noted within the block, and in no block inside it.

    Yields:
        A dict that has the mean of each name's numbers once the block has ended.
    """
    means: dict[str, Tensor] = {}
    _collections.append({})
    try:
        yield means
    finally:
        noted = _collections.pop()
        means.update({name: torch.stack(values).mean() for name, values in noted.items()})
