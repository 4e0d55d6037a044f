"""A strip of a tracklet's frames with some text below."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_HEIGHT, _LINE, _MARGIN = 192, 18, 4
_FONT, _SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.4
_MOST = 8


def draw_strip(frames: npt.NDArray[np.uint8], text: str) -> npt.NDArray[np.uint8]:
    """Draw up to eight frames beside each other, and text in as many lines as their width needs.

    Args:
        frames: In time order, (T, H, W, 3), RGB, of one size.
        text: What stands below them; letters that OpenCV lacks become question marks.

    Returns:
        The picture, (h, w, 3), RGB.
    """
    chosen = frames[np.linspace(0, len(frames) - 1, min(len(frames), _MOST)).round().astype(int)]
    width = max(1, round(chosen.shape[2] * _HEIGHT / chosen.shape[1]))
    row = np.concatenate([cv2.resize(frame, (width, _HEIGHT)) for frame in chosen], axis=1)
    lines = _break_lines(text.encode("ascii", "replace").decode(), row.shape[1] - 2 * _MARGIN)
    strip = np.full((_HEIGHT + _LINE * len(lines) + _MARGIN, row.shape[1], 3), 255, np.uint8)
    strip[:_HEIGHT] = row
    for number, line in enumerate(lines):
        place = (_MARGIN, _HEIGHT + 14 + _LINE * number)
        cv2.putText(strip, line, place, _FONT, _SIZE, (0, 0, 0), 1, cv2.LINE_AA)
    return strip


def _break_lines(text: str, width: int) -> list[str]:
    """Return lines of at most a width, broken at spaces where there are any, in pixels."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".lstrip()
        if _measure(joined) <= width:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for letter in word:
            if lines[-1] and _measure(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _measure(text: str) -> int:
    return cv2.getTextSize(text, _FONT, _SIZE, 1)[0][0]
