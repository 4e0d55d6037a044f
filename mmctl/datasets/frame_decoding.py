"""Decode frames: a JPEG or PNG to an RGB picture, or a message that says what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

try:
    import simplejpeg
except ImportError:  # an extra: OpenCV decodes the same pictures, more slowly
    simplejpeg = None

# Saves a pass over every frame; OpenCV has it since 4.11.
_DECODE_RGB: int | None = getattr(cv2, "IMREAD_COLOR_RGB", None)
# Without it OpenCV drops the lower byte of 16-bit pictures, and floats below 1 become black.
_KEEP_DEPTH = cv2.IMREAD_ANYDEPTH
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_START, _PNG_END = b"\x89PNG", b"IEND"
# Writers may append a few bytes (padding, a checksum) after the end marker.
_TAIL_BYTES = 1024
# OpenCV turns a picture by its camera's note of what is up; that and a size that no frame of a
# person has are left to it, as is what libjpeg complains of.
_ORIENTATION_NOTE, _NOTE_MARKER = b"Exif", 0xE1
# Of all kinds of JPEG; C4, C8 and CC among them are no headers of a picture.
_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER, _DATA_MARKER = 0xFF, 0xDA
# They have no length: filling, restarts, starts and ends. What has them before its data is rare.
_BARE_MARKERS = frozenset((0x00, 0x01, *range(0xD0, 0xDA), 0xFF))
_LARGEST_PIXELS = 2**24


def check_content(content: bytes, path: str) -> None:
    """Refuse what is empty or cut off, without decoding it.

    Args:
        content: The file's bytes.
        path: The file's name, for the message.

    Raises:
        ValueError: If the content is empty or lacks its end marker (JPEG and PNG).
    """
    if content.startswith(_JPEG_START) and content.endswith(_JPEG_END):
        return
    if not content:
        raise ValueError(f"frame {path} is empty (0 bytes); copy it again")
    for kind, start, end in (("JPEG", _JPEG_START, _JPEG_END), ("PNG", _PNG_START, _PNG_END)):
        if content.startswith(start) and end not in content[-_TAIL_BYTES:]:
            raise ValueError(
                f"frame {path} is cut off: a whole {kind} ends with the marker {end!r}, but the "
                f"last of its {len(content)} bytes have none; copy it again"
            )


def decode_frame(content: bytes, path: str, out: np.ndarray | None = None) -> np.ndarray:
    """Decode one frame to RGB, or say what is wrong with it.

    JPEGs go through ``simplejpeg`` where it is installed: the same libjpeg-turbo as OpenCV's, with
    the same result, in about two thirds of the time.

    Args:
        content: The file's bytes.
        path: The file's name, for the message.
        out: Contiguous uint8 array that a picture of its shape is decoded into, where the decoder
            can; the result is ``out`` itself then, and another array otherwise.

    Returns:
        The picture, (h, w, 3) uint8 RGB.

    Raises:
        ValueError: If the content is empty, lacks its end marker (JPEG and PNG), cannot be decoded
            or has more than 8 bits per channel.
    """
    check_content(content, path)
    frame = _decode_plain_jpeg(content, out)
    if frame is None:
        frame = _decode_with_opencv(content)
    if frame is None:
        raise ValueError(
            f"frame {path} cannot be decoded as a picture ({len(content)} bytes, first ones "
            f"{content[:4]!r})"
        )
    if frame.dtype != np.uint8:
        raise ValueError(
            f"frame {path} must have 8 bits per channel, because of others nobody can say which "
            f"value is white, got {frame.dtype} up to {frame.max():g}; convert it"
        )
    return frame


def can_reduce() -> bool:
    """Return whether :func:`decode_reduced` has the decoder that it needs."""
    return simplejpeg is not None


def decode_reduced(
    content: bytes, path: str, min_size: Sequence[int]
) -> tuple[np.ndarray, tuple[int, int]]:
    """Decode a JPEG at the smallest fraction of its size, from 1/2 down, that a size fits into.

    The decoder leaves out the high frequencies then, so it is faster and aliases less than a
    bilinear resize, but does not give the pixels of :func:`decode_frame` and a resize. Smaller
    pictures and other kinds are decoded whole.

    Args:
        content: The file's bytes.
        path: The file's name, for the message.
        min_size: Height and width that the picture keeps at least.

    Returns:
        The picture, (h, w, 3) uint8 RGB, and its height and width in the file.

    Raises:
        ValueError: As :func:`decode_frame`.
    """
    check_content(content, path)
    height, width = _plain_jpeg_size(content) or (0, 0)
    if height >= 2 * min_size[0] and width >= 2 * min_size[1]:
        try:
            frame = simplejpeg.decode_jpeg(
                content, "RGB", min_height=min_size[0], min_width=min_size[1], min_factor=2
            )
        except ValueError:
            pass  # damage, which decode_frame describes
        else:
            return frame, (height, width)
    frame = decode_frame(content, path)
    return frame, (frame.shape[0], frame.shape[1])


_known_head: tuple[bytes, tuple[int, int]] = (b"", (0, 0))
"""All before the data of the last plain JPEG, and its size: frames of a set have few different."""


def _plain_jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Return height and width of a JPEG that is upright and no monster; None for all else."""
    global _known_head
    if simplejpeg is None or not content.startswith(_JPEG_START):
        return None
    head, size = _known_head
    if head and content.startswith(head):
        return size
    size, place = (0, 0), len(_JPEG_START)
    try:
        # Segments of a marker, their length in two bytes, and what they hold, up to the data.
        while (kind := content[place + 1]) != _DATA_MARKER:
            if content[place] != _MARKER or kind in _BARE_MARKERS:
                return None
            if kind == _NOTE_MARKER and content.startswith(_ORIENTATION_NOTE, place + 4):
                return None
            if kind in _SIZE_MARKERS:
                size = (
                    content[place + 5] << 8 | content[place + 6],
                    content[place + 7] << 8 | content[place + 8],
                )
            place += 2 + (content[place + 2] << 8 | content[place + 3])
    except IndexError:
        return None
    if content[place] != _MARKER or not 0 < size[0] * size[1] <= _LARGEST_PIXELS:
        return None
    _known_head = (content[: place + 2], size)
    return size


def _decode_plain_jpeg(content: bytes, out: np.ndarray | None) -> np.ndarray | None:
    """Decode a JPEG that is whole and upright; None for all else."""
    size = _plain_jpeg_size(content)
    if size is None:
        return None
    fits = out is not None and out.shape == (*size, 3)
    try:
        frame = simplejpeg.decode_jpeg(content, "RGB", strict=True, buffer=out if fits else None)
    except ValueError:
        return None
    return out if fits else frame


def _decode_with_opencv(content: bytes) -> np.ndarray | None:
    buffer = np.frombuffer(content, np.uint8)
    try:
        if _DECODE_RGB is not None:
            frame = cv2.imdecode(buffer, _DECODE_RGB | _KEEP_DEPTH)
            return None if frame is None else np.asarray(frame)
        bgr = cv2.imdecode(buffer, cv2.IMREAD_COLOR | _KEEP_DEPTH)
        return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    # OpenCV's message quotes its source code, which says nothing about the frame.
    except cv2.error:
        return None
