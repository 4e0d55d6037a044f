"""A copy of the checkout that may be broken, and the children that test it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("mmctl", "tests", "configs", "tools", "dev", "docs", "pyproject.toml")
NOT_RUN = 70
"""Exit status of a child that did not get as far as pytest, which has its own below 6."""


class RedTests:
    """Pytest plugin that lists the tests that fail, one per line of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that failed."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be imported."""
        self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            with self.path.open("a") as file:
                file.write(f"{report.nodeid}\n")


class Workplace:
    """A copy of the checkout in which one test run takes place at a time."""

    def __init__(self, folder: Path) -> None:
        self.copy = folder / "checkout"
        self.red = folder / "red.txt"
        self.output = folder / "output.txt"
        for name in COPIED:
            source, target = ROOT / name, self.copy / name
            if source.is_dir():
                shutil.copytree(
                    source, target, ignore=shutil.ignore_patterns("__pycache__", ".mim")
                )
            else:
                shutil.copy(source, target)

    def start(self, tests: Sequence[str], *options: str) -> int:
        """Fork a child that runs the tests on the copy, and return its process id."""
        self.red.write_text("")
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        status = NOT_RUN
        try:
            status = self._run(tests, options)
        except BaseException:
            traceback.print_exc()
        finally:
            # Not sys.exit: the parent's progress bar and temporary folder are none of the child's.
            sys.stderr.flush()
            os._exit(status)

    def _run(self, tests: Sequence[str], options: Iterable[str]) -> int:
        descriptor = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.chdir(self.copy)
        sys.path.insert(0, str(self.copy))
        os.environ["PYTHONPATH"] = str(self.copy)  # for what the tests start themselves
        check_origin(self.copy)
        status = pytest.main(
            ["-q", "-p", "no:cacheprovider", "--timeout=300", *options, *tests],
            plugins=[RedTests(self.red)],
        )
        sys.stdout.flush()
        return int(status)


def check_origin(copy: Path) -> None:
    """Raise unless the package that a test would import is the one in ``copy``."""
    imported = [name for name in sys.modules if name.partition(".")[0] in ("mmctl", "tests")]
    spec = importlib.util.find_spec("mmctl") if not imported else None
    origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
    if origin != (copy / "mmctl" / "__init__.py").resolve():
        raise RuntimeError(f"tests must import mmctl from {copy}, got {origin or imported}")
