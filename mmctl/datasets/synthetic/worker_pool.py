"""Processes that draw, and end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import cv2


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to this thread, whose pictures are smaller than a hand-over is worth."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Return a pool whose workers end with this process, however it ends.

    Args:
        workers: Number of processes.
    """
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    with (
        one_thread(),
        ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(),)) as pool,
    ):
        yield pool


def _start_worker(parent: int) -> None:
    # Not 1: a forked process would wait for ever for the threads that OpenCV had before the fork.
    cv2.setNumThreads(0)
    # Ctrl-C is the parent's business: it lets running tracklets end and cancels the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def end_with_parent() -> None:
        # A worker of a killed process would wait for work for ever.
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
