"""What is known of a training beside its numbers: one file for each time that it was started."""

from __future__ import annotations

import json
import shlex
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from mmctl.engine.config_check.config_changes import Change, changes_of_file, changes_of_run
from mmctl.files import read_json, to_record, write_whole
from mmctl.reports.run_environment import describe_environment, peak_memory

FILE = "run.json"
"""Name of the file, beside the log."""

_LARGEST = 10**11
"""The greatest time and count that a calendar and a page can show."""


@dataclass
class RunRecord:
    """One start of a training.

    Attributes:
        command: Command line.
        config: Path of the config file.
        started: Time of the start, seconds since 1970.
        first_iter: Iterations that were done before.
        num_iters: Iterations of the whole training.
        environment: Of :func:`~mmctl.reports.run_environment.describe_environment`.
        evaluation: What the validation measures, by name.
        file_changes: The config against its ``_base_``.
        run_changes: The run against its config.
        outcome: How it ended; None while it runs, or if it was killed.
        seconds: How long it ran.
        last_iter: Iterations that were done at its end.
        memory: Of :func:`~mmctl.reports.run_environment.peak_memory`, of the first process.
    """

    command: str
    config: str
    started: float
    first_iter: int
    num_iters: int
    environment: dict[str, str] = field(default_factory=dict)
    evaluation: dict[str, str] = field(default_factory=dict)
    file_changes: list[Change] = field(default_factory=list)
    run_changes: list[Change] = field(default_factory=list)
    outcome: str | None = None
    seconds: float | None = None
    last_iter: int | None = None
    memory: str | None = None

    @classmethod
    def of(cls, runner: Runner) -> RunRecord:
        """Return the record of a training that is about to start."""
        path = runner.cfg.filename
        has_file = path is not None and Path(path).is_file()
        return cls(
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            config=str(path or ""),
            started=time.time(),
            first_iter=runner.iter,
            num_iters=runner.max_iters,
            environment=describe_environment(),
            evaluation=_describe_evaluation(runner),
            file_changes=changes_of_file(path) if has_file else [],
            run_changes=changes_of_run(runner.cfg),
        )

    def end(self, outcome: str, last_iter: int) -> None:
        """Note the end.

        Args:
            outcome: How it ended.
            last_iter: Iterations that were done.
        """
        self.outcome = outcome
        seconds = time.time() - self.started
        self.seconds = seconds if seconds >= 0 else None  # the clock was set back
        self.last_iter = last_iter
        self.memory = peak_memory()

    def save(self, folder: str | Path) -> None:
        """Write the record into the folder of the log."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1)
        write_whole(Path(folder) / FILE, f"{text}\n".encode())


def read_records(work_dir: str | Path) -> list[RunRecord]:
    """Read the records of all starts of a run, the first start first.

    The length of a start that has no end is taken from the last line that it logged.

    Args:
        work_dir: Work folder.

    Raises:
        ValueError: If a file is none of ours.
    """
    return [_read(path) for path in sorted(Path(work_dir).glob(f"*/{FILE}"))]


def _read(path: Path) -> RunRecord:
    place = f"record of a training {path}"
    record = to_record(RunRecord, read_json(path, "record of a training"), place)
    for name in ("started", "first_iter", "num_iters", "seconds", "last_iter"):
        number = getattr(record, name)
        if number is not None and not 0 <= number <= _LARGEST:
            raise ValueError(f"{place}: {name!r} must be from 0 to {_LARGEST:,}, got {number}")
    logged = path.parent / "vis_data" / "scalars.json"
    if record.seconds is None and logged.is_file():
        seconds = logged.stat().st_mtime - record.started
        record.seconds = seconds if seconds >= 0 else None  # the clock was set back
    return record


def _describe_evaluation(runner: Runner) -> dict[str, str]:
    loop = runner.val_loop
    if loop is None:
        return {}
    described: dict[str, Any] = {"data set": getattr(loop.dataloader.dataset, "metainfo", {})}
    described["data set"] = str(described["data set"].get("dataset_name", "unnamed"))
    for metric in loop.evaluator.metrics:
        for name in ("protocol", "distance", "refinement"):
            value = getattr(metric, name, None)
            if value is not None:
                described[name] = str(value)
    modes = [getattr(step, "mode", None) for step in _transforms(loop.dataloader.dataset)]
    clips = [mode for mode in modes if isinstance(mode, str)]
    return {**described, **({"clips": clips[0]} if clips else {})}


def _transforms(dataset: Any) -> list[Any]:
    return list(getattr(getattr(dataset, "pipeline", None), "transforms", []))
