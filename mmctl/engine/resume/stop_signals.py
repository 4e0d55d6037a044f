"""Signals that end a training after its state is saved."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

import torch
from mmengine.dist import all_reduce, get_world_size
from torch.utils.data import DataLoader

STOP_STATUS = 85
"""Exit status of a training that a signal of the scheduler stopped: start it again to go on."""

INTERRUPT_STATUS = 130
"""Exit status after Ctrl-C, the convention of shells."""

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
_HANDED_ON_SECONDS = 0.5
_LOOK_AFTER = 5.0
"""Seconds between a worker's looks whether its main process lives."""


class RunStopped(SystemExit):
    """A signal stopped the training where it can go on; the exit status says so.

    Args:
        number: The signal.
        saved: Path of the snapshot, or None if there is nothing that saves one.
    """

    def __init__(self, number: int, saved: str | None) -> None:
        super().__init__(INTERRUPT_STATUS if number == signal.SIGINT else STOP_STATUS)
        self.number = number
        self.saved = saved

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        place = f"{self.saved} is saved" if self.saved else "the last checkpoint is kept"
        return f"stopped by {name}: {place}; --resume goes on from it"


class StopSignals:
    """Take note of SIGTERM, SIGUSR1 and SIGINT for as long as the context lasts.

    The first one is kept in ``received`` for whoever can stop cleanly; the second ends the process
    at once. The same one again within half a second is no second one: what a scheduler sends to all
    processes, a launcher among them hands on. Outside the main thread, where Python allows no
    handlers, nothing is taken note of.

    Attributes:
        received: The first signal, 0 before there is one.
    """

    def __init__(self) -> None:
        self.received = 0
        self._received_at = 0.0
        self._process = 0
        self._at_once = False
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopSignals:
        self.received = 0
        self._process = os.getpid()
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._take) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous = {}

    def _take(self, number: int, _: FrameType | None) -> None:
        if os.getpid() != self._process:
            return  # a data loader's worker: its main process decides
        now = time.monotonic()
        if self.received:
            if number == self.received and now - self._received_at < _HANDED_ON_SECONDS:
                return
            os._exit(128 + number)
        self.received, self._received_at = number, now
        name = signal.Signals(number).name
        when = "now" if self._at_once else "after this iteration (or validation)"
        os.write(2, f"\n{name}: stops {when}; once more ends the process at once\n".encode())
        if self._at_once:
            raise RunStopped(number, None)

    @contextmanager
    def stopping_at_once(self) -> Iterator[None]:
        """Let a signal end the block where it is, with :class:`RunStopped`.

        For work that leaves nothing half done and is done again on resuming. Of several processes
        none may leave alone: there the signal waits for the end of the block.
        """
        self._at_once = get_world_size() == 1
        try:
            yield
        finally:
            self._at_once = False

    def agreed(self) -> int:
        """Return a signal that any rank has received, 0 if none has; all ranks must call it."""
        if get_world_size() == 1:
            return self.received
        return agree(self.received)


def end_on_signals() -> None:
    """Let the signals end this process at once, with the status that they have in a training.

    For what comes before and after the training itself, which has nothing to save that is not on
    disk. No exception: others' bare ``except`` would make an error of their own of it.
    """
    process = os.getpid()

    def end(number: int, _: FrameType | None) -> None:
        if os.getpid() != process:  # a data loader's worker has inherited the handler
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        name = signal.Signals(number).name
        text = (
            "the training does not run; --resume goes on from the last checkpoint, if there is one"
        )
        os.write(2, f"\nstopped by {name}: {text}\n".encode())
        os._exit(RunStopped(number, None).code)  # type: ignore[arg-type]

    for number in SIGNALS:
        signal.signal(number, end)


def agree(value: int) -> int:
    """Return the largest value of all ranks; all must call it."""
    largest = torch.tensor(value)
    all_reduce(largest, op="max")
    return int(largest)


def leave_signals_to_main_process(
    worker_id: int = 0, inner: object = None, main_process: int | None = None
) -> None:
    """Keep a data loader's worker alive when its whole process group is told to stop.

    The main process would lose its batch and fail, before it could save. A worker ends when its
    main process does: at once by the SIGTERM that only the main process can send it, or within
    seconds where that was killed.

    Args:
        worker_id: Number of the worker.
        inner: A ``worker_init_fn`` to call as well.
        main_process: Its id as the main process knows it; a worker whose main process died while
            it was made has another parent already. None: this worker's parent.
    """
    for number in (signal.SIGUSR1, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    # Blocked, the signal waits for the thread below, which alone learns who has sent it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main = os.getppid() if main_process is None else main_process
    threading.Thread(target=_end_with_main_process, args=(main,), daemon=True).start()
    if callable(inner):
        inner(worker_id)


def _end_with_main_process(main_process: int) -> None:
    while os.getppid() == main_process:
        told = signal.sigtimedwait({signal.SIGTERM}, _LOOK_AFTER)
        if told is not None and told.si_pid == main_process:
            break
    # Nothing of a worker is worth more than its end: a queue may be full, a main thread busy.
    os._exit(0)


def spare_workers(loader: DataLoader) -> None:
    """Let the workers that a data loader starts leave signals to the main process.

    Args:
        loader: A data loader that has not started workers yet.
    """
    loader.worker_init_fn = partial(
        leave_signals_to_main_process, inner=loader.worker_init_fn, main_process=os.getpid()
    )
