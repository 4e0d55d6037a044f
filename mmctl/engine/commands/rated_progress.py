"""The progress bar of long work: how far, how fast, how much longer."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.text import Text


class _RateColumn(ProgressColumn):
    """Items per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text(self._unit)
        return Text(f"{speed:,.{0 if speed >= 10 else 1}f} {self._unit}/s")


def rated_progress(unit: str, disable: bool = False) -> Progress:
    """Return a bar with counts, rate and the time left.

    Args:
        unit: What is counted, in the plural.
        disable: Whether to show nothing.
    """
    columns = (BarColumn(), MofNCompleteColumn(), _RateColumn(unit), TimeRemainingColumn())
    return Progress(*columns, disable=disable)
