"""What studies over several seeds share: runs that are kept when finished, and their spread."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from mmctl.checkpoints.last_checkpoint import trained_checkpoint
from mmctl.engine.commands.kept_run import KeptRun
from mmctl.engine.commands.measured_numbers import read_finished, read_measured
from mmctl.engine.commands.tool_runs import run_python
from mmctl.files import FolderLock

ROOT = Path(__file__).resolve().parents[2]
READ = partial(read_measured, needed=("mAP", "R1"))  # what the tables are made of


def working_alone(work_dir: Path, only_reading: bool) -> AbstractContextManager[object]:
    """Return the context of a study in its folder; only one that just reads is not alone there."""
    work_dir.mkdir(parents=True, exist_ok=True)
    return nullcontext() if only_reading else FolderLock(work_dir)


def train_and_test(
    config: Path, folder: Path, options: Sequence[str], flags: Sequence[str] = ()
) -> dict:
    """Return the numbers of a config, training and testing it in a folder unless that is done."""
    run = kept_run(config, folder, options)
    return run.finished("metrics.json") or run.test(run.train(*flags), log="metrics.txt")


def train(config: Path, folder: Path, options: Sequence[str], flags: Sequence[str] = ()) -> str:
    """Return the checkpoint of a config, training it in a folder unless that is done."""
    return kept_run(config, folder, options).train(*flags)


def test(config: Path, folder: Path, metrics: Path, options: Sequence[str], *flags: str) -> dict:
    """Return the numbers of what a folder has trained in another test, unless that is done."""
    run, name, log = kept_run(config, folder, options), metrics.name, f"{metrics.stem}.txt"
    return run.finished(name) or run.test(trained_checkpoint(folder), *flags, name=name, log=log)


def kept_run(config: Path, folder: Path, options: Sequence[str]) -> KeptRun:
    return KeptRun(config, folder, options, read=READ, call=partial(run_python, cwd=ROOT))


def finished(metrics: Path) -> dict | None:
    """Return the numbers of a run that is done; None where they are missing or damaged."""
    return read_finished(metrics, READ)


def name_protocols(found: Iterable[dict]) -> str:
    """Return the protocols that numbers were measured under."""
    return ", ".join(sorted({numbers["protocol"] for numbers in found})) or "-"


def spread(values: Sequence[float]) -> str:
    """Format the mean and, over several seeds, the sample standard deviation."""
    if not values:
        return "-"
    mean = f"{np.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.1f}"
