"""A large batch through a network of little memory, as if it had gone through at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

Features = tuple[Any, Tensor | None]
"""Features of clips, a tensor or tensors by name, and nodes, if there are any."""
Statistics = dict[str, Tensor]
Extract = Callable[[Tensor, Tensor | None], tuple[Features, Statistics]]


def run_in_micro_batches(
    extract: Extract,
    inputs: Tensor,
    stored: Tensor | None,
    size: int | None,
    modules: Callable[[], Iterable[nn.Module]],
) -> tuple[Features, Statistics]:
    """Compute the features of a batch, keeping the activations of one micro-batch at a time.

    The forward keeps the features alone. The backward of a loss over the features of the whole
    batch runs each micro-batch once more and then back, so that the loss mines its triplets among
    all clips and the gradient is that of the whole batch, for one more forward. Only batch norm in
    training mode tells the difference: it normalises each micro-batch by its own statistics. Its
    running statistics are updated once.

    Args:
        extract: The network: features (B, ...) and statistics, scalars by name, of some clips.
        inputs: Clips, (B, T, 3, H, W).
        stored: What goes with each clip, (B, ...), or ``None``.
        size: Clips of a micro-batch; the last may be smaller. ``None`` for all at once.
        modules: Where to find the batch norms of the network.

    Returns:
        The features of all clips, and the mean of the micro-batches' statistics.
    """
    if size is None or size >= len(inputs):
        return extract(inputs, stored)
    norms = [module for module in modules() if isinstance(module, _BatchNorm)]
    features: list[Features] = []
    statistics: list[Statistics] = []
    for start in range(0, len(inputs), size):
        rows = slice(start, start + size)
        own, watched = checkpoint(
            extract,
            inputs[rows],
            None if stored is None else stored[rows],
            use_reentrant=False,
            context_fn=partial(_contexts, norms),
        )
        features.append(own)
        statistics.append(watched)
    return _join(features), {
        name: torch.stack([each[name] for each in statistics]).mean() for name in statistics[0]
    }


def _join(features: list[Features]) -> Features:
    nodes = [own[1] for own in features if own[1] is not None]
    firsts = [own[0] for own in features]
    if isinstance(firsts[0], Tensor):
        return torch.cat(firsts), torch.cat(nodes) if nodes else None
    return {name: torch.cat([own[name] for own in firsts]) for name in firsts[0]}, None


def _contexts(
    norms: list[_BatchNorm],
) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Return the contexts of the forward and of its repetition in the backward."""
    return nullcontext(), _without_running_statistics(norms)


@contextmanager
def _without_running_statistics(norms: list[_BatchNorm]) -> Iterator[None]:
    """Keep batch norms in training mode from updating their running statistics and counts.

    ``track_running_stats=False`` would do it too, but saves fewer tensors for the backward than
    the pass that is repeated, which ``checkpoint`` refuses.
    """
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
