"""Small pictures of frames."""

from __future__ import annotations

import cv2
import numpy as np

_QUALITY = 80
_WIDEST = 4


def to_thumbnail(frame: np.ndarray, height: int) -> tuple[bytes, int]:
    """Return a small JPEG of a frame, and its width.

    Args:
        frame: (h, w, 3) uint8 RGB.
        height: Of the picture; it is up to four times as wide.
    """
    width = max(1, min(_WIDEST * height, round(frame.shape[1] * height / frame.shape[0])))
    small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return jpeg.tobytes(), width
