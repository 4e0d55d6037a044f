"""Which parts and frames made two tracklets match: bars beside the two people."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from numpy.typing import NDArray

from mmctl.explanations import Shares, SimilaritySplit
from mmctl.files import write_whole
from mmctl.visualization.body_figure import JOINTS, draw_body
from mmctl.visualization.cam_strip import choose_frames
from mmctl.visualization.clip_overlay import Picture, draw_parts, enlarge_frame
from mmctl.visualization.plain_text import plain, shorten_name

COLOURS = "RdBu_r"
_MORE, _LESS, _OTHER = "#b2182b", "#2166ac", "#8c8c8c"
_DPI, _HEIGHT, _MOST_FRAMES = 100, 300, 8
_SIZE = (10.4, 6.6)


@dataclass(frozen=True)
class Person:
    """One of two tracklets as it is drawn.

    Attributes:
        name: What it is called.
        frames: Its distinct frames, (S, H, W, 3) uint8, RGB.
        keypoints: x, y, score in pixels of them, (S, 17, 3), where they are known.
    """

    name: str
    frames: Picture
    keypoints: NDArray | None = None

    def best_frame(self) -> int:
        """Return the frame whose joints are seen best; of equals, or without any, the middle."""
        middle = len(self.frames) // 2
        if self.keypoints is None:
            return middle
        scores = self.keypoints[..., 2].sum(axis=1)
        best = np.flatnonzero(scores >= scores.max() - 1e-6)
        return int(best[np.abs(best - middle).argmin()])


def draw_similarity(
    split: SimilaritySplit,
    first: Person,
    second: Person,
    parts: Sequence[Sequence[int]],
    out_file: str | Path,
) -> None:
    """Draw the shares of parts beside and those of frames below the two people.

    Args:
        split: What is drawn.
        first: The first tracklet.
        second: The second one.
        parts: Joints of each body part; empty for the plain baseline.
        out_file: PNG file to write, whole or not at all; its folder is made.
    """
    figure = Figure(_SIZE, dpi=_DPI)
    grid = figure.add_gridspec(
        2, 3, left=0.03, right=0.97, top=0.82, bottom=0.02, height_ratios=(1.9, 1),
        width_ratios=(1, 2.0, 1), hspace=0.1, wspace=0.04,
    )  # fmt: skip
    largest = max([1e-12, *(np.abs(s.parts).max(initial=0) for s in (split.first, split.second))])
    for column, person, shares in ((0, first, split.first), (2, second, split.second)):
        _draw_person(figure.add_subplot(grid[0, column]), person, shares, parts, largest)
    _draw_bars(figure, grid, split)
    bottom = grid[1, :].subgridspec(1, 2, wspace=0.1)
    top = max(np.abs(s.frames).max() for s in (split.first, split.second))
    for column, person, shares in ((0, first, split.first), (1, second, split.second)):
        _draw_frames(figure, bottom[column], person, shares, float(top))
    _write_title(figure, split)
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, dpi=_DPI, format="png")
    path = Path(out_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())


def _write_title(figure: Figure, split: SimilaritySplit) -> None:
    title = f"Cosine similarity {split.similarity:.3f}: what each part and each frame adds"
    figure.text(0.03, 0.97, title, size=13, weight="bold", va="top")
    text = "Red speaks for the match, blue against it. Left and right are the person's own."
    figure.text(0.03, 0.92, text, size=9.5, va="top", color="#555555")


def _draw_person(
    axes: Axes, person: Person, shares: Shares, parts: Sequence[Sequence[int]], largest: float
) -> None:
    """Draw a frame with its parts in the colours of their shares."""
    axes.axis("off")
    axes.set_title(plain(_two_lines(person.name)), size=9)
    chosen = person.best_frame()
    frame, norm = person.frames[chosen], Normalize(-largest, largest)
    colours = [to_hex(matplotlib.colormaps[COLOURS](norm(s))) for s in shares.parts.tolist()]
    if parts and person.keypoints is not None:
        picture = draw_parts(frame, person.keypoints[chosen], parts, colours, _HEIGHT)
        axes.imshow(picture)
        return
    axes.imshow(enlarge_frame(frame, _HEIGHT))
    if parts:
        beside = axes.inset_axes((0.62, 0.0, 0.38, 0.45))
        draw_body(beside)
        for part, colour in zip(parts, colours, strict=True):
            beside.plot(*JOINTS[list(part)].T, color=colour, lw=3, zorder=3)


def _draw_bars(figure: Figure, grid: GridSpec, split: SimilaritySplit) -> None:
    """Draw the shares of both people on either side of the parts' names, and their sum below."""
    labels = [*split.names[:-1], "whole frame"]
    sides = (split.first, split.second)
    rows = np.array([[*side.parts, side.global_feature] for side in sides])
    reach = 1.45 * max(1e-12, rows.max())
    low = 1.45 * min(0.0, rows.min()) - 0.02 * reach
    below = [("constant", [side.constant for side in sides])]
    below = [*(below if np.any(below[0][1]) else []), ("sum", [split.similarity] * 2)]
    height = len(labels) + len(below)
    inner = grid[0, 1].subgridspec(1, 3, width_ratios=(1, 0.8, 1), wspace=0.0)
    panels = [figure.add_subplot(inner[column]) for column in range(3)]
    for axes in panels:
        axes.axis("off")
        axes.set_ylim(0.4 - height, 0.6)
    for axes, values, limits in zip(panels[::2], rows, ((reach, low), (low, reach)), strict=True):
        axes.set_xlim(limits)
        axes.vlines(0, 0.5 - len(labels), 0.5, color="#444444", lw=0.8)
        colours = [_MORE if value >= 0 else _LESS for value in values[:-1]]
        axes.barh(-np.arange(len(labels)), values, color=[*colours, _OTHER], height=0.62)
        for row, value in enumerate(values.tolist()):
            outward = (value >= 0) == (axes is panels[2])
            _label(axes, (value, -row), f"{value:+.3f}", outward)
    for row, label in enumerate([*labels, *(name for name, _ in below)]):
        weight = "bold" if label == "sum" else "normal"
        panels[1].text(0.5, -row, label, ha="center", va="center", size=9.5, weight=weight)
    for row, (name, values) in enumerate(below, start=len(labels)):
        for axes, value in zip(panels[::2], values, strict=True):
            weight = "bold" if name == "sum" else "normal"
            outward = (reach >= -low) == (axes is panels[2])  # where the panel has room
            _label(axes, (0, -row), f"{value:+.3f}", outward, weight)


def _label(
    axes: Axes, place: tuple[float, int], text: str, outward: bool, weight: str = "normal"
) -> None:
    axes.annotate(
        text, place, (4 if outward else -4, 0), size=8.5, textcoords="offset points",
        ha="left" if outward else "right", va="center", weight=weight,
    )  # fmt: skip


def _draw_frames(figure: Figure, spec: object, person: Person, shares: Shares, top: float) -> None:
    """Draw a bar per frame, and below it the frame."""
    shown = choose_frames(len(person.frames), _MOST_FRAMES)
    inner = spec.subgridspec(2, len(shown), height_ratios=(0.8, 1), hspace=0.06, wspace=0.08)  # type: ignore[attr-defined]
    bars = figure.add_subplot(inner[0, :])
    values = shares.frames[shown]
    bars.bar(range(len(shown)), values, color=[_MORE if v >= 0 else _LESS for v in values])
    bars.set_xlim(-0.5, len(shown) - 0.5)
    low = min(0.0, float(shares.frames.min()))
    bars.set_ylim(1.25 * low, 1.3 * top)
    bars.axis("off")
    for index, value in enumerate(values.tolist()):
        bars.text(index, max(value, 0), f"{value:+.3f}", ha="center", va="bottom", size=7)
    for column, index in enumerate(shown):
        axes = figure.add_subplot(inner[1, column])
        axes.imshow(enlarge_frame(person.frames[index], 110))
        axes.axis("off")
    bars.set_title("each frame adds", size=8.5, loc="left", pad=3, color="#555555")
    left_out = len(person.frames) - len(shown)
    if left_out:
        rest = shares.frames.sum() - values.sum()
        bars.set_title(f"{left_out} frames more: {rest:+.3f}", size=8, loc="right", pad=2)


def _two_lines(name: str) -> str:
    """Return a name with the path in its brackets, if it has one, on a line of its own."""
    head, bracket, path = name.partition(" (")
    if not bracket or not path.endswith(")"):
        return shorten_name(name)
    return f"{shorten_name(head)}\n{shorten_name(path[:-1])}"
