"""The learned topology and the cross-scale weights of a tracklet, drawn on a body."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from numpy.typing import NDArray

from mmctl.files import write_whole
from mmctl.structures import BodyScales
from mmctl.visualization.body_figure import draw_body, name_sides, node_places
from mmctl.visualization.plain_text import plain

MORE, LESS = "#c0392b", "#2166ac"
_SOURCE, _TARGET = "#e08214", "#4d4d4d"
STRONGEST = 12
"""Learned edges that are drawn of each graph."""

_COLUMN, _ROW, _DPI = 1.7, 2.75, 100


def strongest_edges(weights: NDArray, count: int = STRONGEST) -> list[tuple[int, int, float]]:
    """Return the strongest edges of a learned graph, but no loops.

    Args:
        weights: (N, N); the row is the node that receives.
        count: Most edges.

    Returns:
        Sender, receiver and weight of each, the weakest first, so that the strongest lies on top.
    """
    off = weights * (1 - np.eye(len(weights)))
    order = np.argsort(-np.abs(off), axis=None, kind="stable")[:count][::-1]
    rows, columns = np.unravel_index(order, off.shape)
    found = zip(columns.tolist(), rows.tolist(), off[rows, columns].tolist(), strict=True)
    return [edge for edge in found if edge[2] != 0]


def draw_topology(
    learned: Mapping[str, NDArray],
    cross_scale: Mapping[str, NDArray],
    body: BodyScales,
    names: Sequence[str],
    out_file: str | Path,
    *,
    title: str,
) -> None:
    """Draw a column per scale, a row per frame of the window, then what each part takes.

    Args:
        learned: A^m + A^c by scale, (window, N, N).
        cross_scale: Weights of eq. 5 by source scale, (parts of s3, N of the source).
        body: The part tables.
        names: Names of the parts of s3.
        out_file: PNG file to write, whole or not at all; its folder is made.
        title: First line.
    """
    slots = _slots(len(next(iter(learned.values()))))
    columns = (len(learned) * len(slots), len(names))
    rows = 1 + len(cross_scale)
    size = (max(columns) * _COLUMN + 0.2, rows * _ROW + 0.9)
    figure = Figure(size, dpi=_DPI)
    grid = figure.add_gridspec(
        rows, 1, left=0.01, right=0.99, bottom=0.05 / size[1], top=1 - 0.95 / size[1], hspace=0.16
    )
    figure.text(0.02, 1 - 0.12 / size[1], plain(title), size=12, weight="bold", va="top")
    _add_legend(figure, size[1])
    parts = {"s1": None, "s2": body.s2, "s3": body.s3}
    above = grid[0].subgridspec(1, columns[0], wspace=0.02)
    for row, (scale, graphs) in enumerate(learned.items()):
        largest, places = largest_weight(graphs), node_places(parts[scale])
        for column, (what, chosen) in enumerate(slots):
            axes = figure.add_subplot(above[row * len(slots) + column])
            _draw_graph(axes, graphs[chosen].mean(axis=0), places, largest)
            axes.set_title(f"{_count(scale, places)}\n{what}", size=8.5)
    for row, (source, weights) in enumerate(cross_scale.items(), start=1):
        below = grid[row].subgridspec(1, columns[1], wspace=0.02)
        for column, name in enumerate(names):
            axes = figure.add_subplot(below[column])
            target = node_places(body.s3)[column]
            _draw_weights(axes, weights[column], node_places(parts[source]), target)
            count = _count(source, node_places(parts[source]))
            axes.set_title(f"{name} takes from\n{count}", size=8.5)
    _save(figure, Path(out_file))


def _count(scale: str, places: NDArray) -> str:
    """Return what the nodes of a scale are."""
    return f"{len(places)} {'joints' if scale == 's1' else 'parts'} ({scale})"


def _slots(window: int) -> list[tuple[str, list[int]]]:
    """Return what is shown of each scale, and which frames of the window that is."""
    middle = window // 2
    others = [slot for slot in range(window) if slot != middle]
    return [("within a frame", [middle]), *([("from frames around", others)] if others else [])]


def largest_weight(graphs: NDArray) -> float:
    """Return the largest weight off the diagonals of graphs, (window, N, N); 1 where all are 0."""
    off = graphs * (1 - np.eye(graphs.shape[-1]))
    return float(np.abs(off).max()) or 1.0


def _draw_graph(axes: Axes, weights: NDArray, places: NDArray, largest: float) -> None:
    draw_body(axes)
    name_sides(axes)
    for sender, receiver, weight in strongest_edges(weights):
        strength = abs(weight) / largest
        arrow = FancyArrowPatch(
            places[sender], places[receiver], arrowstyle="-|>", mutation_scale=5 + 5 * strength,
            lw=0.4 + 2.4 * strength, alpha=0.25 + 0.7 * strength, shrinkA=3, shrinkB=3,
            connectionstyle="arc3,rad=0.18", color=MORE if weight > 0 else LESS, zorder=3,
        )  # fmt: skip
        axes.add_patch(arrow)
    axes.scatter(places[:, 0], places[:, 1], s=12, color="#222222", zorder=4)


def _draw_weights(axes: Axes, weights: NDArray, places: NDArray, target: NDArray) -> None:
    """Draw what one part of s3 takes from the nodes of another scale."""
    draw_body(axes)
    even = 1 / len(weights)
    for place, weight in zip(places, weights.tolist(), strict=True):
        line = np.stack([place, target])
        axes.plot(*line.T, color=_SOURCE, lw=0.3 + 6 * weight, alpha=0.45, zorder=2)
    axes.scatter(
        places[:, 0],
        places[:, 1],
        s=600 * weights,
        color=_SOURCE,
        edgecolors="white",
        lw=0.6,
        zorder=4,
    )
    axes.scatter(target[0], target[1], s=60, color=_TARGET, marker="s", zorder=5)
    top = int(weights.argmax())
    text = f"largest {weights[top]:.0%} (even: {even:.0%})"
    axes.text(0, -0.04, text, ha="center", va="top", size=7.5)


def _add_legend(figure: Figure, height: float) -> None:
    def mark(colour: str, label: str, shape: str = "") -> Line2D:
        style = "-" if not shape else "none"
        return Line2D([], [], color=colour, lw=2, marker=shape or None, ls=style, label=label)

    handles = [
        mark(MORE, "learned edge that adds"),
        mark(LESS, "learned edge that subtracts"),
        mark(_SOURCE, "node, by its weight", "o"),
        mark(_TARGET, "part that takes", "s"),
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.01, 1 - 0.36 / height), ncols=4,
        frameon=False, fontsize=8.5, borderaxespad=0,
    )  # fmt: skip


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, dpi=_DPI, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())
