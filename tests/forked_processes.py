"""Processes that a test starts beside each other and that end with it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any


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
