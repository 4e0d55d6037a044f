"""Shared memory that a worker lends to a batch and gets back: new pages cost more than decoding.

A worker of a data loader hands a batch over in shared memory. Taking it anew for each batch costs
two thirds of the time of decoding, because the system clears every page and maps it. So a worker
keeps a few pieces, says in a byte of each that it is lent, and the process that receives the batch
clears the byte once the last tensor of it is gone.
"""

from __future__ import annotations

import os
import weakref
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from torch import Tensor

NUM_PIECES = 6
"""What a worker has lent at most: DataLoader's two ahead, one that is made, one that is trained on,
and two that a pause of the garbage collection may hold."""


class LentTensor(Tensor):
    """A tensor in lent memory, in the worker that lends it. What is computed of it is a plain one.

    Attributes:
        piece: Number of the piece of memory.
        is_lent: A byte for each piece, (NUM_PIECES,) uint8, shared: 1 while it is lent.
    """

    piece: int
    is_lent: Tensor

    # As in torch.nn.Parameter.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def lent(cls, tensor: Tensor, piece: int, is_lent: Tensor) -> LentTensor:
        """Return a tensor whose memory is that of a piece as one of these."""
        made = tensor.as_subclass(cls)
        made.piece, made.is_lent = piece, is_lent
        return made


class Lender:
    """The pieces of shared memory of one worker."""

    def __init__(self) -> None:
        self._is_lent = torch.zeros(NUM_PIECES, dtype=torch.uint8).share_memory_()
        self._pieces = [torch.empty(0, dtype=torch.uint8) for _ in range(NUM_PIECES)]

    def lend(self, like: Tensor, number: int) -> LentTensor | None:
        """Return empty memory for a number of tensors, one behind the other.

        Args:
            like: One of them, contiguous.
            number: How many.

        Returns:
            (number, *shape of ``like``), or ``None`` if every piece is lent.
        """
        free = (self._is_lent == 0).nonzero().flatten().tolist()
        if not free:
            return None
        piece = max(free, key=lambda index: len(self._pieces[index]))
        size = number * like.nbytes
        if len(self._pieces[piece]) < size:
            self._pieces[piece] = torch.empty(size, dtype=torch.uint8).share_memory_()
        self._is_lent[piece] = 1
        memory = self._pieces[piece][:size].view(like.dtype).view(number, *like.shape)
        return LentTensor.lent(memory, piece, self._is_lent)


def _reduce(lent: LentTensor) -> tuple[Any, ...]:
    return _receive, (lent.as_subclass(Tensor), lent.is_lent, lent.piece)


def _receive(shared: Tensor, is_lent: Tensor, piece: int) -> Tensor:
    """Return a tensor of shared memory that gives it back when it and all its views are gone."""
    array = shared.numpy()
    # A storage made of an array holds it until nothing shares the storage any more.
    returned = weakref.finalize(array, _give_back, is_lent, piece, os.getpid())
    returned.atexit = False
    return torch.from_numpy(array)


def _give_back(is_lent: Tensor, piece: int, receiver: int) -> None:
    # A fork has copies of the tensors and of what happens when they are gone.
    if os.getpid() == receiver:
        is_lent[piece] = 0


ForkingPickler.register(LentTensor, _reduce)
