"""One config trained and tested on every split of its data set, each in a process of its own."""

from __future__ import annotations

import difflib
import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmctl
from mmctl.datasets.two_camera_dataset import TwoCameraDataset
from mmctl.engine.commands.kept_run import KeptRun, claim_folder, keep
from mmctl.engine.commands.measured_numbers import Measured, read_measured
from mmctl.engine.commands.split_record import SplitFile, SplitRecord, claim_splits
from mmctl.files import FolderLock
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
        splits: The split file of each loader.
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
    for item in text.split(","):
        first, _, last = item.strip().partition("-")
        if not re.fullmatch(r"\d{1,4}(-\d{1,4})?", item.strip()):
            raise ValueError(
                "folds must be numbers and ranges like 0-9 or 0,3,5-7, of four digits at most, "
                f"got {text!r}"
            )
        numbers = range(int(first), int(last or first) + 1)
        if not numbers:
            raise ValueError(f"a range of folds must begin with its smaller number, got {item!r}")
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

    def loaders(self, cfg: Config) -> list[str]:
        """Return which of ``train``, ``val`` and ``test`` have a data set, which gets the fold."""
        wanted = ("test",) if self.checkpoint is not None else ("train", "val", "test")
        return [name for name in wanted if cfg.get(f"{name}_dataloader") is not None]

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
        for fold, given in ((fold, self._given(fold)) for fold in folds):
            if given is not None and not Path(given).is_file():
                raise FileNotFoundError(f"checkpoint {given} of fold {fold} does not exist")
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
            The numbers of ``tools/test.py``, and what :class:`FoldResult` adds.

        Raises:
            ValueError: If training or test fails, what is done is kept; or if the splits are others
                than those of the work folder.
        """
        folds = [f"{name}_dataloader.dataset.fold={fold}" for name in self.loaders(cfg)]
        folder = self.work_dir / f"fold{fold}"
        run = KeptRun(self.config, folder, [*self.options, *folds], self.tools)
        done = run.finished("result.json", partial(read_measured, record=FoldResult))
        if done is not None and done["fold"] == fold:
            claim_splits(self.work_dir, done["splits"])
            return done
        claim_splits(self.work_dir, self._read_splits(cfg, fold))
        start = time.perf_counter()
        numbers = run.test(self._given(fold) or run.train())
        # Hours may have passed, and training and test each look for the split file anew.
        splits = self._read_splits(cfg, fold)
        hint = f"They changed while fold {fold} ran: remove {folder}. "
        claim_splits(self.work_dir, splits, hint)
        seconds = time.perf_counter() - start
        result = {"fold": fold, "code": hash_code(), "seconds": seconds, "splits": splits}
        return keep(folder / "result.json", numbers | result)

    def _given(self, fold: int) -> str | None:
        return self.checkpoint and self.checkpoint.replace("{fold}", str(fold))

    def _read_splits(self, cfg: Config, fold: int) -> SplitRecord:
        """Build the data sets; return the split file of each loader and a hash of what it says."""
        init_default_scope(cfg.get("default_scope", "mmctl"))
        record = {}
        for name in self.loaders(cfg):
            config = cfg[f"{name}_dataloader"].dataset
            try:
                dataset = DATASETS.build({**config, "fold": fold, "lazy_init": False})
            except TypeError as error:
                raise ValueError(
                    f"{name}_dataloader.dataset must be a data set with folds, as ILIDSVID and "
                    f"PRID2011 are, got {config.get('type')!r}: {error}"
                ) from error
            if isinstance(dataset, TwoCameraDataset) and dataset.split_source is not None:
                path, digest = dataset.split_source
                record[name] = {"file": str(path), "hash": digest}
        return record

    def _claim_folder(self, cfg: Config) -> None:
        """Keep the config in the work folder, or compare it with the one that is there."""
        text = f"# checkpoint: {self.checkpoint}\n{cfg.pretty_text}"
        there = claim_folder(self.work_dir / "config.py", text, "config of the work folder")
        if there is not None:
            lines = difflib.unified_diff(there.splitlines(), text.splitlines(), n=0, lineterm="")
            heads = ("+++", "---", "@@ ")
            changed = [line.strip() for line in lines if line[:3] not in heads]
            raise ValueError(
                f"{self.work_dir} holds runs of another config, and their mean would mix both: "
                f"choose another --work-dir or remove that folder. First differences (- there, + "
                f"now): {' '.join(changed[:4])}"
            )


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
