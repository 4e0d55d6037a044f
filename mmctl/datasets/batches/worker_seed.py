"""Seeds of the processes that load data."""

from __future__ import annotations

import os
import random

import numpy as np
import torch
from mmengine.dist import get_rank

from mmctl.datasets.batches.freed_memory import keep_freed_memory
from mmctl.registry import FUNCTIONS


@FUNCTIONS.register_module()
def seed_worker(worker_id: int, _scope_: str | None = None) -> None:
    """Give every worker of every rank and epoch its own random stream.

    MMEngine's default seeds a worker by its number and rank alone, and workers start anew in
    every epoch unless they persist: each epoch would repeat the draws of the first. PyTorch gives
    the workers of each epoch a new base seed, drawn from the main process's generator, which is
    the same for the same ``randomness.seed``; it is the same on all ranks too, so the rank is
    mixed in. In a config: ``worker_init_fn=dict(type='mmctl.seed_worker')``.

    It is for MMEngine's own loops: ``ResumableEpochLoop`` seeds every item. The worker also keeps
    the memory of freed frames (``keep_freed_memory``).

    Args:
        worker_id: Number of the worker; PyTorch's seed holds it already.
        _scope_: What MMEngine hands on of a config that is inherited by package.
    """
    del worker_id, _scope_
    keep_freed_memory()
    # A spawned worker belongs to no process group, but inherits the launcher's environment.
    rank = get_rank() or int(os.environ.get("RANK", "0"))
    state = np.random.SeedSequence([torch.initial_seed(), rank]).generate_state(4)
    np.random.seed(state)  # noqa: NPY002 (the stream that transforms draw from)
    random.seed(int(state[0]))
    torch.manual_seed(int(state[1]))
