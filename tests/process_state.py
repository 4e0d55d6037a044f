"""What a test may change for the whole process, put back after it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from weakref import WeakSet

import cv2
import torch
from mmengine import registry
from mmengine.registry import Registry
from mmengine.utils import ManagerMixin
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (os.getcwd, os.chdir),
    (lambda: list(sys.path), lambda paths: sys.path.__setitem__(slice(None), paths)),
    (lambda: list(sys.argv), lambda words: sys.argv.__setitem__(slice(None), words)),
    (gc.isenabled, lambda enabled: gc.enable() if enabled else gc.disable()),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (cv2.getNumThreads, cv2.setNumThreads),
    (
        lambda: multiprocessing.get_start_method(allow_none=True),
        lambda method: multiprocessing.set_start_method(method, force=True),
    ),
)
"""How each is read and set again."""


@contextmanager
def kept_process_state() -> Iterator[None]:
    """Put back, at the end, all that tests are known to change for those after them."""
    with ExitStack() as stack:
        for keep in (_settings, _environment, _signals, _log_handlers, _instances, _registered):
            stack.enter_context(keep())
        stack.enter_context(_loader_workers())  # which end before all else
        yield


@contextmanager
def _settings() -> Iterator[None]:
    before = [read() for read, _ in SETTINGS]
    yield
    for value, (read, write) in zip(before, SETTINGS, strict=True):
        if read() != value:
            write(value)


@contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before:
        del os.environ[name]
    os.environ.update(before)


@contextmanager
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@contextmanager
def _log_handlers() -> Iterator[None]:
    """A handler keeps the stream of the test that made it, which is closed after it."""
    before = {logger: (list(logger.handlers), logger.level) for logger in _loggers()}
    yield
    for logger in _loggers():
        handlers, level = before.get(logger, ([], logger.level))
        logger.handlers[:] = handlers
        if logger.level != level:
            logger.setLevel(level)


def _loggers() -> list[logging.Logger]:
    named = logging.Logger.manager.loggerDict.values()
    return [logging.root, *(entry for entry in named if isinstance(entry, logging.Logger))]


@contextmanager
def _instances() -> Iterator[None]:
    """Loggers, visualizers, message hubs and scopes of MMEngine, of which the last one counts."""
    before = {owner: list(owner._instance_dict.items()) for owner in _managers(ManagerMixin)}
    yield
    for owner in _managers(ManagerMixin):
        kept = before.get(owner, [])
        for name, instance in owner._instance_dict.items():
            if isinstance(instance, logging.Logger) and (name, instance) not in kept:
                for handler in instance.handlers:
                    if isinstance(handler, logging.FileHandler):
                        handler.close()
        owner._instance_dict.clear()
        owner._instance_dict.update(kept)


def _managers(owner: type[ManagerMixin]) -> Iterator[type[ManagerMixin]]:
    for child in owner.__subclasses__():
        yield child
        yield from _managers(child)


@contextmanager
def _loader_workers() -> Iterator[None]:
    """Those of a run that failed, which would end whenever its garbage is collected.

    The collection may close their pipes first; the threads that feed them then write to what has
    the same number by now, and print of it into another test.
    """
    started: WeakSet[_MultiProcessingDataLoaderIter] = WeakSet()
    begin = _MultiProcessingDataLoaderIter.__init__

    def begin_and_note(batches: _MultiProcessingDataLoaderIter, loader: DataLoader) -> None:
        started.add(batches)
        begin(batches, loader)

    _MultiProcessingDataLoaderIter.__init__ = begin_and_note
    yield
    _MultiProcessingDataLoaderIter.__init__ = begin
    for batches in list(started):
        with suppress(RuntimeError):  # of a worker that was killed
            batches._shutdown_workers()


@contextmanager
def _registered() -> Iterator[None]:
    """Components of tests; those of a package stay, because it is imported once."""
    before = {part: dict(part.module_dict) for part in _registries()}
    yield
    for part in _registries():
        kept = before.get(part, {})
        for name, component in list(part.module_dict.items()):
            if component is not kept.get(name) and component.__module__.startswith("tests."):
                del part.module_dict[name]
                part.module_dict.update({name: kept[name]} if name in kept else {})


def _registries() -> Iterator[Registry]:
    waiting = [part for part in vars(registry).values() if isinstance(part, Registry)]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(part.children.values())
