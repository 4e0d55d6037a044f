"""Segments of a video, joined into one MP4 file without encoding anything again.

Each segment is an MP4 file as OpenCV writes it: one track, all samples one after the other, the
index behind them. Of files with the same encoder settings the samples go together, and the index is
made anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

_PARENTS = (b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl")
_COPY_BYTES = 1 << 20

_DURATIONS = {b"mvhd": 16, b"tkhd": 20, b"mdhd": 16, b"elst": 8}
"""Boxes that say how long something lasts, and at which of their bytes."""

_TIMESCALE = 12
"""The byte of ``mvhd`` and ``mdhd`` at which the units per second stand."""


@dataclass(frozen=True, eq=False)
class Mp4Segment:
    """What an MP4 file of one track says.

    Attributes:
        path: The file.
        start: Its byte at which the samples begin.
        sizes: Bytes of each sample, (n,) int64.
        keys: Numbers of the samples that need no other one, from 1.
        index: The payload of ``moov``.
    """

    path: Path
    start: int
    sizes: NDArray[np.int64]
    keys: NDArray[np.int64]
    index: bytes


def read_segment(path: Path) -> Mp4Segment:
    """Read the index of a segment.

    Raises:
        ValueError: If the file is cut off, or not as OpenCV writes it.
    """
    try:
        found = _find_top(path)
        tables = dict(_walk(found[b"moov"][1]))
        start, length = found[b"mdat"][0], found[b"mdat"][2]
        count = _number(tables[b"stsz"], 8)
        sizes = np.frombuffer(tables[b"stsz"], ">u4", count, 12).astype(np.int64)
        keys = np.frombuffer(tables[b"stss"], ">u4", offset=8).astype(np.int64)
        if _number(tables[b"stts"], 4) != 1 or sizes.sum() != length:
            raise ValueError("its samples do not fill it")
    except (KeyError, struct.error, ValueError) as error:
        raise ValueError(
            f"segment {path} must be a whole MP4 file of one track: {error}"
        ) from error
    return Mp4Segment(path, start, sizes, keys, found[b"moov"][1])


def join_segments(segments: Sequence[Mp4Segment], target: IO[bytes]) -> None:
    """Write an MP4 file with the samples of all segments.

    Args:
        segments: The segments in their order, all with as long samples.
        target: Where to write.
    """
    head = b"isom" + struct.pack(">I", 512) + b"isomiso2mp41"
    target.write(_box(b"ftyp", head))
    total = sum(int(segment.sizes.sum()) for segment in segments)
    # A length of 1 says that the true one follows, in as many bytes as large files need.
    target.write(struct.pack(">I4sQ", 1, b"mdat", 16 + total))
    start = 8 + len(head) + 16
    for segment in segments:
        with segment.path.open("rb") as file:
            file.seek(segment.start)
            left = int(segment.sizes.sum())
            while left:
                content = file.read(min(left, _COPY_BYTES))
                assert content
                target.write(content)
                left -= len(content)
    target.write(_box(b"moov", _rebuild(segments[0].index, _describe(segments, start))))


def _find_top(path: Path) -> dict[bytes, tuple[int, bytes, int]]:
    """Return the start, the payload of ``moov`` and the length of each box of a file."""
    found, size = {}, path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at < size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            head = 8
            if length == 1:
                (length,) = struct.unpack(">Q", file.read(8))
                head = 16
            if length < head or at + length > size:
                raise ValueError("it is cut off")
            content = file.read(length - head) if kind == b"moov" else b""
            found[kind] = (at + head, content, length - head)
            at += length
    return found


def _walk(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and payload of every box, those within others after these."""
    for kind, payload in _split(content):
        yield kind, payload
        if kind in _PARENTS:
            yield from _walk(payload)


def _split(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        if not 8 <= length <= len(content) - at:
            raise ValueError("its index is cut off")
        yield kind, content[at + 8 : at + length]
        at += length


def _describe(segments: Sequence[Mp4Segment], start: int) -> dict[bytes, bytes]:
    """Return the tables of all samples, by the kind of their box; a segment is a chunk."""
    counts = [len(segment.sizes) for segment in segments]
    before = np.cumsum([0, *counts])
    sizes = np.concatenate([segment.sizes for segment in segments]).astype(">u4")
    keys = [segment.keys + first for segment, first in zip(segments, before, strict=False)]
    key_table = np.concatenate(keys).astype(">u4")
    chunks = np.array([(i, count, 1) for i, count in enumerate(counts, 1)], ">u4")
    offsets = start + np.cumsum([0, *(segment.sizes.sum() for segment in segments[:-1])])
    first = dict(_walk(segments[0].index))
    delta = _number(first[b"stts"], 12)
    return {
        b"stts": struct.pack(">IIII", 0, 1, len(sizes), delta),
        b"stss": struct.pack(">II", 0, len(key_table)) + key_table.tobytes(),
        b"stsc": struct.pack(">II", 0, len(chunks)) + chunks.tobytes(),
        b"stsz": struct.pack(">III", 0, 0, len(sizes)) + sizes.tobytes(),
        b"stco": struct.pack(">II", 0, len(offsets)) + offsets.astype(">u8").tobytes(),
    }


def _rebuild(content: bytes, tables: dict[bytes, bytes]) -> bytes:
    """Return the payload of an index with other tables, and with the durations that follow."""
    _, number, delta = struct.unpack_from(">III", tables[b"stts"], 4)
    boxes = dict(_walk(content))
    units = _number(boxes[b"mdhd"], _TIMESCALE)
    seconds = number * delta / units
    scales = {kind: _number(boxes[b"mvhd"], _TIMESCALE) for kind in _DURATIONS}
    scales[b"mdhd"] = units
    return _rebuild_boxes(content, tables, {k: round(seconds * v) for k, v in scales.items()})


def _rebuild_boxes(
    content: bytes, tables: dict[bytes, bytes], durations: dict[bytes, int]
) -> bytes:
    parts = []
    for kind, payload in _split(content):
        if kind in _PARENTS:
            payload = _rebuild_boxes(payload, tables, durations)
        elif kind in durations:
            at = _DURATIONS[kind]
            said = struct.pack(">I", durations[kind])
            payload = payload[:at] + said + payload[at + 4 :]
        payload = tables.get(kind, payload)
        # Offsets of files above four gigabytes need eight bytes.
        parts.append(_box(b"co64" if kind == b"stco" else kind, payload))
    return b"".join(parts)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def _number(payload: bytes, at: int) -> int:
    (number,) = struct.unpack_from(">I", payload, at)
    return int(number)
