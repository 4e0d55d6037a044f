"""What several tests share: a drawn data set, and tools called in this process."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType
from uuid import uuid4

# Whatever the shell says: tests fork, and a forked process waits for ever for a pool of threads.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pytest
import torch
from hypothesis import settings

from tests.drawn_sets import draw_tiny
from tests.process_state import kept_process_state

ROOT = Path(__file__).resolve().parents[1]

torch.set_num_threads(1)  # a plugin may have imported torch before
# A shell lets what it runs in the background ignore Ctrl-C, and so would all that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
# No test may pass or fail by chance or by the load of the machine.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


# What the first gradient of a process finds decides for good whether autograd has threads, which no
# forked process survives; the exporter of graphs brings devices that would have some.
torch.ones(1, requires_grad=True).sum().backward()


def seed_generators() -> None:
    """Seed what is drawn without a generator of its own."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (the stream that transforms draw from)
    random.seed(0)


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Let a test draw the same whether it is the one that sets up a shared fixture or not."""
    seed_generators()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, bool, bool]:
    """Leave the process to the next test, whichever it is, as this one found it."""
    with kept_process_state():
        seed_generators()  # for fixtures of a module or the session
        return (yield)


@pytest.fixture(scope="session")
def drawn_mars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn pedestrians in the layout of MARS: 8 training and 4 test people."""
    return draw_tiny(tmp_path_factory.mktemp("drawn") / "mars")


@pytest.fixture(scope="session")
def graph_weights(drawn_mars: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of a CTL and a baseline that are quick to export, by name."""
    from tests.test_apis.exported_graphs import save_checkpoints

    return save_checkpoints(tmp_path_factory.mktemp("graph_weights"), drawn_mars)


@pytest.fixture(scope="session")
def graphs(graph_weights: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ctl.onnx``, ``ctl.pt2`` and ``baseline.onnx`` of these."""
    # Here and not in a module of tests: imported into several, it would be made once for each.
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    from tests.test_apis.exported_graphs import export

    folder = tmp_path_factory.mktemp("graphs")
    export(graph_weights["ctl"], folder, "ctl", with_program=True)
    export(graph_weights["baseline"], folder, "baseline")
    return folder


@pytest.fixture
def few_sizes(monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[int, int], ...]:
    """Prove graphs with few numbers of clips and frames, where a test is not about them."""
    sizes = ((1, 1), (2, 4), (3, 2), (2, 7))
    monkeypatch.setattr("mmctl.deployment.graph_check.GRID", sizes)
    return sizes


def load_tool(path: str) -> ModuleType:
    """Import a script below ``tools/`` as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / "tools" / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what other processes do; what never comes ends with the test's limit of time."""
    while not condition():
        time.sleep(0.02)


def data_options(root: Path) -> list[str]:
    """Return the overrides that point the quickstart's configs at a small drawn set."""
    options = [f"{part}_dataloader.dataset.data_root={root}" for part in ("train", "val", "test")]
    return [
        *options,
        *(f"{part}_dataloader.num_workers=0" for part in ("train", "val", "test")),
        "model.head.num_classes=8",
        "train_dataloader.batch_size=8",
        "train_dataloader.sampler.num_pids=4",
        # Two runners of one second would share a visualizer.
        f"experiment_name=test-{uuid4().hex}",
    ]


@pytest.fixture
def run_tool(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Call a tool's main in this process: ``run_tool('train.py', 'config.py', '--amp')``."""

    def run(path: str, *arguments: str) -> None:
        from mmctl.engine import run_command

        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        run_command(load_tool(path).main)

    return run
