"""Shared memory that a worker lends to a batch and gets back: new pages cost more than decoding.

A worker of a data loader hands a batch over in shared memory. Taking it anew for each batch costs
two thirds of the time of decoding, because the system clears every page and maps it. So a worker
keeps a few pieces, says in a byte of each that it is lent, and the process that receives the batch
clears the byte once the last tensor of it is gone. A fork of that process may still use what it
holds then: such pieces are given up. A piece that is lent and never sent is lost; where all are,
batches take memory of their own as they always did.

A piece is as large as the largest batch that it held, and shrinks no more: a worker ends with up to
six of the largest batches in ``/dev/shm``, which ``--shm-size`` of a container must allow.
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

FREE, LENT, GIVEN_UP = 0, 1, 2


class LentTensor(Tensor):
    """A tensor in lent memory, in the worker that lends it. What is computed of it is a plain one.

    Attributes:
        piece: Number of the piece of memory.
        states: A byte for each piece, (NUM_PIECES,) uint8, shared: free, lent or given up.
    """

    piece: int
    states: Tensor

    # As in torch.nn.Parameter.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def lent(cls, tensor: Tensor, piece: int, states: Tensor) -> LentTensor:
        """Return a tensor whose memory is that of a piece as one of these."""
        made = tensor.as_subclass(cls)
        made.piece, made.states = piece, states
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self.clone()


class Lender:
    """The pieces of shared memory of one worker."""

    def __init__(self) -> None:
        self._states = torch.full((NUM_PIECES,), FREE, dtype=torch.uint8).share_memory_()
        self._pieces = [torch.empty(0, dtype=torch.uint8) for _ in range(NUM_PIECES)]

    def lend(self, like: Tensor, number: int) -> LentTensor | None:
        """Return empty memory for a number of tensors, one behind the other.

        Args:
            like: One of them, uint8, contiguous.
            number: How many.

        Returns:
            (number, *shape of ``like``), or ``None`` if every piece is lent.
        """
        states = self._states.tolist()
        for piece, state in enumerate(states):
            if state == GIVEN_UP:
                self._pieces[piece] = torch.empty(0, dtype=torch.uint8)
                self._states[piece] = FREE
        free = [piece for piece, state in enumerate(states) if state != LENT]
        if not free:
            return None
        piece = max(free, key=lambda index: len(self._pieces[index]))
        size = number * like.numel()
        if len(self._pieces[piece]) < size:
            self._pieces[piece] = torch.empty(size, dtype=torch.uint8).share_memory_()
        self._states[piece] = LENT
        memory = self._pieces[piece][:size].view(number, *like.shape)
        return LentTensor.lent(memory, piece, self._states)


_received: list[weakref.finalize] = []
"""What happens at the end of each batch that this process has."""


def _reduce(lent: LentTensor) -> tuple[Any, ...]:
    return _receive, (lent.as_subclass(Tensor), lent.states, lent.piece)


def _receive(shared: Tensor, states: Tensor, piece: int) -> Tensor:
    """Return a tensor of shared memory that gives it back when nothing sees that any more."""
    # Of the storage: whatever else the worker sent of the piece shares it.
    end = weakref.finalize(shared.untyped_storage(), _set, states, piece, FREE)
    end.atexit = False
    _received[:] = [*(other for other in _received if other.alive), end]
    # Not the tensor itself, which would be sent on to another process without a copy.
    return torch.from_numpy(shared.numpy())


def _set(states: Tensor, piece: int, state: int) -> None:
    states[piece] = state


def _give_up() -> None:
    """Leave to a fork what this process holds."""
    for end in _received:
        found = end.detach()
        if found is not None:
            states, piece, _ = found[2]
            _set(states, piece, GIVEN_UP)
    _received.clear()


ForkingPickler.register(LentTensor, _reduce)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_give_up)
