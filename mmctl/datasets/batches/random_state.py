"""The state of every generator that a training draws from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def read_random_state(*, cuda: bool = True) -> dict[str, Any]:
    """Return the states of Python's, NumPy's and PyTorch's generators of this process.

    Args:
        cuda: Whether those of this process' GPUs belong to it.

    Returns:
        Tensors and plain values only, so that a checkpoint may hold it.
    """
    # The legacy stream is what the transforms of MMCV draw from.
    version, words, gauss = random.getstate()
    state = {
        # Hundreds of single numbers are slow to save.
        "python": (version, np.array(words, dtype=np.uint32), gauss),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "torch": torch.get_rng_state(),
    }
    if cuda and torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def write_random_state(state: dict[str, Any]) -> None:
    """Put generators back into a state of :func:`read_random_state`."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())


def seed_random_state(sequence: np.random.SeedSequence) -> None:
    """Seed Python's, NumPy's and PyTorch's CPU generators.

    Args:
        sequence: What the seeds are drawn from.
    """
    words = sequence.generate_state(8)
    np.random.seed(words[:4])  # noqa: NPY002
    random.seed(words[4:6].tobytes())
    # torch.manual_seed would seed the GPUs too, which the training draws from.
    torch.default_generator.manual_seed(int(words[6]) << 32 | int(words[7]))


@contextmanager
def kept_random_state(*, cuda: bool = True) -> Iterator[None]:
    """Run a block whose draws nobody after it notices.

    Args:
        cuda: Whether the block may draw on a GPU.
    """
    state = read_random_state(cuda=cuda)
    try:
        yield
    finally:
        write_random_state(state)
