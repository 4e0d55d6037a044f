"""What a crop of a person is on disk and in memory: the same bytes for both."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

_JPEG_QUALITY = 95


def encode_crop(frame: npt.NDArray[np.uint8], rectangle: Sequence[int]) -> bytes:
    """Return a JPEG picture of a part of a frame.

    Args:
        frame: The frame, (h, w, 3), RGB.
        rectangle: Left, top, right and bottom in whole pixels, the latter two exclusive.
    """
    left, top, right, bottom = rectangle
    crop = np.ascontiguousarray(frame[top:bottom, left:right, ::-1])
    encoded, content = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert encoded
    return content.tobytes()
