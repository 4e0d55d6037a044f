"""Batch normalisation over the channels of channels-last node features."""

from __future__ import annotations

from torch import Tensor, nn


def normalize_channels(norm: nn.Module, nodes: Tensor) -> Tensor:
    """Apply a ``BatchNorm1d`` to the last axis, all other axes being the batch.

    The leading axes are flattened here and not in a subclass of ``BatchNorm1d``: a conversion to
    synchronised batch norm would replace such a subclass by one that takes axis 1 for channels.

    Args:
        norm: ``BatchNorm1d`` of C channels, or what a conversion made of it.
        nodes: (..., C).

    Returns:
        (..., C).
    """
    return norm(nodes.flatten(0, -2)).view_as(nodes)
