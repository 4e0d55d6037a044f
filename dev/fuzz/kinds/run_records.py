"""What runs leave for later: records of trainings, results of folds, and their splits."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from mmengine.config import Config

from dev.fuzz.case import Change, Files, Kind, not_a_file
from dev.fuzz.changed_json import (
    anything,
    broken_json,
    missing_key,
    renamed_key,
    to_json,
    unknown_key,
    wrong_type,
    wrong_value,
)
from mmctl.engine.commands.kept_run import KeptRun
from mmctl.engine.commands.split_runs import SplitRuns, summarize
from mmctl.reports.run_record import read_records

_CHANGES = "(file_changes|run_changes)"


class RunRecords(Kind):
    """``run.json`` of every start of a training."""

    name = "run-records"
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("", dict),
        wrong_type("(command|config)", str),
        wrong_type("started", int, float),
        wrong_type("(first_iter|num_iters)", int),
        wrong_type("(environment|evaluation)", dict),
        wrong_type(_CHANGES, list),
        wrong_type(f"{_CHANGES}/*", list),
        wrong_type(f"{_CHANGES}/*/*", str),
        wrong_type("(environment|evaluation)/*", str),
        wrong_value(f"{_CHANGES}/*", [], ["a"], ["a", "b"], ["a", "b", "c", "d"], [1, 2, 3]),
        wrong_value("(started|seconds)", float("nan"), float("inf"), True, "1", 10**400),
        wrong_type("seconds", int, float, type(None)),
        wrong_type("last_iter", int, type(None)),
        wrong_type("(outcome|memory)", str, type(None)),
        missing_key("(command|config|started|first_iter|num_iters)"),
        renamed_key("[^/]+"),
        unknown_key(""),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = (*broken_json(), not_a_file(".json", is_needed=False))

    def make(self, rng: random.Random) -> Any:
        """Draw a record."""
        change = ["optim_wrapper.lr", rng.choice(("0.1", "–")), "$2"]
        return {
            "command": "train.py configs/a.py",
            "config": "configs/a.py",
            "started": rng.randint(0, 2**31) + 0.5,
            "first_iter": rng.randint(0, 9),
            "num_iters": rng.randint(10, 99),
            "environment": {"PyTorch": "2.1", "GPU": "none"},
            "evaluation": {"protocol": "query-in-gallery"},
            "file_changes": [change] * rng.randint(0, 2),
            "run_changes": [change] * rng.randint(0, 2),
            "outcome": rng.choice((None, "finished")),
            "seconds": rng.choice((None, 12.5)),
            "last_iter": rng.choice((None, 20)),
            "memory": rng.choice((None, "1.5 GB")),
        }

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"20240101_000000/run.json": to_json(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return the record."""
        return [content]

    def read(self, folder: Path) -> Any:
        """Read all records."""
        # Changes are named tuples there, lists here; NaN is NaN.
        return json.loads(json.dumps([asdict(record) for record in read_records(folder)]))

    def check(self, meaning: Any) -> None:
        """Assert that numbers are numbers."""
        for record in meaning:
            for key in ("started", "first_iter", "num_iters"):
                value = record[key]
                assert type(value) in (int, float), f"{key} is {value!r:.40}"
                assert math.isfinite(value), f"{key} is {value}"


class _TestedAgainError(ValueError):
    """A result that is not whole is made again."""


class Results(Kind):
    """``result.json`` of a finished fold, and ``splits.json``."""

    name = "results"
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("result", dict),
        wrong_type("result/(mAP|R1)", float),
        wrong_value(
            "result/(mAP|R1)", "abc", True, float("nan"), float("inf"), None, [1], -3.0, 101.0
        ),
        wrong_type("result/(num_queries|num_gallery|fold)", int),
        wrong_value("result/fold", 3, -1, 10**30),
        wrong_type("result/(protocol|code)", str),
        wrong_type("result/seconds", float, int),
        wrong_type("result/splits", dict),
        wrong_type("result/splits/test", dict),
        wrong_type("result/splits/test/(file|hash)", str),
        wrong_value("result/splits/test/hash", "another", ""),
        wrong_type("splits", dict),
        wrong_type("splits/test", dict),
        wrong_value("splits/test/hash", "another", None, 5),
        missing_key("result/(num_queries|num_gallery|protocol|fold|code|seconds|splits)"),
        missing_key("splits/test(/(file|hash))?"),
        renamed_key("splits/test/(file|hash)"),
        unknown_key("splits/test"),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = (*broken_json(), not_a_file("result.json"))

    def make(self, rng: random.Random) -> Any:
        """Draw a result."""
        splits = {"test": {"file": "splits.mat", "hash": "0123456789ab"}}
        result: dict[str, Any] = {"mAP": rng.randint(0, 400) / 4, "R1": rng.randint(0, 400) / 4}
        result |= {"num_queries": 10, "num_gallery": 20, "protocol": "cross-camera"}
        result |= {"checkpoint": "a.pth", "fold": 0, "code": "abc", "seconds": 1.5}
        return {"result": {**result, "splits": copy.deepcopy(splits)}, "splits": splits}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write both files."""
        files = {"fold0/result.json": "result", "splits.json": "splits"}
        whole = content if isinstance(content, dict) else {}
        return {name: to_json(rng, whole.get(key)) for name, key in files.items()}

    def meaning(self, content: Any) -> Any:
        """Return the result, and its means."""
        result = content["result"]
        return {"result": result, "mean": {key: result[key] for key in ("mAP", "R1")}}

    def read(self, folder: Path) -> Any:
        """Take the fold as finished, or refuse to."""
        runs = SplitRuns(Path("a.py"), folder, [], folder, "a.pth")
        again = _TestedAgainError(f"{folder}/fold0/result.json is tested again")
        with mock.patch.object(KeptRun, "test", side_effect=again):
            result = runs.run(0, Config({}))
        return {"result": result, "mean": summarize([result])["mean"]}

    def check(self, meaning: Any) -> None:
        """Assert that scores are percentages."""
        for key in ("mAP", "R1"):
            value = meaning["result"].get(key, 0.0)
            assert type(value) is float, f"{key} is {value!r:.40}"
            assert 0 <= value <= 100, f"{key} is {value}"
