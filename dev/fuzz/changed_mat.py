"""MATLAB files: written in the ways that mean the same, and with elements that lie."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, pick

_CLASSES = {"f8": 6, "f4": 7, "i1": 8, "u1": 9, "i2": 10, "u2": 11, "i4": 12, "u4": 13} | {
    "i8": 14,
    "u8": 15,
}
_ELEMENTS = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 9} | {
    "i8": 12,
    "u8": 13,
}

Arrays = Mapping[str, NDArray[Any]]


def to_mat(rng: random.Random, arrays: Arrays, hdf5: bool = True) -> bytes:
    """Write arrays in one of the ways that mean the same.

    Args:
        rng: Where the way is drawn from.
        arrays: At least two dimensions each.
        hdf5: Whether version 7.3 is one of the ways.
    """
    ways = ["scipy", "own", "own", *(["hdf5"] if hdf5 else [])]
    way = rng.choice(ways)
    if way == "hdf5":
        return to_hdf5(rng, arrays)
    if way == "scipy":
        return saved(dict(arrays), compressed=rng.random() < 0.5)
    order, packed = rng.choice("<>"), rng.random() < 0.5
    elements = [matrix(name, array, order, shortest=True) for name, array in arrays.items()]
    return to_file([pack(e, order) if packed else e for e in elements], order)


def saved(values: dict[str, Any], *, compressed: bool = False) -> bytes:
    """Return what scipy writes, without the moment of writing: a case is the same at any time."""
    buffer = io.BytesIO()
    savemat(buffer, values, do_compression=compressed)
    header = buffer.getvalue()[:116].partition(b"Created on")[0]
    return header.ljust(116) + buffer.getvalue()[116:]


def to_hdf5(rng: random.Random, arrays: Arrays) -> bytes:
    """Write arrays as MATLAB 7.3 does."""
    buffer = io.BytesIO()
    block = rng.choice((0, 512))
    with h5py.File(buffer, "w", userblock_size=block) as file:
        for name, array in arrays.items():
            options = {"compression": "gzip", "fletcher32": True} if rng.random() < 0.5 else {}
            file.create_dataset(name, data=array.T, **options)
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    return buffer.getvalue()


def to_file(elements: list[bytes], order: str) -> bytes:
    """Put the header of version 5 before some elements."""
    head = b"MATLAB 5.0 MAT-file, by hand".ljust(124) + struct.pack(f"{order}H", 0x0100)
    return head + (b"IM" if order == "<" else b"MI") + b"".join(elements)


def element(order: str, kind: int, content: bytes) -> bytes:
    """Return an element of a type."""
    padding = b"" if kind == 15 else bytes(-len(content) % 8)
    return struct.pack(f"{order}II", kind, len(content)) + content + padding


def pack(content: bytes, order: str) -> bytes:
    """Return an element, compressed."""
    return element(order, 15, zlib.compress(content))


def matrix(
    name: str, array: NDArray[Any], order: str, *, shortest: bool = False, **lies: Any
) -> bytes:
    """Return the element of an array.

    Args:
        name: Its name.
        array: Its values.
        order: ``'<'`` or ``'>'``.
        shortest: Whether whole numbers are stored in the shortest type that holds them.
        lies: ``shape``, ``flags``, ``stored`` (a type's number) or ``values`` (bytes) instead of
            those of the array.
    """
    code = f"{array.dtype.kind}{array.dtype.itemsize}"
    kept = _shorten(array) if shortest else array
    short = f"{kept.dtype.kind}{kept.dtype.itemsize}"
    values = kept.ravel(order="F").astype(order + short).tobytes()
    shape = lies.get("shape", array.shape)
    parts = [
        element(order, 6, struct.pack(f"{order}II", lies.get("flags", _CLASSES[code]), 0)),
        element(order, 5, struct.pack(f"{order}{len(shape)}i", *shape)),
        element(order, 1, name.encode("latin-1")),
        element(order, lies.get("stored", _ELEMENTS[short]), lies.get("values", values)),
    ]
    return element(order, lies.get("kind", 14), b"".join(parts))


def _shorten(array: NDArray[Any]) -> NDArray[Any]:
    for code in ("u1", "i2", "u2", "i4"):
        with np.errstate(invalid="ignore"):
            kept = array.astype(code)
        if np.array_equal(kept, array):
            return kept
    return array


def _lying(rng: random.Random, name: str, array: NDArray[Any], order: str) -> bytes:
    size = array.size
    shapes = [(size + 1, 1), (-1, -size), (size,), (2**31 - 1,) * 2, (0, size), ()]
    lies: dict[str, Any] = rng.choice(
        [
            {"shape": rng.choice(shapes)},
            {"flags": rng.choice((0, 1, 2, 3, 4, 5, 16, 255))},
            {"flags": 0x0800 | 6},
            {"stored": rng.choice((0, 8, 14, 15, 16, 99))},
            {"values": bytes(rng.choice((1, 3, 7)))},
            {"kind": rng.choice((0, 1, 9, 16))},
        ]
    )
    return matrix(name, array, order, **lies)


def lying_mat(suffix: str, arrays_of: Any) -> list[Change]:
    """Return edits that put lying elements in the place of a MATLAB file.

    Args:
        suffix: Ending of the file's name.
        arrays_of: Returns the arrays that a file of this name may hold, all of which are needed.
    """

    def edit(write: Any) -> Any:
        def apply(rng: random.Random, files: Files) -> None:
            name = pick(rng, [name for name in sorted(files) if name.endswith(suffix)])
            arrays = {key: array for key, array in arrays_of(name).items() if array.size}
            if not arrays:
                raise DoesNotApplyError
            files[name] = write(rng, arrays, rng.choice("<>"))

        return apply

    def lie(rng: random.Random, arrays: Arrays, order: str) -> bytes:
        wrong = rng.choice(sorted(arrays))
        elements = [
            (_lying if name == wrong else _honest)(rng, name, array, order)
            for name, array in arrays.items()
        ]
        is_packed = rng.random() < 0.5
        return to_file([pack(e, order) if is_packed else e for e in elements], order)

    def twice(rng: random.Random, arrays: Arrays, order: str) -> bytes:
        name = rng.choice(sorted(arrays))
        elements = [_honest(rng, key, array, order) for key, array in arrays.items()]
        return to_file([*elements, _honest(rng, name, arrays[name] * 0, order)], order)

    def bomb(rng: random.Random, arrays: Arrays, order: str) -> bytes:
        head = struct.pack(f"{order}II", 14, rng.choice((2**31, 2**32 - 1, 10**8)))
        return to_file([element(order, 15, zlib.compress(head + bytes(10**6)))], order)

    def huge(rng: random.Random, arrays: Arrays, order: str) -> bytes:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            for name in arrays:
                file.create_dataset(name, (10**6, 10**6), chunks=True, dtype="f8")
        return buffer.getvalue()

    def other(rng: random.Random, arrays: Arrays, order: str) -> bytes:
        values = (["a", "b"], {"a": 1}, np.array([1j, 2]), np.array([{}, 1], object))
        return saved(dict.fromkeys(arrays, rng.choice(values)))

    def linked(rng: random.Random, arrays: Arrays, order: str) -> bytes:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            for name in arrays:
                file[name] = rng.choice((h5py.SoftLink("/x"), h5py.ExternalLink("x.h5", "/x")))
        return buffer.getvalue()

    edits = {
        "an array that lies": lie,
        "an array twice": twice,
        "a compressed array that never ends": bomb,
        "HDF5 that declares too much": huge,
        "arrays of something else than numbers": other,
        "HDF5 of links that lead nowhere": linked,
    }
    return [Change(name, Effect.REFUSED, edit(write)) for name, write in edits.items()]


def _honest(rng: random.Random, name: str, array: NDArray[Any], order: str) -> bytes:
    return matrix(name, array, order)
