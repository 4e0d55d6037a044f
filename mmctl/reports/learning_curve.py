"""Learning curves of training runs, from the scalars that MMEngine leaves in a work folder."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmctl.files import parse_json, read_text
from mmctl.reports.legend_below import legend_below, legend_height
from mmctl.visualization.plain_text import plain, shorten_name

COLOURS = ("#1f5fbf", "#d95f02", "#1a9641", "#7b3294", "#a6761d", "#e7298a", "#17a2b8", "#666666")
_STYLES = ("-", "--", ":", "-.")
_COUNTED = {"iter": 0, "epoch": 1, "step": 0}
"""What counts, and from where."""

_LARGEST = 10**15
_MEASURES = (("reid/mAP", "mAP", "-", "o"), ("reid/R1", "R1", "--", "s"))


@dataclass(frozen=True)
class TrainingLog:
    """What one run logged, in order, without what a resumed run did again.

    Attributes:
        name: Name of the work folder.
        training: Records with ``iter``, losses, ``lr`` and, if the run counts epochs, ``epoch``.
        validation: Records with ``step`` (an epoch if the run counts epochs, else an iteration)
            and ``reid/...``.
    """

    name: str
    training: list[dict]
    validation: list[dict]

    @property
    def counts_epochs(self) -> bool:
        """Whether the run counts epochs."""
        return "epoch" in self.training[0]

    def positions(self) -> np.ndarray:
        """Return the place of each training record in epochs, else in iterations, (R,)."""
        iterations = np.array([record["iter"] for record in self.training], dtype=float)
        if not self.counts_epochs:
            return iterations
        return iterations / self._epoch_length()

    def _epoch_length(self) -> float:
        """Return the iterations of an epoch, which nothing logs."""
        starts: dict[int, int] = {}
        for record in self.training:
            starts.setdefault(record["epoch"], record["iter"])
        # The last iterations of an epoch may not be logged, so one epoch gives a lower bound; two
        # epochs log the same places, so their distance is exact.
        length = max(record["iter"] / record["epoch"] for record in self.training)
        (first, start), (last, stop) = min(starts.items()), max(starts.items())
        return length if last == first else max(length, (stop - start) / (last - first))


def read_training_log(work_dir: str | Path) -> TrainingLog:
    """Read ``<work_dir>/<time>/vis_data/scalars.json`` of all times that a run was (re)started.

    A later start replaces what earlier ones logged from its first iteration on. A last line that
    was cut off is left out.

    Args:
        work_dir: Work folder of one run.

    Returns:
        The run's log.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If another line is broken, something logged is no number, or no training record
            was logged yet.
    """
    work_dir = Path(work_dir)
    # The folders are named by time.
    files = sorted(work_dir.glob("*/vis_data/scalars.json"))
    if not files:
        raise FileNotFoundError(
            f"{work_dir} must hold <time>/vis_data/scalars.json of a training run, found none"
        )
    training: list[dict] = []
    validation: list[dict] = []
    for file in files:
        records = _read_lines(file)
        trained = [record for record in records if "iter" in record]
        if not trained:
            # A test alone: the step of its measures says nothing.
            continue
        first = trained[0]
        training = [record for record in training if record["iter"] < first["iter"]] + trained
        resumed_at = first.get("epoch", first["iter"])
        validation = [record for record in validation if record["step"] < resumed_at]
        validation += [item for item in records if any(key in item for key, *_ in _MEASURES)]
    if not training:
        raise ValueError(
            f"{work_dir} must hold at least one training record to draw, got none in "
            f"{len(files)} file(s); has the run reached its first logging interval?"
        )
    if len({"epoch" in record for record in training}) > 1:
        raise ValueError(
            f"{work_dir} must hold the log of one training, in which every record counts epochs or "
            f"none does, got both in {len(files)} file(s)"
        )
    return TrainingLog(work_dir.resolve().name, training, validation)


def draw_learning_curve(logs: Sequence[TrainingLog], out_file: str | Path) -> None:
    """Draw total loss, loss terms, learning rate and validation measures of some runs.

    Losses are drawn faint as logged and bold as their running mean. Colours are runs, except
    among the loss terms, where colours are terms and dashes are runs.

    Args:
        logs: The runs, all of which count epochs, or none.
        out_file: PNG file to write; missing folders are made.

    Raises:
        ValueError: If there is no run, or only some count epochs.
    """
    if not logs or len({log.counts_epochs for log in logs}) > 1:
        raise ValueError(
            "logs must be runs that all count epochs or all do not, to share an axis, "
            f"got {[(log.name, log.counts_epochs) for log in logs]}"
        )
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    (total, terms), (rate, measures) = figure.subplots(2, 2, sharex=True)
    draw_totals(total, logs)
    draw_terms(terms, logs)
    draw_rates(rate, logs)
    draw_measures(measures, logs)
    for axes in (total, terms, rate, measures):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("epoch" if logs[0].counts_epochs else "iteration")
        axes.tick_params(labelbottom=True)
    # The curves of many runs are as high as those of one.
    legends = [max(map(legend_height, pair)) for pair in ((total, terms), (rate, measures))]
    figure.set_figheight(max(8.5, 7.5 + sum(legends)))
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(out_file, dpi=110, format="png")


def running_mean(values: np.ndarray, *, window: int = 9) -> np.ndarray:
    """Return the mean of the values around each, which unlike a decaying one does not lag.

    Args:
        values: As logged, (R,). Values that are not finite do not count.
        window: Number of values around each, odd; fewer at both ends, symmetrically.

    Returns:
        Means, (R,); NaN where no finite value is near.
    """
    finite = np.isfinite(values)
    sums = np.concatenate([[0.0], np.where(finite, values, 0.0).cumsum()])
    counts = np.concatenate([[0], finite.cumsum()])
    places = np.arange(len(values))
    reach = np.minimum(np.minimum(places, places[::-1]), window // 2)
    start, stop = places - reach, places + reach + 1
    near = counts[stop] - counts[start]
    return np.where(near > 0, (sums[stop] - sums[start]) / np.maximum(near, 1), np.nan)


def _read_lines(file: Path) -> list[dict]:
    lines = read_text(file, "log of a training").splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        place = f"line {number} of {file}"
        try:
            record = parse_json(line, place)
        except ValueError:
            if number == len(lines):  # cut off where the training died
                break
            raise
        _check_record(record, place)
        records.append(record)
    return records


def _check_record(record: Any, place: str) -> None:
    """Refuse what MMEngine does not log: anything but numbers by name."""
    if not isinstance(record, dict):
        raise ValueError(f"{place} must be a JSON object, got {reprlib.repr(record)}")
    for name, value in record.items():
        least = _COUNTED.get(name)
        if type(value) is not int and (least is not None or type(value) is not float):
            kind = "a number" if least is None else "a whole number"
            raise ValueError(f"{place}: {name[:80]!r} must be {kind}, got {reprlib.repr(value)}")
        if type(value) is int and not (-_LARGEST if least is None else least) <= value <= _LARGEST:
            raise ValueError(
                f"{place}: {name[:80]!r} must be {least or 0} or more, up to {_LARGEST:g}, got "
                f"{reprlib.repr(value)}"
            )
    if "step" not in record:
        raise ValueError(f"{place} lacks 'step', which MMEngine logs, it has {sorted(record)}")


def values_of(records: list[dict], key: str) -> np.ndarray:
    """Return a logged value of every record, NaN where a record has none, (R,)."""
    return np.array([record.get(key, math.nan) for record in records], dtype=float)


def loss_terms(log: TrainingLog) -> list[str]:
    """Return the names of the loss terms of a run, without their sum."""
    # MMEngine sums the entries whose name holds "loss" into "loss".
    keys = {key for record in log.training for key in record if "loss" in key}
    return sorted(keys - {"loss"})


def draw_smoothed(axes: Axes, log: TrainingLog, key: str, colour: str, style: str) -> None:
    """Draw a logged value faint as logged and bold as its running mean."""
    values = values_of(log.training, key)
    axes.plot(log.positions(), values, color=colour, alpha=0.2, lw=0.8)
    axes.plot(log.positions(), running_mean(values), color=colour, ls=style, lw=1.8)


def _run_lines(logs: Sequence[TrainingLog], *, dashed: bool) -> list[Line2D]:
    """Return legend entries of the runs."""
    return [
        Line2D(
            [],
            [],
            color="black" if dashed else COLOURS[run % len(COLOURS)],
            ls=_STYLES[run % len(_STYLES)] if dashed else "-",
            label=plain(shorten_name(log.name)),
        )
        for run, log in enumerate(logs)
    ]


def draw_totals(axes: Axes, logs: Sequence[TrainingLog]) -> None:
    """Draw the sum of the losses."""
    for run, log in enumerate(logs):
        draw_smoothed(axes, log, "loss", COLOURS[run % len(COLOURS)], "-")
    axes.set(title="total loss", ylabel="loss", ylim=(0, None))
    legend_below(axes, _run_lines(logs, dashed=False))


def draw_terms(axes: Axes, logs: Sequence[TrainingLog]) -> None:
    """Draw every term of the loss."""
    terms = sorted({term for log in logs for term in loss_terms(log)})
    colours = {term: COLOURS[index % len(COLOURS)] for index, term in enumerate(terms)}
    for run, log in enumerate(logs):
        for term in loss_terms(log):
            draw_smoothed(axes, log, term, colours[term], _STYLES[run % len(_STYLES)])
    handles = [Line2D([], [], color=colour, label=plain(term)) for term, colour in colours.items()]
    if len(logs) > 1:
        handles += _run_lines(logs, dashed=True)
    axes.set(title="loss terms", ylabel="loss", ylim=(0, None))
    legend_below(axes, handles)


def draw_rates(axes: Axes, logs: Sequence[TrainingLog]) -> None:
    """Draw the learning rate."""
    for run, log in enumerate(logs):
        axes.plot(log.positions(), values_of(log.training, "lr"), color=COLOURS[run % len(COLOURS)])
    axes.set(title="learning rate", ylabel="learning rate", yscale="log")


def draw_measures(axes: Axes, logs: Sequence[TrainingLog]) -> None:
    """Draw what the validations measured."""
    axes.set(title="validation", ylabel="%", ylim=(0, 100))
    for run, log in enumerate(logs):
        steps = values_of(log.validation, "step")
        for key, name, style, marker in _MEASURES:
            values = values_of(log.validation, key)
            if not np.isfinite(values).any():
                continue
            best, last = np.nanmax(values), values[np.isfinite(values)][-1]
            run_name = plain(shorten_name(log.name, 20))
            axes.plot(
                steps,
                values,
                color=COLOURS[run % len(COLOURS)],
                ls=style,
                marker=marker,
                ms=4,
                label=f"{run_name} {name}: best {best:.1f}, last {last:.1f}",
            )
    legend_below(axes, axes.lines)
    if not axes.lines:
        axes.text(0.5, 0.5, "no validation yet", transform=axes.transAxes, ha="center")
