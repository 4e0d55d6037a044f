"""Grad-CAM of a tracklet as a strip of frames and as an animation, on one colour scale."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from mmctl.files import write_whole
from mmctl.visualization.clip_overlay import Picture, enlarge_frame
from mmctl.visualization.plain_text import plain

COLOURS = "turbo"
MOST_FRAMES = 8
"""Frames of a strip; longer tracklets show as many, evenly spaced."""

_HEIGHT, _GAP, _DPI = 232, 4, 100
_LEFT, _RIGHT, _TOP, _NUMBERS, _BOTTOM = 92, 96, 62, 16, 10
_LOWEST_OPACITY, _OPACITY = 0.2, 0.55
_FRAME_SECONDS, _GIF_HEIGHT, _GIF_COLOURS = 0.3, 192, 96


def overlay_map(frame: Picture, values: NDArray, height: int) -> Picture:
    """Lay a map over a frame: grey where it is 0, in full colours where it is 1.

    Args:
        frame: RGB frame, (H, W, 3) uint8.
        values: Map that covers the frame, from 0 to 1, (h, w).
        height: Height of the picture in pixels.

    Returns:
        The enlarged frame with the map, (height, W, 3) uint8.
    """
    grey: np.ndarray = cv2.cvtColor(enlarge_frame(frame, height), cv2.COLOR_RGB2GRAY)
    size = (grey.shape[1], grey.shape[0])
    smooth: np.ndarray = np.clip(cv2.resize(values.astype(np.float32), size), 0, 1)
    colours = 255 * matplotlib.colormaps[COLOURS](smooth)[..., :3]
    opacity = (_LOWEST_OPACITY + _OPACITY * smooth)[..., None]
    return np.rint(grey[..., None] * (1 - opacity) + colours * opacity).astype(np.uint8)


def scale_maps(maps: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Bring the maps of each layer to 0 .. 1 by one factor for all frames.

    Args:
        maps: By layer, (S, h, w), nothing below 0.

    Returns:
        The same, each with 1 as its largest value, or 0 everywhere.
    """
    return {name: values / (values.max() or 1) for name, values in maps.items()}


def choose_frames(count: int, most: int = MOST_FRAMES) -> list[int]:
    """Return the places of at most ``most`` of ``count`` frames, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def draw_cam_strip(
    frames: Picture,
    maps: Mapping[str, NDArray],
    numbers: Sequence[int],
    out_file: str | Path,
    *,
    title: str,
    note: str = "",
) -> None:
    """Draw frames and, below each, its map of every layer.

    Args:
        frames: RGB frames of a tracklet, (S, H, W, 3) uint8.
        maps: By layer, (S, h, w), nothing below 0.
        numbers: Number of each frame in the tracklet.
        out_file: PNG file to write, whole or not at all; its folder is made.
        title: What is mapped.
        note: A smaller line below it.
    """
    shown, scaled = choose_frames(len(frames)), scale_maps(maps)
    rows = [("frames", [enlarge_frame(frames[i], _HEIGHT) for i in shown])]
    for name, values in scaled.items():
        rows.append((name, [overlay_map(frames[i], values[i], _HEIGHT) for i in shown]))
    width = rows[0][1][0].shape[1]
    inner = len(shown) * (width + _GAP) - _GAP
    total = (max(_LEFT + inner + _RIGHT, 560), _TOP + _NUMBERS + len(rows) * (_HEIGHT + _GAP))
    figure = Figure((total[0] / _DPI, (total[1] + _BOTTOM) / _DPI), dpi=_DPI)
    canvas = np.full((total[1] + _BOTTOM, total[0], 3), 255, np.uint8)
    for row, (label, pictures) in enumerate(rows):
        y = _TOP + _NUMBERS + row * (_HEIGHT + _GAP)
        for column, picture in enumerate(pictures):
            x = _LEFT + column * (width + _GAP)
            canvas[y : y + _HEIGHT, x : x + width] = picture
            if row == 0:
                text = f"frame {numbers[shown[column]]}"
                _write(figure, total, x + width / 2, y - 3, text, ha="center", va="bottom", size=8)
        words = label.replace(".", ".\n")
        _write(figure, total, _LEFT - 8, y + _HEIGHT / 2, words, ha="right", va="center", size=9)
    figure.figimage(canvas, origin="upper", zorder=-1)  # the colour bar lies on it
    _write(figure, total, 14, 12, title, va="top", size=12, weight="bold")
    _write(figure, total, 14, 36, note, va="top", size=9)
    _draw_scale(figure, total, _LEFT + inner)
    _save(figure, Path(out_file))


def _write(
    figure: Figure, total: tuple[int, int], x: float, y: float, text: str, **style: Any
) -> None:
    """Write at a pixel from the upper left corner."""
    figure.text(x / total[0], 1 - y / (total[1] + _BOTTOM), plain(text), **style)


def _draw_scale(figure: Figure, total: tuple[int, int], right: int) -> None:
    """Draw the colour bar beside the first row of maps."""
    height = total[1] + _BOTTOM
    top = _TOP + _NUMBERS + _HEIGHT + _GAP
    place = (
        (right + 14) / total[0], 1 - (top + _HEIGHT) / height, 12 / total[0], _HEIGHT / height
    )  # fmt: skip
    axes = figure.add_axes(place)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), COLOURS), cax=axes)
    bar.set_ticks([0, 0.5, 1], labels=["0", "half", "largest\nof all\nframes"])
    bar.ax.tick_params(labelsize=8)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    content = io.BytesIO()
    figure.savefig(content, dpi=_DPI, format="png")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())


def write_cam_gif(frames: Picture, maps: Mapping[str, NDArray], out_file: str | Path) -> None:
    """Write all frames, each with its maps beside it, as an animation that repeats.

    Args:
        frames: RGB frames of a tracklet, (S, H, W, 3) uint8.
        maps: By layer, (S, h, w), nothing below 0.
        out_file: GIF file to write, whole or not at all; its folder is made.
    """
    scaled = scale_maps(maps)
    pictures = []
    for index, frame in enumerate(frames):
        row = [enlarge_frame(frame, _GIF_HEIGHT)]
        row += [overlay_map(frame, values[index], _GIF_HEIGHT) for values in scaled.values()]
        pictures.append(Image.fromarray(np.concatenate(row, axis=1)).quantize(_GIF_COLOURS))
    content = io.BytesIO()
    milliseconds = round(1000 * _FRAME_SECONDS)
    pictures[0].save(
        content, "GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0
    )
    path = Path(out_file)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getvalue())
