"""Tests find the process as it was before all others, in any order."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.logging import MMLogger, print_log
from mmengine.registry import MODELS, DefaultScope
from torch import nn
from torch.utils.data import DataLoader

from mmctl.registry import MODELS as OURS
from tests.process_state import kept_process_state


def change_environment() -> None:
    os.environ.pop("PATH")
    os.environ["MMCTL_TEST"] = "1"


def add_component() -> None:
    OURS.register_module(name="ResNet", module=type("Foreign", (nn.Module,), {}), force=True)


CHANGES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "folder": (lambda: os.chdir("/"), os.getcwd),
    "environment": (change_environment, lambda: dict(os.environ)),
    "paths": (lambda: sys.path.append("elsewhere"), lambda: list(sys.path)),
    "threads": (lambda: torch.set_num_threads(3), torch.get_num_threads),
    "threads of OpenCV": (lambda: cv2.setNumThreads(3), cv2.getNumThreads),
    "precision": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "signals": (
        lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "scope": (
        lambda: DefaultScope.get_instance("test", scope_name="mmpose"),
        lambda: list(DefaultScope._instance_dict),
    ),
    "loggers": (
        lambda: logging.getLogger("mmctl.new").addHandler(logging.StreamHandler()),
        lambda: list(logging.getLogger("mmctl.new").handlers),
    ),
    "components": (add_component, lambda: OURS.module_dict.get("ResNet")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_test_changes_is_put_back(name: str) -> None:
    change, read = CHANGES[name]
    before = read()
    with kept_process_state():
        change()
        assert read() != before
    assert read() == before


def test_components_of_packages_stay_because_they_are_imported_once() -> None:
    component = type("Layer", (nn.Module,), {"__module__": "some_package.layers"})
    with kept_process_state():
        MODELS.register_module(name="LayerOfSomePackage", module=component)
    assert MODELS.module_dict.pop("LayerOfSomePackage") is component


def test_workers_of_a_run_that_failed_end_with_its_test() -> None:
    with kept_process_state():
        batches = iter(DataLoader(range(1), num_workers=2))  # nothing for the second one to do
        workers = batches._workers
        assert all(worker.is_alive() for worker in workers)
    assert not any(worker.is_alive() for worker in workers)
    assert batches._shutdown


def test_a_logger_does_not_keep_the_closed_stream_of_an_earlier_test(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with kept_process_state(), monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.StringIO())
        MMLogger.get_instance("earlier")
        sys.stdout.close()
    MMLogger.get_instance("later")
    print_log("heard", "current")
    printed = capsys.readouterr()
    assert "heard" in printed.out
    assert not printed.err


def test_the_file_of_a_forgotten_logger_is_closed(tmp_path: Path) -> None:
    with kept_process_state():
        logger = MMLogger.get_instance("earlier", log_file=str(tmp_path / "run.log"))
        handler = next(h for h in logger.handlers if isinstance(h, logging.FileHandler))
        assert handler.stream is not None
    assert handler.stream is None
