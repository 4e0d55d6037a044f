"""A picture of how long the tracklets of a data set are and how large its frames."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from mmctl.files import write_whole
from mmctl.visualization.plain_text import plain

_BINS = 40
_COLOURS = {
    "train": "#1b6ca8",
    "query": "#d1495b",
    "gallery": "#edae49",
    "unlabelled": "#6c757d",
}


def draw_frame_histogram(
    lengths: Mapping[str, npt.NDArray[np.int64]],
    sizes: npt.NDArray[np.int32],
    title: str,
    out_file: str | Path,
) -> None:
    """Draw histograms of tracklet lengths (by split), frame heights and frame widths.

    Args:
        lengths: Frames of each tracklet, by split: ``train``, ``query``, ``gallery`` or
            ``unlabelled``.
        sizes: Height and width of frames, (n, 2).
        title: Name of the data set.
        out_file: PNG file to write; its folder is made.
    """
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _draw_lengths(left, lengths)
    _draw_sides(middle, sizes[:, 0], "height")
    _draw_sides(right, sizes[:, 1], "width")
    figure.suptitle(plain(title))
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, format="png")
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    write_whole(Path(out_file), buffer.getvalue())


def _draw_lengths(axes: Axes, lengths: Mapping[str, npt.NDArray[np.int64]]) -> None:
    longest = max(values.max() for values in lengths.values())
    # Lengths are whole: a bin holds the same number of them everywhere.
    step = max(1, -(-int(longest) // _BINS))
    edges = np.arange(0, longest + step + 1, step) + 0.5
    most = 1.0
    for name, values in lengths.items():
        label = f"{name}: {len(values):,} tracklets, median {np.median(values):g}"
        counts = np.histogram(values, edges)[0]
        axes.stairs(counts, edges, baseline=None, lw=1.8, color=_COLOURS[name], label=label)
        most = max(most, float(counts.max()))
    axes.set(title="length of tracklets", xlabel="frames", ylabel="tracklets", yscale="log")
    axes.set_ylim(0.7, 10 * most)  # room for the legend
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="upper right", frameon=False, fontsize=8)
    _tidy(axes)


def _draw_sides(axes: Axes, sides: npt.NDArray[np.int32], name: str) -> None:
    axes.set(title=f"{name} of frames", xlabel="pixels", ylabel="frames")
    _tidy(axes)
    if len(sides) == 0:
        axes.text(0.5, 0.5, "no frame could be read", transform=axes.transAxes, ha="center")
        return
    least, most = int(sides.min()), int(sides.max())
    spread = f"{least} to {most}" if least < most else f"all {least}"
    axes.set_title(f"{name} of {len(sides):,} frames: {spread}")
    step = max(1, -(-(most - least + 1) // _BINS))
    edges = np.arange(least, most + step + 1, step) - 0.5
    axes.stairs(np.histogram(sides, edges)[0], edges, fill=True, color="#6c757d")
    # A single size would fill the picture.
    axes.set_xlim(min(edges[0], least - 5), max(edges[-1], most + 5))


def _tidy(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
