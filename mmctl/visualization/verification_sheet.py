"""A picture of a calibration: similarities of both kinds of pairs, and the ROC."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmctl.evaluation.calibration import Calibration
from mmctl.evaluation.calibration_records import RatePoint
from mmctl.evaluation.camera_pairs import CameraPairs
from mmctl.files import write_whole
from mmctl.visualization.plain_text import plain

_ONE, _OTHERS, _MARKS = "#1b6ca8", "#d1495b", "#444444"
_BINS = 80


def draw_verification(
    calibration: Calibration, pairs: CameraPairs, title: str, out_file: str | Path
) -> None:
    """Draw the distributions of similarities with the probability, and the ROC with intervals.

    Args:
        calibration: What was measured.
        pairs: The pairs that it was made of.
        title: Over both panels.
        out_file: PNG file to write, whole or not at all; missing folders are made.
    """
    figure = Figure(figsize=(13, 5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _draw_distributions(left, calibration, pairs)
    _draw_roc(right, calibration)
    figure.suptitle(plain(title))
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    write_whole(out_file, buffer.getvalue())


def _draw_distributions(axes: Axes, calibration: Calibration, pairs: CameraPairs) -> None:
    counts = calibration.counts
    everything = np.concatenate([pairs.positives, pairs.negatives]).astype(np.float64)
    edges = np.linspace(everything.min(), everything.max(), _BINS + 1)
    kinds = (
        (f"one person: {counts.one_person:,} pairs", pairs.positives, pairs.positive_weights, _ONE),
        (
            f"different persons: {counts.different_persons:,} pairs",
            pairs.negatives,
            pairs.negative_weights,
            _OTHERS,
        ),
    )
    for label, values, weights, colour in kinds:
        heights = np.histogram(values.astype(np.float64), edges, weights=weights)[0]
        heights = 100 * heights / heights.sum()
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.35)
        axes.stairs(heights, edges, color=colour, lw=1.6, label=label)
    axes.set(title="similarities of tracklets of different cameras", xlabel="cosine similarity")
    axes.set_ylabel("% of the pairs of a kind")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
    for index, point in enumerate(_within(calibration, edges)):
        axes.axvline(point.threshold, color=_MARKS, lw=0.9, ls=":")
        place = (point.threshold, 0.82 - 0.05 * index)
        axes.text(*place, f" {point.rate:g}", transform=axes.get_xaxis_transform(), fontsize=8)
    _draw_probability(axes, calibration, edges)
    _tidy(axes)


def _draw_probability(axes: Axes, calibration: Calibration, edges: np.ndarray) -> None:
    """Draw the probability on an axis of its own, and the legend of both."""
    shown = axes.twinx()
    similarities = np.linspace(edges[0], edges[-1], 400)
    shown.plot(
        similarities,
        calibration.probability(similarities),
        color=_MARKS,
        ls="--",
        label="probability of one person",
    )
    shown.set_ylabel("probability among such pairs")
    shown.set_ylim(0, 1.3)
    shown.set_yticks(np.linspace(0, 1, 6))
    handles = [axes.get_legend_handles_labels(), shown.get_legend_handles_labels()]
    shown.legend(
        handles[0][0] + handles[1][0],
        handles[0][1] + handles[1][1],
        loc="upper left",
        frameon=False,
        fontsize=8,
    )
    shown.spines["top"].set_visible(False)


def _within(calibration: Calibration, edges: np.ndarray) -> list[RatePoint]:
    return [point for point in calibration.rates if edges[0] <= point.threshold <= edges[-1]]


def _draw_roc(axes: Axes, calibration: Calibration) -> None:
    curve, error = calibration.curve, calibration.equal_error_rate
    confidence = f"{100 * calibration.bootstrap.confidence:g} %"
    axes.plot(
        [*curve.false_accept_rates, 1.0],
        [100 * rate for rate in (*curve.true_accept_rates, 1.0)],
        color=_ONE,
        lw=1.8,
        drawstyle="steps-post",
        label=f"area {calibration.area:.4f}",
    )
    for point in calibration.rates:
        accepted = point.true_accept_rate
        name = f"at {point.rate:g}: {100 * accepted.value:.1f} %"
        axes.vlines(point.rate, 100 * accepted.low, 100 * accepted.high, color=_MARKS, lw=2.5)
        axes.plot(point.rate, 100 * accepted.value, "o", color=_MARKS, ms=5)
        axes.annotate(
            name,
            (point.rate, 100 * accepted.value),
            xytext=(8, -4),
            textcoords="offset points",
            fontsize=8,
        )
    axes.plot(
        error.value,
        100 * (1 - error.value),
        "s",
        color=_OTHERS,
        label=f"equal error rate {100 * error.value:.2f} % "
        f"({100 * error.low:.2f} to {100 * error.high:.2f})",
    )
    axes.plot([], [], color=_MARKS, lw=2.5, label=f"interval of {confidence} (persons drawn again)")
    axes.set(title="ROC", xscale="log", xlabel="false accept rate")
    axes.set_xlim(calibration.smallest_rate * 0.8, 1.1)
    axes.set_ylim(0, 102)
    axes.set_ylabel("true accept rate (%)")
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top"]].set_visible(False)
