"""The rows of all processes, for losses over the whole batch."""

from __future__ import annotations

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor


def gather_rows(rows: Tensor) -> Tensor:
    """Concatenate the rows of all processes, with gradient to those of this one.

    Meant for a loss that every process computes alike from all rows. Distributed training applies
    the mean of the processes' gradients, so the gradient is multiplied by their number: the
    parameters get the gradient that one process with the whole batch would give.

    Args:
        rows: (B, ...), of one shape in all processes.

    Returns:
        (B * number of processes, ...), in the order of the ranks; ``rows`` itself for one process.
    """
    num_processes = get_world_size()
    if num_processes == 1:
        return rows
    gathered = all_gather(rows.detach())
    if rows.requires_grad:
        own = rows.clone()
        own.register_hook(lambda gradient: gradient * num_processes)
        gathered[get_rank()] = own
    return torch.cat(gathered)
