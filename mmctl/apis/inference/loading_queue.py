"""Work that is done ahead in threads, in order, and never far ahead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_POLL_SECONDS = 0.1


def load_ahead(
    jobs: Iterable[Job], load: Callable[[Job], Result], num_threads: int, ahead: int
) -> Iterator[Result]:
    """Yield the results of jobs in their order; threads work on the next ones meanwhile.

    The jobs are drawn in a thread of their own, so that a video is decoded meanwhile, too.

    Args:
        jobs: Drawn one by one, no more than ``ahead`` before they are wanted.
        load: What is done; it may release Python's lock, as OpenCV does.
        num_threads: Threads that do it; 0: none, all is done when it is wanted.
        ahead: Most jobs that are done or under way.
    """
    if not num_threads:
        yield from map(load, jobs)
        return
    waiting: queue.Queue[Future[Any] | None] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(item: Future[Any] | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=_POLL_SECONDS)
                return

    def draw() -> None:
        try:
            for job in jobs:
                put(pool.submit(load, job))
                if stopped.is_set():
                    return
        # Whatever it is belongs to who wants the results.
        except BaseException as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            put(failed)
        put(None)

    with ThreadPoolExecutor(num_threads, "mmctl-load") as pool:
        drawer = threading.Thread(target=draw, name="mmctl-draw", daemon=True)
        drawer.start()
        try:
            while (future := waiting.get()) is not None:
                yield future.result()
        finally:
            stopped.set()
            drawer.join()
            pool.shutdown(cancel_futures=True)
