"""A sheet of clips: a block per tracklet, in it a strip of its frames per thing drawn over them."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mmctl.files import write_whole
from mmctl.structures import BodyScales
from mmctl.visualization.clip_overlay import (
    LEFT,
    MIDDLE,
    RIGHT,
    Picture,
    draw_heatmaps,
    draw_parts,
    draw_skeleton,
    enlarge_frame,
    part_colours,
    part_name,
    peaks_of_heatmaps,
)
from mmctl.visualization.plain_text import plain

FRAME_HEIGHT = 232
_DPI = 100
_GAP, _MARGIN, _LABEL_WIDTH = 3, 26, 40
_CAPTION_HEIGHT, _NUMBERS_HEIGHT = 30, 17
_TITLE_HEIGHT, _LINE_HEIGHT, _LEGEND_ROW = 46, 17, 19
_MAX_WIDTH = 1700
_INK, _PALE_INK, _PAPER = "#222222", "#666666", 250


@dataclass(frozen=True)
class AugmentedClip:
    """One clip of a tracklet as the model gets it.

    Attributes:
        caption: What the clip is.
        frames: RGB frames, (T, H, W, 3) uint8.
        frame_names: A name for each frame.
        keypoints: x, y, score in pixels of these frames, (T, 17, 3), where there are any.
        heatmaps: Raw maps that cover these frames, (T, 17, h, w), where there are any.
    """

    caption: str
    frames: Picture
    frame_names: Sequence[str]
    keypoints: NDArray | None = None
    heatmaps: NDArray | None = None


@dataclass
class _Sheet:
    """The pixels of the sheet and the texts that will stand on them, from the top left corner."""

    pixels: Picture
    texts: list[tuple[float, float, str, dict]] = field(default_factory=list)

    def paste(self, picture: Picture, x: int, y: int) -> None:
        self.pixels[y : y + picture.shape[0], x : x + picture.shape[1]] = picture

    def write(self, x: float, y: float, text: str, **style: object) -> None:
        self.texts.append((x, y, text, {"color": _INK, "va": "top", **style}))


def draw_clip_sheet(
    clips: Sequence[AugmentedClip],
    body: BodyScales,
    out_file: str | Path,
    *,
    title: str,
    notes: Sequence[str] = (),
) -> None:
    """Draw clips of equal length and frame size. Equal input gives an equal picture.

    A clip with joints has strips for them and for the parts of both scales; where only heatmaps
    are given, their peaks are the joints. Without either the frames alone are drawn.

    Args:
        clips: One per tracklet.
        body: The parts.
        out_file: PNG file to write, whole or not at all; missing folders are made.
        title: First line of the sheet.
        notes: Smaller lines below it, wrapped to the sheet.

    Raises:
        ValueError: If there is no clip.
    """
    if not clips:
        raise ValueError("a sheet must have at least one clip to draw, got none")
    blocks = [_draw_block(clip, body) for clip in clips]
    height = max(block.pixels.shape[0] for block in blocks)
    width = max(block.pixels.shape[1] for block in blocks)
    fitting = max(1, (_MAX_WIDTH - _MARGIN) // (width + _MARGIN))
    num_rows = math.ceil(len(blocks) / fitting)
    num_columns = math.ceil(len(blocks) / num_rows)
    legends = _legends(clips, body)
    sheet_width = max(num_columns * (width + _MARGIN) + _MARGIN, 640)
    lines = [line for note in notes for line in textwrap.wrap(note, sheet_width // 8)]
    top = _TITLE_HEIGHT + _LINE_HEIGHT * len(lines) + _MARGIN // 2
    bottom = sum(_legend_height(handles, sheet_width) for _, handles in legends)
    sheet = _blank(top + num_rows * (height + _MARGIN) + bottom, sheet_width)
    sheet.write(_MARGIN, 16, title, fontsize=13, fontweight="bold")
    for number, line in enumerate(lines):
        sheet.write(_MARGIN, _TITLE_HEIGHT + _LINE_HEIGHT * number, line, fontsize=9)
    for index, block in enumerate(blocks):
        row, column = divmod(index, num_columns)
        x, y = _MARGIN + column * (width + _MARGIN), top + row * (height + _MARGIN)
        sheet.paste(block.pixels, x, y)
        sheet.texts += [(x + dx, y + dy, text, style) for dx, dy, text, style in block.texts]
    _write_png(_as_figure(sheet, legends, bottom), Path(out_file))


def _draw_block(clip: AugmentedClip, body: BodyScales) -> _Sheet:
    """Return the caption, the frames' names and the strips of one clip."""
    strips = _draw_strips(clip, body)
    frame_width = strips[0][1][0].shape[1]
    step = frame_width + _GAP
    top = _CAPTION_HEIGHT + _NUMBERS_HEIGHT
    block = _blank(
        top + len(strips) * (FRAME_HEIGHT + _GAP) - _GAP,
        _LABEL_WIDTH + len(clip.frames) * step - _GAP,
    )
    block.write(0, 4, clip.caption, fontsize=10.5, fontweight="bold")
    for column, name in enumerate(clip.frame_names):
        x = _LABEL_WIDTH + column * step + frame_width / 2
        style = {"fontsize": 6.5, "ha": "center", "color": _PALE_INK}
        block.write(x, _CAPTION_HEIGHT, _shortened(name, frame_width), **style)
    for row, (label, pictures) in enumerate(strips):
        y = top + row * (FRAME_HEIGHT + _GAP)
        style = {"fontsize": 9, "rotation": 90, "ha": "center", "va": "center"}
        block.write(_LABEL_WIDTH / 2, y + FRAME_HEIGHT / 2, label, **style)
        for column, picture in enumerate(pictures):
            block.paste(picture, _LABEL_WIDTH + column * step, y)
    return block


def _draw_strips(clip: AugmentedClip, body: BodyScales) -> list[tuple[str, list[Picture]]]:
    """Return label and pictures of each strip."""
    frames, maps, joints, label = clip.frames, clip.heatmaps, clip.keypoints, "keypoints"
    if joints is None and maps is not None:
        label = "peaks of the heatmaps"
        joints = peaks_of_heatmaps(maps, (frames.shape[1], frames.shape[2]))
    if joints is None:
        return [("frames", [enlarge_frame(frame, FRAME_HEIGHT) for frame in frames])]
    pairs = list(zip(frames, joints, strict=True))
    strips = [(label, [draw_skeleton(frame, own, FRAME_HEIGHT) for frame, own in pairs])]
    if maps is not None:
        over = [draw_heatmaps(f, own, FRAME_HEIGHT) for f, own in zip(frames, maps, strict=True)]
        strips.append(("heatmaps", over))
    for name, colours in part_colours(body).items():
        parts = getattr(body, name)
        drawn = [draw_parts(frame, own, parts, colours, FRAME_HEIGHT) for frame, own in pairs]
        strips.append((f"{len(parts)} parts of {name}", drawn))
    return strips


def _legends(
    clips: Sequence[AugmentedClip], body: BodyScales
) -> list[tuple[str, list[Line2D] | list[Patch]]]:
    """Return title and entries of each legend: none where frames alone are drawn."""
    if all(clip.keypoints is None and clip.heatmaps is None for clip in clips):
        return []
    marks = (
        ("left joint", LEFT[0], LEFT[0], 1),
        ("right joint", RIGHT[0], RIGHT[0], 1),
        ("middle joint", MIDDLE[0], MIDDLE[0], 1),
        ("low score: pale", "white", LEFT[0], 2),
        ("score 0: ring, in no part", "none", LEFT[0], 1),
    )
    joints = [
        Line2D([], [], marker="o", ls="none", ms=8, mfc=inner, mec=edge, mew=width, label=label)
        for label, inner, edge, width in marks
    ]
    legends: list[tuple[str, list[Line2D] | list[Patch]]] = [("joints", joints)]
    for name, colours in part_colours(body).items():
        named = zip(colours, getattr(body, name), strict=True)
        legends.append((name, [Patch(color=c, label=part_name(part)) for c, part in named]))
    return legends


def _legend_columns(handles: Sequence[Line2D | Patch], width: int) -> int:
    """Return the most columns that fit; a legend is filled column by column."""
    lengths = [len(str(handle.get_label())) for handle in handles]
    for num_columns in range(len(handles), 1, -1):
        rows = math.ceil(len(handles) / num_columns)
        longest = [max(lengths[start : start + rows]) for start in range(0, len(lengths), rows)]
        filled = len(longest) == num_columns
        if filled and sum(7 * length + 56 for length in longest) <= width - 100:
            return num_columns
    return 1


def _legend_height(handles: Sequence[Line2D | Patch], width: int) -> int:
    return _LEGEND_ROW * math.ceil(len(handles) / _legend_columns(handles, width)) + 12


def _as_figure(
    sheet: _Sheet, legends: Sequence[tuple[str, Sequence[Line2D | Patch]]], bottom: int
) -> Figure:
    height, width = sheet.pixels.shape[:2]
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    # Pixel for pixel: axes would resample what is a pixel wide.
    figure.figimage(sheet.pixels, origin="upper")
    for x, y, text, style in sheet.texts:
        figure.text(x / width, 1 - y / height, plain(text), **style)
    y = height - bottom
    for name, handles in legends:
        figure.text(_MARGIN / width, 1 - (y + 6) / height, name, va="top", fontsize=9)
        figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=((_MARGIN + 74) / width, 1 - y / height),
            ncols=_legend_columns(handles, width),
            fontsize=9,
            frameon=False,
            borderaxespad=0,
        )
        y += _legend_height(handles, width)
    return figure


def _write_png(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, dpi=_DPI, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())


def _blank(height: int, width: int) -> _Sheet:
    return _Sheet(np.full((height, width, 3), _PAPER, dtype=np.uint8))


def _shortened(name: str, width: int) -> str:
    """Return the end of a name, because that is where frames differ."""
    room = max(4, round(width / 5.2))
    return name if len(name) <= room else f"…{name[1 - room :]}"
