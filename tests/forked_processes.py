"""Processes that a test starts beside each other and that end with it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch


def run_forked(target: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> list[int]:
    """Call ``target`` in one forked process per tuple of arguments, all at a time.

    How long they may take is the limit of the test, as for all that it does: one that waits for
    ever ends with it.

    Returns:
        The exit statuses, negative for a signal.
    """
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=target, args=given) for given in arguments]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.pid is not None:
                process.kill()
                process.join()
    return [process.exitcode or 0 for process in processes]


def run_group(target: Callable[..., None], folder: Path, *arguments: Any) -> list[int]:
    """Call ``target(rank, folder, *arguments)`` in two forked processes of one gloo group."""
    ranks = [(target, rank, folder, arguments) for rank in range(2)]
    return run_forked(_run_in_group, ranks)


def _run_in_group(target: Callable[..., None], rank: int, folder: Path, arguments: tuple) -> None:
    join_group(rank, 2, folder)
    target(rank, folder, *arguments)
    # A target that asks the others for nothing could leave before they have met it.
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def join_group(rank: int, num_ranks: int, folder: Path) -> None:
    """Make this process, forked from a test's, one of a gloo group that meets in a folder."""
    torch.set_num_threads(1)
    os.environ["LOCAL_RANK"] = str(rank)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/store",
        rank=rank,
        world_size=num_ranks,
        timeout=timedelta(minutes=30),
    )
