"""What a page about a training says: best numbers, progress, environment, starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from mmctl.reports.learning_curve import TrainingLog, values_of
from mmctl.reports.run_record import RunRecord

_SCORE = "reid/mAP"
_COUNTS = {"reid/num_queries": "scored queries", "reid/num_gallery": "gallery"}
_HIDDEN = ("step", "time", "data_time", "epoch", "iter")

Facts = list[tuple[str, str]]
"""Rows of a table: what, and how much."""


@dataclass(frozen=True)
class RunReport:
    """What the page says.

    Attributes:
        log: What was logged.
        starts: One for each time that the training was started; none for runs that were not
            recorded.
    """

    log: TrainingLog
    starts: Sequence[RunRecord]

    @property
    def outcome(self) -> str:
        """How the last start ended."""
        if not self.starts:
            return "not recorded"
        return self.starts[-1].outcome or "running, or killed without a word"

    def headline(self) -> str:
        """Return the best number in one line."""
        best = self._best()
        if best is None:
            return "no validation yet"
        named = [("mAP", _SCORE), ("R1", "reid/R1")]
        numbers = ", ".join(f"{name} {best[key]:.1f}" for name, key in named if key in best)
        return f"best {numbers} at {self._unit()} {best['step']}"

    def results(self) -> Facts:
        """Return the numbers of the best validation, with what they were measured."""
        best = self._best()
        if best is None:
            return [("validation", "none yet")]
        skipped = (*_HIDDEN, *_COUNTS)
        rows = [(f"best at {self._unit()}", str(best["step"]))]
        rows += [
            (key.removeprefix("reid/"), f"{value:.2f}")
            for key, value in best.items()
            if key not in skipped
        ]
        last = self.log.validation[-1]
        if _SCORE in last and last is not best:
            rows.append((f"mAP at {self._unit()} {last['step']}", f"{last[_SCORE]:.2f}"))
        rows += [(name, f"{best[key]:g}") for key, name in _COUNTS.items() if key in best]
        return rows + list(self.starts[-1].evaluation.items() if self.starts else ())

    def progress(self) -> Facts:
        """Return how far the training is, how fast it was and how often it was started."""
        done = self.log.training[-1]["iter"]
        rows = [("outcome", self.outcome)]
        if self.starts:
            last = self.starts[-1]
            done = max(done, last.last_iter or 0)
            rows.append(("iterations", f"{done} of {last.num_iters}"))
            seconds = sum(start.seconds or 0.0 for start in self.starts)
            rows.append(("wall time", f"{format_seconds(seconds)} in {len(self.starts)} start(s)"))
        else:
            rows.append(("iterations", str(done)))
        if self.log.counts_epochs:
            rows.insert(2, ("epoch", str(self.log.training[-1]["epoch"])))
        for key, name in (
            ("frames_per_second", "median frames/s"),
            ("grad_norm", "median gradient"),
        ):
            values = values_of(self.log.training, key)
            if np.isfinite(values).any():
                rows.append((name, f"{np.nanmedian(values):.3g}"))
        if self.starts and self.starts[-1].memory:
            rows.append(("peak memory", self.starts[-1].memory))
        return rows

    def environment(self) -> Facts:
        """Return what the last start ran with."""
        if not self.starts:
            return []
        last = self.starts[-1]
        return [("command", last.command), ("config", last.config), *last.environment.items()]

    def history(self) -> list[tuple[str, str, str, str]]:
        """Return when, from where, how long and how every start went."""
        return [
            (
                datetime.fromtimestamp(start.started).strftime("%Y-%m-%d %H:%M:%S"),
                f"{start.first_iter} to {'?' if start.last_iter is None else start.last_iter}",
                "?" if start.seconds is None else format_seconds(start.seconds),
                start.outcome or "no end recorded: running, or killed",
            )
            for start in self.starts
        ]

    def _best(self) -> dict | None:
        scored = [r for r in self.log.validation if math.isfinite(r.get(_SCORE, math.nan))]
        return max(scored, key=lambda record: record[_SCORE]) if scored else None

    def _unit(self) -> str:
        return "epoch" if self.log.counts_epochs else "iteration"


def format_seconds(seconds: float) -> str:
    """Return a length of time as ``1 day, 2:03:04``."""
    return str(timedelta(seconds=round(seconds)))
