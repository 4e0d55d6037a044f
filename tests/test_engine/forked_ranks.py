"""Processes of one gloo group, forked, with what each printed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from mmctl.engine import run_command
from tests.forked_processes import join_group, run_forked

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
    join_group(rank, num_ranks, folder)
    run_command(lambda: main(rank))
