"""What studies over several seeds share: runs that are kept when finished, and their spread."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from mmctl.checkpoints.last_checkpoint import trained_checkpoint
from mmctl.engine.commands.measured_numbers import read_finished, read_measured
from mmctl.engine.commands.tool_runs import run_python
from mmctl.files import FolderLock

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("mAP", "R1")
"""The scores that the tables are made of."""


def working_alone(work_dir: Path, only_reading: bool) -> AbstractContextManager[object]:
    """Return the context of a study, whose folder no other one takes meanwhile.

    Args:
        work_dir: Folder of the study; it is made.
        only_reading: Whether it makes the table of what is done, which it may beside another.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    return nullcontext() if only_reading else FolderLock(work_dir)


def train_and_test(
    config: Path, folder: Path, options: Sequence[str], flags: Sequence[str] = ()
) -> dict:
    """Train and test one config, unless that is done, and return its numbers.

    Args:
        config: The config file.
        folder: Work folder of this run; an interrupted training in it goes on.
        options: What ``--cfg-options`` gets in training and test.
        flags: Further arguments of ``tools/train.py``.
    """
    metrics = folder / "metrics.json"
    if finished(metrics) is None:
        folder.mkdir(parents=True, exist_ok=True)
        train = ["tools/train.py", str(config), "--work-dir", str(folder), "--resume", *flags]
        call([*train, "--cfg-options", *options], folder / "train.txt")
    return test(config, folder, metrics, options)


def test(config: Path, folder: Path, metrics: Path, options: Sequence[str]) -> dict:
    """Test the last checkpoint of a run, unless that is done, and return its numbers.

    Args:
        config: The config file.
        folder: Work folder of the training.
        metrics: JSON file of the numbers; the test's output goes beside it.
        options: What ``--cfg-options`` gets.
    """
    done = finished(metrics)
    if done is None:
        checkpoint = trained_checkpoint(folder)
        command = ["tools/test.py", str(config), checkpoint, "--work-dir", str(folder / "test")]
        command += ["--metrics-file", str(metrics), "--cfg-options", *options]
        call(command, metrics.with_suffix(".txt"))
        done = read_measured(metrics, NEEDED)
    return done


def finished(metrics: Path) -> dict | None:
    """Return the numbers of a run that is done; None where they are missing or damaged."""
    return read_finished(metrics, NEEDED)


def name_protocols(found: Iterable[dict]) -> str:
    """Return the protocols that numbers were measured under."""
    return ", ".join(sorted({numbers["protocol"] for numbers in found})) or "-"


def call(command: Sequence[str], log: Path) -> None:
    """Run a Python command in the repository, its output into ``log``."""
    run_python(command, log, cwd=ROOT)


def spread(values: Sequence[float]) -> str:
    """Format the mean and, over several seeds, the sample standard deviation."""
    if not values:
        return "-"
    mean = f"{np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.1f}"
