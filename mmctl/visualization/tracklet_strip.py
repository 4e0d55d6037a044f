"""A strip of a tracklet's frames with a line of text below."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

_HEIGHT, _LINE = 192, 20
_MOST = 8


def draw_strip(frames: npt.NDArray[np.uint8], text: str) -> npt.NDArray[np.uint8]:
    """Draw up to eight frames beside each other.

    Args:
        frames: In time order, (T, H, W, 3), RGB, of one size.
        text: What stands below them; letters that OpenCV lacks become question marks.

    Returns:
        The picture, (h, w, 3), RGB.
    """
    chosen = frames[np.linspace(0, len(frames) - 1, min(len(frames), _MOST)).astype(int)]
    width = max(1, round(chosen.shape[2] * _HEIGHT / chosen.shape[1]))
    row = np.concatenate([cv2.resize(frame, (width, _HEIGHT)) for frame in chosen], axis=1)
    plain = text.encode("ascii", "replace").decode()
    needed = cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)[0][0] + 8
    strip = np.full((_HEIGHT + _LINE, max(row.shape[1], needed), 3), 255, np.uint8)
    strip[:_HEIGHT, : row.shape[1]] = row
    place = (4, _HEIGHT + 14)
    cv2.putText(strip, plain, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return strip
