"""Batches of clips."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate, get_worker_info

from mmctl.datasets.batches.lent_memory import Lender, LentTensor
from mmctl.registry import FUNCTIONS


@FUNCTIONS.register_module()
def collate_clips(
    items: Sequence[dict[str, Any]],
    _scope_: str | None = None,  # noqa: ARG001
) -> dict[str, Any]:
    """Join packed clips to a batch.

    MMEngine's ``pseudo_collate`` leaves a tensor per tracklet, each of which a worker hands over in
    a piece of shared memory of its own; joined they travel as one. In a config:
    ``collate_fn=dict(type='mmctl.collate_clips')``.

    Args:
        items: Results of ``PackClip``.
        _scope_: What MMEngine hands on of a config that is inherited by package.

    Returns:
        ``inputs``: in a worker one tensor (B, M, T, 3, H, W) where all shapes agree, as they do in
        training, otherwise the list of the tensors; and ``data_samples``, the list of the samples.
    """
    clips = [item["inputs"] for item in items]
    shapes = {tensor.shape for tensor in clips}
    joins = get_worker_info() is not None and len(shapes) == 1 and clips[0].dim() == 5
    return {
        "inputs": _join(clips) if joins else clips,
        "data_samples": [item["data_samples"] for item in items],
    }


def _join(clips: list[Tensor]) -> Tensor:
    """Join clips (M, T, 3, H, W) whose colours are innermost in memory, as PackClip leaves them."""
    frames = [tensor.permute(0, 1, 3, 4, 2) for tensor in clips]
    are_bytes = all(tensor.dtype == torch.uint8 for tensor in frames)
    memory = _lender().lend(frames[0], len(frames)) if are_bytes else None
    if memory is None:
        return default_collate(frames).permute(0, 1, 2, 5, 3, 4)
    torch.stack(frames, out=memory)
    return LentTensor.lent(memory.permute(0, 1, 2, 5, 3, 4), memory.piece, memory.states)


@functools.cache
def _lender() -> Lender:
    return Lender()
