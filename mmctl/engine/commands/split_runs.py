"""One config trained and tested on every split of its data set, each in a process of its own."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmctl
from mmctl.checkpoints.last_checkpoint import trained_checkpoint
from mmctl.datasets.two_camera_dataset import TwoCameraDataset
from mmctl.engine.commands.measured_numbers import Measured, read_finished, read_measured
from mmctl.engine.commands.split_record import SplitFile, SplitRecord, claim_splits
from mmctl.engine.commands.tool_runs import run_python
from mmctl.files import FolderLock, read_text, write_whole
from mmctl.registry import DATASETS

COUNTS = ("num_queries", "num_gallery")
"""Numbers of a test that are no scores."""


@dataclass(kw_only=True)
class FoldResult(Measured):
    """What is kept of a fold beside its scores.

    Attributes:
        fold: Number of the split.
        code: Hash of the package.
        seconds: How long the call took that finished it.
        splits: The split file of each part.
    """

    fold: int
    code: str
    seconds: float
    splits: dict[str, SplitFile]


def parse_folds(text: str) -> list[int]:
    """Read fold numbers: ``0-9``, ``0,3,5`` or ``0-3,7``.

    Args:
        text: The numbers.

    Returns:
        The folds in ascending order, each once.

    Raises:
        ValueError: If it is none of these.
    """
    folds: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not re.fullmatch(r"\d{1,4}(-\d{1,4})?", part.strip()):
            raise ValueError(
                "folds must be numbers and ranges like 0-9 or 0,3,5-7, of four digits at most, "
                f"got {text!r}"
            )
        numbers = range(int(first), int(last or first) + 1)
        if not numbers:
            raise ValueError(f"a range of folds must begin with its smaller number, got {part!r}")
        folds.update(numbers)
    return sorted(folds)


@dataclass(frozen=True)
class SplitRuns:
    """Training and test of one config on several folds.

    Attributes:
        config: The config file.
        work_dir: Folder of all runs; each fold has ``fold<N>`` in it.
        options: Overrides, as ``--cfg-options`` takes them.
        tools: Folder of ``train.py`` and ``test.py``.
        checkpoint: Test this checkpoint and train none; ``{fold}`` in it is the number of the fold.
    """

    config: Path
    work_dir: Path
    options: Sequence[str]
    tools: Path
    checkpoint: str | None = None

    def parts(self, cfg: Config) -> list[str]:
        """Return the parts of a run whose data sets get the fold."""
        wanted = ("test",) if self.checkpoint is not None else ("train", "val", "test")
        return [part for part in wanted if cfg.get(f"{part}_dataloader") is not None]

    @contextmanager
    def checked(self, cfg: Config, folds: Sequence[int]) -> Iterator[None]:
        """Find out before the first training whether all folds can be run, and keep others out.

        Args:
            cfg: The config with its overrides.
            folds: The folds to run.

        Raises:
            FileNotFoundError: If a checkpoint does not exist.
            ValueError: If a data set has no folds, or not that many, or the work folder belongs to
                another config or to other splits, or another run is at work there.
        """
        splits = self._read_splits(cfg, max(folds))
        for fold in folds if self.checkpoint is not None else ():
            if not Path(self._checkpoint_of(fold)).is_file():
                raise FileNotFoundError(
                    f"checkpoint {self._checkpoint_of(fold)} of fold {fold} does not exist"
                )
        self.work_dir.mkdir(parents=True, exist_ok=True)
        with FolderLock(self.work_dir):
            self._claim_folder(cfg)
            claim_splits(self.work_dir, splits)
            yield

    def check(self, cfg: Config, folds: Sequence[int]) -> None:
        """Do the same and give the work folder free at once."""
        with self.checked(cfg, folds):
            pass

    def run(self, fold: int, cfg: Config) -> dict[str, Any]:
        """Train and test one fold, unless that is done; an interrupted training goes on.

        A fold whose result is damaged, incomplete or another fold's is tested again.

        Args:
            fold: Number of the split.
            cfg: The config with its overrides.

        Returns:
            The numbers of ``tools/test.py``, with ``fold``, ``seconds`` of this call that finished
            it, ``code``, a hash of the package, and ``splits``: of each part the split file and a
            hash of what it says.

        Raises:
            ValueError: If training or test fails, what is done is kept; or if the splits are others
                than those of the work folder.
        """
        folder = self.work_dir / f"fold{fold}"
        result, metrics = folder / "result.json", folder / "metrics.json"
        done = read_finished(result, record=FoldResult)
        if done is not None and done["fold"] == fold:
            claim_splits(self.work_dir, done["splits"])
            return done
        claim_splits(self.work_dir, self._read_splits(cfg, fold))
        folder.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        folds = [f"{part}_dataloader.dataset.fold={fold}" for part in self.parts(cfg)]
        options = ["--cfg-options", *self.options, *folds]
        if self.checkpoint is None:
            train = [str(self.tools / "train.py"), str(self.config), "--work-dir", str(folder)]
            run_python([*train, "--resume", *options], folder / "train.txt")
        test = [str(self.tools / "test.py"), str(self.config), self._checkpoint_of(fold)]
        test += ["--work-dir", str(folder / "test"), "--metrics-file", str(metrics)]
        run_python([*test, *options], folder / "test.txt")
        numbers = read_measured(metrics)
        # Hours may have passed, and training and test each look for the split file anew.
        splits = self._read_splits(cfg, fold)
        claim_splits(
            self.work_dir, splits, f"They changed while fold {fold} ran: remove {folder}. "
        )
        seconds = time.perf_counter() - start
        numbers |= {"fold": fold, "code": hash_code(), "seconds": seconds, "splits": splits}
        write_whole(result, _to_json(numbers))
        return numbers

    def _checkpoint_of(self, fold: int) -> str:
        if self.checkpoint is not None:
            return self.checkpoint.replace("{fold}", str(fold))
        return trained_checkpoint(self.work_dir / f"fold{fold}")

    def _read_splits(self, cfg: Config, fold: int) -> SplitRecord:
        """Build the data sets; return the split file of each part and a hash of what it says."""
        init_default_scope(cfg.get("default_scope", "mmctl"))
        record = {}
        for part in self.parts(cfg):
            config = cfg[f"{part}_dataloader"].dataset
            try:
                dataset = DATASETS.build({**config, "fold": fold, "lazy_init": False})
            except TypeError as error:
                raise ValueError(
                    f"{part}_dataloader.dataset must be a data set with folds, as ILIDSVID and "
                    f"PRID2011 are, got {config.get('type')!r}: {error}"
                ) from error
            if isinstance(dataset, TwoCameraDataset) and dataset.split_source is not None:
                path, digest = dataset.split_source
                record[part] = {"file": str(path), "hash": digest}
        return record

    def _claim_folder(self, cfg: Config) -> None:
        """Keep the config in the work folder, or compare it with the one that is there."""
        text = f"# checkpoint: {self.checkpoint}\n{cfg.pretty_text}"
        path = self.work_dir / "config.py"
        if not path.exists():
            write_whole(path, text.encode("utf-8"))
            return
        there = read_text(path, "config of the work folder")
        if there != text:
            lines = difflib.unified_diff(there.splitlines(), text.splitlines(), n=0, lineterm="")
            changed = [
                line.strip() for line in lines if line[:1] in "+-" and line[:3] not in _MARKS
            ]
            raise ValueError(
                f"{self.work_dir} holds runs of another config, and their mean would mix both: "
                f"choose another --work-dir or remove that folder. First differences (- there, + "
                f"now): {' '.join(changed[:4])}"
            )


_MARKS = ("+++", "---")


def hash_code() -> str:
    """Return a hash of the package's Python files, which tells runs of other code apart."""
    root = Path(mmctl.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if ".mim" not in path.parts:
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def summarize(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means and sample standard deviations of finished folds.

    Args:
        results: What :meth:`SplitRuns.run` returned, at least one.

    Returns:
        ``protocol``, ``num_folds``, ``mean`` and ``std`` by name of the score (``std`` is None for
        one fold), and ``folds``, the results themselves.

    Raises:
        ValueError: If folds have other scores or another protocol than others.
    """
    beside = {field.name for field in fields(FoldResult)}
    values: dict[str, list[float]] = {}
    for result in results:
        for name in (name for name in result if name not in beside):
            values.setdefault(name, []).append(float(result[name]))
    protocols = sorted({str(result["protocol"]) for result in results})
    if len(protocols) > 1 or any(len(found) < len(results) for found in values.values()):
        raise ValueError(
            "folds must have the same scores under one protocol to have a mean, got "
            f"{', '.join(values)} under {', '.join(protocols)}, not all in every fold"
        )
    several = len(results) > 1
    return {
        "protocol": protocols[0],
        "num_folds": len(results),
        "mean": {name: float(np.mean(found)) for name, found in values.items()},
        "std": {
            name: float(np.std(found, ddof=1)) if several else None
            for name, found in values.items()
        },
        "folds": list(results),
    }


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary as JSON, whole or not at all.

    Args:
        path: The file.
        summary: What :func:`summarize` returned.
    """
    write_whole(path, _to_json(summary))


def _to_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode("utf-8")
