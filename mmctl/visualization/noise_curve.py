"""Rank-1 and mAP against the noise in the keypoints, as curves over several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmctl.visualization.plain_text import plain

_COLOURS = ("#1f5fbf", "#d95f02", "#1a9641", "#7b3294")
_MARKERS = ("o", "s", "^", "D")
_MEASURES = (("R1", "Rank-1"), ("mAP", "mAP"))

Scores = Sequence[Mapping[str, float]]
"""Numbers of one condition: ``R1`` and ``mAP`` in percent, one mapping per seed."""


@dataclass(frozen=True)
class NoiseCurve:
    """One way of training and testing, at some levels of one kind of noise.

    Attributes:
        kind: What is wrong with the keypoints; curves of a kind share a panel.
        label: How the networks were trained and tested; equal labels have equal colours.
        points: Scores of each level.
    """

    kind: str
    label: str
    points: Mapping[float, Scores]


def draw_noise_curves(
    curves: Sequence[NoiseCurve],
    references: Mapping[str, Scores],
    units: Mapping[str, str],
    out_file: str | Path,
) -> None:
    """Draw a column of panels per kind of noise: mean and sample standard deviation of the seeds.

    Args:
        curves: The curves; levels without scores are left out.
        references: Conditions without a level, drawn as horizontal lines, by name.
        units: What the level of each kind counts: the label of its axis.
        out_file: PNG file to write; missing folders are made.

    Raises:
        ValueError: If there is no curve with a point.
    """
    curves = [curve for curve in curves if any(curve.points.values())]
    if not curves:
        raise ValueError("curves must have at least one measured point to draw, got none")
    kinds = list(dict.fromkeys(curve.kind for curve in curves))
    labels = list(dict.fromkeys(curve.label for curve in curves))
    figure = Figure(figsize=(4.2 * len(kinds) + 0.4, 6.8), layout="constrained")
    panels = figure.subplots(2, len(kinds), sharex="col", sharey="row", squeeze=False)
    for row, (measure, name) in enumerate(_MEASURES):
        panels[row][0].set_ylabel(f"{name} (%)")
        for axes, kind in zip(panels[row], kinds, strict=True):
            for curve in (item for item in curves if item.kind == kind):
                _draw_curve(axes, curve, measure, labels.index(curve.label))
            _draw_references(axes, references, measure)
    for column, kind in enumerate(kinds):
        panels[0][column].set_title(kind)
        panels[1][column].set_xlabel(units[kind])
    _finish(figure, panels.ravel().tolist(), labels)
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(out_file, dpi=110, format="png")


def _finish(figure: Figure, panels: Sequence[Axes], labels: Sequence[str]) -> None:
    """Add grids, scales that begin at 0, and a legend with the curves first."""
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(0, None)
        axes.locator_params(axis="x", nbins=5)
    entries = sorted(
        zip(*panels[0].get_legend_handles_labels(), strict=True),
        key=lambda entry: entry[1] not in labels,
    )
    handles, names = zip(*entries, strict=True)
    columns = 1 + (len(names) > 1)
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False)


def _draw_curve(axes: Axes, curve: NoiseCurve, measure: str, style: int) -> None:
    levels = sorted(level for level, scores in curve.points.items() if scores)
    values = [[score[measure] for score in curve.points[level]] for level in levels]
    axes.errorbar(
        levels,
        [np.mean(several) for several in values],
        yerr=[_spread(several) for several in values],
        color=_COLOURS[style % len(_COLOURS)],
        marker=_MARKERS[style % len(_MARKERS)],
        capsize=3,
        label=plain(curve.label),
    )


def _draw_references(axes: Axes, references: Mapping[str, Scores], measure: str) -> None:
    for index, (name, scores) in enumerate(references.items()):
        if not scores:
            continue
        mean = float(np.mean([score[measure] for score in scores]))
        style = (0, (1 + 3 * index, 2))
        axes.axhline(mean, color="#444444", ls=style, lw=1.4, label=name)


def _spread(values: Sequence[float]) -> float:
    """Return the sample standard deviation, 0 for a single value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
