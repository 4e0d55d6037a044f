"""Size and depth of a picture, read from the head of a JPEG or PNG file without decoding it."""

from __future__ import annotations

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
# Start-of-frame markers of JPEG; C4, C8 and CC between them mean other things (ITU T.81, B.1).
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MOST_BITS = 8
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def has_known_header(content: bytes) -> bool:
    """Return whether a file starts like a JPEG or a PNG whose size is what its header says.

    EXIF may turn a picture on its side as it is decoded.
    """
    turns = b"Exif\0\0" in content or b"eXIf" in content
    return content.startswith((_JPEG, _PNG)) and not turns


def read_frame_size(content: bytes) -> tuple[int, int]:
    """Read the size of a picture.

    Args:
        content: The file's bytes, at least its head.

    Returns:
        Height and width in pixels.

    Raises:
        ValueError: If the head is damaged or of neither kind, or there are more than 8 bits for a
            channel.
    """
    if content.startswith(_PNG):
        height, width = _to_number(content[20:24]), _to_number(content[16:20])
        if content[12:16] != b"IHDR" or len(content) < 25:
            raise ValueError("its PNG header is damaged")
        bits = content[24]
    elif content.startswith(_JPEG):
        height, width, bits = _read_jpeg_size(content)
    else:
        raise ValueError(f"it is neither JPEG nor PNG, its first bytes are {content[:4]!r}")
    if height == 0 or width == 0:
        raise ValueError(f"its header says {height}x{width} pixels")
    if bits > _MOST_BITS:
        raise ValueError(f"it must have 8 bits per channel, its header says {bits}; convert it")
    return height, width


def _read_jpeg_size(content: bytes) -> tuple[int, int, int]:
    """Return height, width and bits, walking from segment to segment to the start of the frame."""
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker in _FRAME_MARKERS:
            size = content[position + 5 : position + 9]
            return _to_number(size[:2]), _to_number(size[2:]), content[position + 4]
        if marker == 0xFF:  # fill bytes may precede a marker
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        else:
            position += 2 + _to_number(content[position + 2 : position + 4])
    raise ValueError("its JPEG header is damaged: it has no start of frame")


def _to_number(digits: bytes) -> int:
    return int.from_bytes(digits, "big")
