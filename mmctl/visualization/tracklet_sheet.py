"""A sheet of tracklets, a row for each that others were ranked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.patches import Patch, Rectangle

from mmctl.datasets.frame_decoding import decode_frame
from mmctl.evaluation.tracklet_features import TrackletFeatures
from mmctl.functional.ranking import DISTRACTOR_PID

QUERY, RIGHT, WRONG, IGNORED, OTHER = "#1f5fbf", "#1a9641", "#d7191c", "#8c8c8c", "#4d4d4d"
_CELL = (256, 128)
_CELL_INCHES = (2.3, 1.05)
"""Height with two lines of caption, and width, both with the space to the next cell."""
_PICTURE_INCHES, _LINE_INCHES = 1.85, 0.12
_TITLE_INCHES, _LEGEND_INCHES, _LABEL_INCHES = 0.75, 0.65, 1.2
_CAPTION_LETTERS = 18
"""Letters of a line below a picture that do not reach the next one's."""
_STYLES = {IGNORED: {"hatch": "//"}}
_TRACK = re.compile(r"track0*(\d+)")
"""The folder of a track's crops, as tools/dataset_converters/convert_mot.py names it."""


@dataclass(frozen=True)
class Cell:
    """A tracklet of a sheet: its row in the features, colour of its frame, title."""

    tracklet: int
    colour: str
    title: str


@dataclass(frozen=True)
class SheetRow:
    """What is written beside a row, and its tracklets, of which the first was ranked for."""

    label: str
    cells: Sequence[Cell]


def draw_sheet(
    tracklets: TrackletFeatures,
    rows: Sequence[SheetRow],
    heading: str,
    legend: Sequence[tuple[str, str]],
    out_file: str | Path,
) -> None:
    """Draw the middle frame of each tracklet with what is known of it.

    Args:
        tracklets: The tracklets.
        rows: What is drawn.
        heading: What stands above.
        legend: Colours and what they mean.
        out_file: PNG file to write; missing folders are made.

    Raises:
        ValueError: If no tracklet has a picture, or a frame is none.
        FileNotFoundError: If a frame is missing.
    """
    if not any(tracklets.frame_paths):
        raise ValueError(
            "the features lack frame_paths, a picture of each tracklet, which the sheet shows"
        )
    captions = [[_describe(tracklets, cell.tracklet) for cell in row.cells] for row in rows]
    num_lines = max(text.count("\n") + 1 for texts in captions for text in texts)
    figure, grid = _empty_sheet(len(rows), max(len(row.cells) for row in rows), num_lines)
    for place, row in enumerate(rows):
        for column, cell in enumerate(row.cells):
            axes = figure.add_subplot(grid[place, column])
            _draw_tracklet(axes, tracklets, cell)
            axes.set_xlabel(captions[place][column], fontsize=7)
            if not column:
                axes.set_ylabel(
                    row.label, rotation="horizontal", ha="right", va="center", fontsize=9
                )
    figure.suptitle(heading, fontsize=11, y=1 - 0.08 / figure.get_figheight())
    handles = [
        Patch(facecolor="none", edgecolor=colour, label=text, **_STYLES.get(colour, {"lw": 3}))
        for colour, text in legend
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
    Path(out_file).parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(out_file, dpi=110, format="png")


def _empty_sheet(num_rows: int, num_columns: int, num_lines: int) -> tuple[Figure, GridSpec]:
    cell_height, cell_width = _CELL_INCHES
    cell_height += _LINE_INCHES * max(0, num_lines - 2)
    height = cell_height * num_rows + _TITLE_INCHES + _LEGEND_INCHES
    width = cell_width * num_columns + _LABEL_INCHES
    figure = Figure(figsize=(width, height))
    grid = figure.add_gridspec(
        num_rows,
        num_columns,
        top=1 - _TITLE_INCHES / height,
        bottom=_LEGEND_INCHES / height,
        left=_LABEL_INCHES / width,
        right=1 - 0.1 / width,
        wspace=0.12,
        hspace=cell_height / _PICTURE_INCHES - 1,
    )
    return figure, grid


def _draw_tracklet(axes: Axes, tracklets: TrackletFeatures, cell: Cell) -> None:
    is_ignored = cell.colour == IGNORED
    picture = _read_picture(str(tracklets.frame_paths[cell.tracklet]))
    axes.imshow(picture, alpha=0.4 if is_ignored else 1.0)
    if is_ignored:
        height, width = _CELL
        axes.add_patch(
            Rectangle((0, 0), width, height, fill=False, hatch="//", edgecolor=IGNORED, lw=0)
        )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(edgecolor=cell.colour, linewidth=3.5)
    axes.set_title(cell.title, fontsize=9, color=cell.colour, pad=4, fontweight="bold")


def _describe(tracklets: TrackletFeatures, row: int) -> str:
    """Say who it is, if that is known, which camera, and which track or tracklet."""
    pid, camid = tracklets.pids[row], tracklets.camids[row]
    tracklet_id = tracklets.tracklet_ids[row]
    # A pid that every tracklet has for itself says nothing.
    person = "distractor" if pid == DISTRACTOR_PID else f"pid {pid}"
    facts = [] if tracklets.is_unlabelled else [person]
    facts.append(f"cam {camid}")
    track = _TRACK.match(PurePath(str(tracklets.frame_paths[row])).parent.name)
    facts += [f"track {track[1]}"] if track else []
    facts += [f"tracklet {tracklet_id}"] if tracklet_id >= 0 else []
    return _break_lines(facts)


def _break_lines(facts: Sequence[str]) -> str:
    """Return facts in as few lines as they need to stay below their picture."""
    lines = [facts[0]]
    for fact in facts[1:]:
        if len(lines[-1]) + 2 + len(fact) <= _CAPTION_LETTERS:
            lines[-1] += f"  {fact}"
        else:
            lines.append(fact)
    return "\n".join(lines)


def _read_picture(path: str) -> np.ndarray:
    """Return a frame as RGB of the size of a cell, (H, W, 3), uint8."""
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"each tracklet must have a readable frame to be drawn, got {path!r}; was the data "
            "moved since the features were saved?"
        )
    picture, (height, width) = decode_frame(Path(path).read_bytes(), path), _CELL
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
