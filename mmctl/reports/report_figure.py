"""The pictures of a report: curves of all that a training logs, and the page around them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase

from mmctl.reports.learning_curve import (
    COLOURS,
    TrainingLog,
    draw_measures,
    draw_rates,
    draw_smoothed,
    draw_terms,
    draw_totals,
    loss_terms,
    values_of,
)
from mmctl.reports.legend_below import legend_below, legend_inches
from mmctl.reports.run_report import Facts, RunReport
from mmctl.visualization.plain_text import plain

_WIDTH, _HEAD, _TEXT = 16.0, 0.75, 4.25
"""Inches of the page, and heights of its headline and text."""
_PANEL, _TITLE, _LABEL = 2.4, 0.4, 0.5
"""Heights of a panel, of the title above it and of the label below it, inches."""
_TIMES = ("time", "data_time")
_DPI = 100
_LINES = 26
"""Lines of text that fit below the curves."""
_STARTS = 3


def draw_report(report: RunReport) -> tuple[bytes, bytes]:
    """Draw the whole page: a headline, the curves, and what is known beside them.

    Args:
        report: The report.

    Returns:
        PNG files of the page, and of the curves alone.
    """
    legends = _legend_heights(report.log)
    # Quarters of an inch are whole pixels.
    height = math.ceil(4 * (2 * (_TITLE + _PANEL + _LABEL) + sum(legends))) / 4
    heights = (_HEAD, height, _TEXT)
    figure = Figure(figsize=(_WIDTH, sum(heights)), dpi=_DPI)
    canvas = FigureCanvasAgg(figure)
    rows: Any = figure.subfigures(3, 1, height_ratios=heights)
    head, curves, text = rows
    _write(head, 0.01, 0.72, report.log.name, size=17, weight="bold")
    _write(head, 0.01, 0.2, _fit(f"{report.headline()}    |    {report.outcome}", 160), size=11)
    _fill_curves(curves, report.log)
    # A layout that measures its texts takes as long as the drawing.
    bottom, top = (_LABEL + legends[1]) / height, 1 - _TITLE / height
    between = _LABEL + legends[0] + _TITLE
    gap = 2 * between / ((top - bottom) * height - between)
    curves.subplots_adjust(0.04, bottom, 0.985, top, wspace=0.24, hspace=gap)
    left = _lines("Best validation", report.results(), 60)
    middle = [*_lines("Training", report.progress(), 76), "", *_starts(report, 76)]
    middle += ["", *_lines("Environment", report.environment(), 76)]
    for place, lines in ((0.01, left), (0.29, middle), (0.64, _changes(report, 76))):
        _write(text, place, 0.98, "\n".join(_cut(lines)), size=8, family="monospace", va="top")
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    # Drawing the curves twice would take longer than all else.
    rows = slice(round(_HEAD * _DPI), round((_HEAD + height) * _DPI))
    return _encode(pixels), _encode(pixels[rows])


def _legend_heights(log: TrainingLog) -> tuple[float, float]:
    """Return how much of the page the tallest legend of either row of panels takes, inches."""
    measures = ["a name and two numbers each"] * 2
    above = max(map(legend_inches, (loss_terms(log), measures)))
    return above, max(map(legend_inches, (_logged(log, _shares(log)), _TIMES)))


def _shares(log: TrainingLog) -> list[str]:
    names = {key for record in log.training for key in record}
    shares = [name for name in sorted(names) if name.startswith("active_triplets")]
    return shares + [name for name in ("attention_entropy", "clamped_degrees") if name in names]


def _logged(log: TrainingLog, keys: Sequence[str]) -> list[str]:
    """Return the values of which there is a number."""
    return [key for key in keys if np.isfinite(values_of(log.training, key)).any()]


def _fill_curves(figure: FigureBase, log: TrainingLog) -> None:
    axes = figure.subplots(2, 4).ravel()
    for panel, draw in zip(
        axes, (draw_totals, draw_terms, draw_rates, draw_measures), strict=False
    ):
        draw(panel, [log])
    _draw_values(axes[4], log, _shares(log), "shares: 0 none, 1 all (or even)", limits=(0, 1.02))
    _draw_values(axes[5], log, ["grad_norm"], "gradient norm", scale="log")
    _draw_values(axes[6], log, ["frames_per_second"], "frames per second", limits=(0, None))
    _draw_values(axes[7], log, _TIMES, "seconds per iteration", limits=(0, None))
    for panel in axes:
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlabel("epoch" if log.counts_epochs else "iteration")


def _draw_values(
    axes: Axes,
    log: TrainingLog,
    keys: Sequence[str],
    title: str,
    *,
    scale: str = "linear",
    limits: tuple[float | None, float | None] = (None, None),
) -> None:
    logged, handles = _logged(log, keys), []
    for key, colour in zip(logged, COLOURS, strict=False):
        draw_smoothed(axes, log, key, colour, "-")
        axes.lines[-1].set_label(key)
        handles.append(axes.lines[-1])
    axes.set(title=title, yscale=scale, ylim=limits)
    if len(logged) > 1:
        legend_below(axes, handles)
    if not logged:
        axes.text(0.5, 0.5, "not logged", transform=axes.transAxes, ha="center")


def _starts(report: RunReport, width: int) -> list[str]:
    """Return the latest starts, which with the environment fill a column."""
    starts = report.history()
    lines = [f"Starts, the last {_STARTS} of {len(starts)}" if len(starts) > _STARTS else "Starts"]
    for when, iterations, seconds, outcome in starts[-_STARTS:]:
        lines += _wrap(f"  {when}  {iterations}, {seconds}: {outcome}", width, "    ")
    return lines if starts else []


def _changes(report: RunReport, width: int) -> list[str]:
    """Return the changes of the config, those of the command line first."""
    lines: list[str] = []
    last = report.starts[-1] if report.starts else None
    for title, changes in (
        ("Changed by the command line", last.run_changes if last else []),
        ("Changed by the config against its _base_", last.file_changes if last else []),
    ):
        if changes:
            lines += ["", title] if lines else [title]
        lines += [_fit(f"  {change.key} = {change.after}", width) for change in changes]
    hidden = len(lines) - _LINES + 1
    return [*lines[:-hidden], f"  ... {hidden} more: report.html"] if hidden > 1 else lines


def _lines(title: str, facts: Facts, width: int) -> list[str]:
    lines = [title] if facts else []
    for name, value in facts:
        lines += _wrap(f"  {name:<18} {value}", width, " " * 21)
    return lines


def _wrap(text: str, width: int, indent: str) -> list[str]:
    """Break a line in two at most."""
    return textwrap.wrap(text, width, subsequent_indent=indent, max_lines=2, placeholder=" ...")


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], "..."]


def _write(
    figure: FigureBase, left: float, top: float, text: str, *, va: str = "center", **font: Any
) -> None:
    figure.text(left, top, plain(text), va=va, **font)


def _encode(pixels: np.ndarray) -> bytes:
    """Return RGBA pixels (H, W, 4) as a PNG file."""
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGR))[1].tobytes()
