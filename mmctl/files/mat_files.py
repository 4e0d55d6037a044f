"""Numeric arrays from MATLAB files, version 5 or, as HDF5, version 7.3.

SciPy's reader crashes the process on damaged files of a few hundred bytes, reads all arrays where
one is wanted, and believes what a header declares. This one reads full arrays of numbers alone;
HDF5, whose library crashes as well, is read in a process of its own.
"""

from __future__ import annotations

import importlib.util
import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmctl.files import hdf5_process
from mmctl.files.regular_files import check_regular, read_bytes

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_STARTS = (0, 512, 1024, 2048)
"""Where the signature of an HDF5 file may be; MATLAB puts a text of 512 bytes before it."""

_HDF5_SECONDS = 600
_LONGEST_REASON = 500

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_ELEMENTS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"} | {
    12: "i8",
    13: "u8",
}
"""Types of stored values; MATLAB stores whole numbers of any array in the shortest that holds
them."""

_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4"} | {
    14: "i8",
    15: "u8",
}
_OTHER_CLASSES = {1: "a cell array", 2: "a struct", 3: "an object", 4: "text", 5: "a sparse array"}
_COMPLEX = 0x0800

_RATIO = hdf5_process.RATIO


class _Element(NamedTuple):
    kind: int
    content: memoryview


def read_mat(
    path: str | Path, what: str, names: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Read full arrays of real numbers.

    Args:
        path: A MATLAB file of version 5 or 7.3.
        what: What it is, for the message, as ``'feature file'``.
        names: Which arrays; those that are not there are left out, and nothing else is looked at.
            None: all that are full and real.

    Returns:
        The arrays by name, with the shape that MATLAB shows.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If the file is of another version or damaged, if a wanted array is not full and
            real, or if the file is of version 7.3 and h5py is not installed.
    """
    with check_regular(path, what).open("rb") as file:
        start = file.read(_HDF5_STARTS[-1] + len(_HDF5))
    place = f"{what} {path}"
    if any(start[begin:].startswith(_HDF5) for begin in _HDF5_STARTS):
        return _read_hdf5(Path(path), place, names)
    try:
        return _read_version_5(read_bytes(path, what), names)
    except (ValueError, zlib.error) as error:
        reason = str(error)[:_LONGEST_REASON]
        raise ValueError(f"{place} is not a readable MATLAB 5 file: {reason}") from error


def _read_version_5(content: bytes, names: Collection[str] | None) -> dict[str, NDArray[Any]]:
    order = {b"IM": "<", b"MI": ">"}.get(content[126:_HEADER], "")
    version = struct.unpack(f"{order or '<'}H", content[124:126])[0] if order else None
    if version != 0x0100:
        raise ValueError(
            f"its header must say version 0x0100, got {content[:20]!r}; save it with the option -v7"
        )
    arrays: dict[str, NDArray[Any]] = {}
    for element in _elements(memoryview(content)[_HEADER:], order):
        if element.kind == _COMPRESSED:
            element = _unpack(element.content, order, names)
        if element.kind != _MATRIX:
            raise ValueError(f"every element must be an array (type 14), got type {element.kind}")
        name, array = _read_matrix(element.content, order, names)
        if name in arrays:
            raise ValueError(f"it has the array {name[:80]!r} twice")
        if array is not None:
            arrays[name] = array
    return arrays


def _elements(content: memoryview, order: str) -> Iterator[_Element]:
    while content:
        element, content = _split(content, order)
        yield element


def _split(content: memoryview, order: str) -> tuple[_Element, memoryview]:
    """Return the first element of some bytes, and the bytes after it."""
    if len(content) < 8:
        raise ValueError("it ends in the midst of an element")
    kind, size = struct.unpack(f"{order}II", content[:8])
    if kind >> 16:  # up to four bytes that stand within the tag
        kind, size, begin, end = kind & 0xFFFF, kind >> 16, 4, 8
    else:
        # Arrays are followed by zeros up to the next multiple of 8, compressed ones are not.
        begin, end = 8, 8 + size if kind == _COMPRESSED else 8 + -(-size // 8) * 8
    if size > len(content) - begin or (end == 8 and begin == 4 and size > 4):
        raise ValueError(f"an element of {size:,} bytes stands in {len(content) - begin:,}")
    return _Element(kind, content[begin : begin + size]), content[end:]


def _unpack(packed: memoryview, order: str, names: Collection[str] | None) -> _Element:
    """Return the one element that was compressed; of an array that is not wanted its beginning."""
    decompressor = zlib.decompressobj()
    start = decompressor.decompress(packed, 4096)
    if len(start) < 8:
        raise ValueError("it ends in the midst of an element")
    kind, size = struct.unpack(f"{order}II", start[:8])
    if size > _RATIO * len(packed):
        raise ValueError(f"an array of {size:,} bytes is declared in {len(packed):,} packed ones")
    if names is not None and kind == _MATRIX:
        name, _ = _read_matrix(memoryview(start)[8:], order, ())
        if name not in names:
            return _Element(kind, memoryview(start)[8:])
    content = start + decompressor.decompress(decompressor.unconsumed_tail, size + 9)
    if not decompressor.eof or decompressor.unused_data or len(content) != 8 + size:
        raise ValueError(f"a packed array must have {size:,} bytes, got {len(content) - 8:,}")
    return _Element(kind, memoryview(content)[8:])


def _read_matrix(
    content: memoryview, order: str, names: Collection[str] | None
) -> tuple[str, NDArray[Any] | None]:
    """Return the name of an array and, if it is wanted, its values."""
    flags, content = _split(content, order)
    dimensions, content = _split(content, order)
    label, content = _split(content, order)
    if (flags.kind, dimensions.kind, label.kind) != (6, 5, 1) or len(flags.content) != 8:
        raise ValueError("an array must begin with its flags, dimensions and name")
    name = bytes(label.content).decode("latin-1")
    if names is not None and name not in names:
        return name, None
    word = struct.unpack(f"{order}I", flags.content[:4])[0]
    shape = np.frombuffer(dimensions.content, f"{order}i4").tolist()
    kind = _CLASSES.get(word & 0xFF)
    if kind is None or word & _COMPLEX:
        if names is None:
            return name, None
        found = "complex numbers" if kind else _OTHER_CLASSES.get(word & 0xFF, "an unknown class")
        raise ValueError(
            f"{name!r} must be a full array of real numbers, got {found} {tuple(shape)}; save "
            f"full({name}) in MATLAB"
        )
    values, rest = _split(content, order)
    if values.kind not in _ELEMENTS or rest:
        raise ValueError(f"{name!r} must hold one block of numbers, got type {values.kind}")
    stored = np.frombuffer(values.content, order + _ELEMENTS[values.kind])
    count = 1
    for length in shape:
        count *= length
    if len(shape) < 2 or min(shape) < 0 or count != len(stored):
        raise ValueError(f"{name!r} must have as many numbers as {tuple(shape)}, got {len(stored)}")
    array = stored.astype(kind)
    if not np.array_equal(array, stored, equal_nan=stored.dtype.kind == "f"):
        raise ValueError(f"{name!r} has numbers that do not fit into its own type {array.dtype}")
    return name, array.reshape(shape, order="F")


def _read_hdf5(path: Path, place: str, names: Collection[str] | None) -> dict[str, NDArray[Any]]:
    if importlib.util.find_spec("h5py") is None:
        raise ValueError(
            f"{place} is a MATLAB 7.3 file, which is HDF5: to read it, install h5py "
            "(pip install h5py), or save the file in MATLAB with the option -v7"
        )
    # A few hundred changed bytes in a file are enough for the library to crash, or to never end.
    command = [sys.executable, str(Path(hdf5_process.__file__)), str(path)]
    wanted = json.dumps(None if names is None else sorted(names)).encode()
    try:
        done = subprocess.run(
            command, input=wanted, capture_output=True, check=False, timeout=_HDF5_SECONDS
        )
        is_whole, reason = done.returncode == 0, _describe_end(done)
    except subprocess.TimeoutExpired:
        is_whole, reason = False, f"reading it did not end within {_HDF5_SECONDS} s"
    if not is_whole:
        raise ValueError(f"{place} is not a readable HDF5 file: {reason}")
    stream = io.BytesIO(done.stdout)
    found = json.loads(stream.readline())
    return {name: np.load(stream, allow_pickle=False) for name in found}


def _describe_end(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode == hdf5_process.REFUSED:
        return done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:_LONGEST_REASON]
    return f"the process that read it ended with status {done.returncode}"
