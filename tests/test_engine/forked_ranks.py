"""Processes of one gloo group, forked, with what each printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
import torch._dynamo  # the first optimizer does, for seconds: once here, not in each process

from mmctl.engine import run_command
from tests.forked_processes import run_forked

WRAPPER = {
    "type": "MMDistributedDataParallel",
    "broadcast_buffers": False,
    "find_unused_parameters": False,
    "device_ids": None,
}
"""``model_wrapper_cfg`` of processes on CPUs."""


def run_ranks(
    main: Callable[[int], None], folder: Path, num_ranks: int = 2
) -> list[tuple[int, str]]:
    """Run ``main(rank)`` as a tool in each process; return exit statuses and output."""
    statuses = run_forked(_run, [(main, rank, num_ranks, folder) for rank in range(num_ranks)])
    return [(status, (folder / f"{i}.txt").read_text()) for i, status in enumerate(statuses)]


def _run(main: Callable[[int], None], rank: int, num_ranks: int, folder: Path) -> None:
    # A dead process leaves what it printed.
    output = open(folder / f"{rank}.txt", "w", buffering=1)  # noqa: SIM115
    sys.stdout = sys.stderr = output
    torch.set_num_threads(1)
    os.environ["LOCAL_RANK"] = str(rank)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=num_ranks,
        timeout=timedelta(minutes=30),
    )
    run_command(lambda: main(rank))
