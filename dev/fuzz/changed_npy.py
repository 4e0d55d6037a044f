"""NumPy's files with headers that lie, and zip archives that are not what they seem."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from dev.fuzz.case import Change, Effect, Files, pick


def to_npy(rng: random.Random, array: NDArray[Any]) -> bytes:
    """Write an array in one of the ways that mean the same."""
    buffer = io.BytesIO()
    order = np.asarray(array, order="F" if rng.random() < 0.2 else "C")  # of any shape, () too
    npy.write_array(buffer, order, version=rng.choice(((1, 0), (1, 0), (2, 0))))
    return buffer.getvalue()


def to_npz(rng: random.Random, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write an archive in one of the ways that mean the same."""
    buffer, names = io.BytesIO(), rng.sample(sorted(arrays), len(arrays))
    way = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(buffer, "w", way) as archive:
        for name in names:
            archive.writestr(f"{name}.npy", to_npy(rng, arrays[name]))
    return buffer.getvalue()


def with_header(text: str, values: bytes, version: tuple[int, int] = (1, 0)) -> bytes:
    """Return a file with any text as its header."""
    header = text.encode("latin-1", "replace") + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + size + header + values


def lying_header(rng: random.Random, array: NDArray[Any]) -> bytes:
    """Return a file whose header does not say what its values are."""
    values, shape = array.tobytes(), list(array.shape)
    longer, other = [shape[0] + 1, *shape[1:]], [shape[0] * 10**12, *shape[1:]]
    shapes = (longer, other, [-1, *shape[1:]], [2**63, *shape[1:]], [*shape, 2], [True, *shape[1:]])
    descriptions = ("|O", "<f16", "|V4", "<M8[s]", "", "f4,f4", "(" * 300, "|S0", "<c8")
    entry = "{{'descr': {!r}, 'fortran_order': {!r}, 'shape': {!r}}}"
    descr, fortran, told = array.dtype.str, False, tuple(shape)
    choice = rng.randrange(5)
    if choice == 0:
        told = tuple(rng.choice(shapes))
    elif choice == 1:
        descr = rng.choice(descriptions)
    text = entry.format(descr, fortran, told)
    if choice == 2:
        odd = ("{", "", "()", "1/0", "(" * 900, "__import__('os')", "{}", text + "}", "{'descr': 1")
        text = rng.choice(odd)
    if choice == 3:
        values = rng.choice((values[:-1], values + b"\x00", b""))
    version = rng.choice(((4, 0), (9, 9), (0, 0))) if choice == 4 else (1, 0)
    return with_header(text, values, version)


def lying_npy(suffix: str) -> Change:
    """Return the edit that lies in the header of an array's file."""

    def apply(rng: random.Random, files: Files) -> None:
        name = pick(rng, [name for name in sorted(files) if name.endswith(suffix)])
        files[name] = lying_header(rng, np.load(io.BytesIO(files[name])))

    return Change("a header that lies", Effect.REFUSED, apply)


def lying_npz(suffix: str, needed: tuple[str, ...]) -> list[Change]:
    """Return edits of archives after which they must be refused.

    Args:
        suffix: Ending of the file's name.
        needed: Names of arrays that its reader needs, where they are there.
    """

    def members(content: bytes) -> dict[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def write(pairs: list[tuple[str, bytes]]) -> bytes:
        buffer = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
            warnings.simplefilter("ignore")  # of a name twice
            for name, content in pairs:
                archive.writestr(name, content)
        return buffer.getvalue()

    def change(rng: random.Random, content: bytes) -> bytes:
        found = members(content)
        name = pick(rng, [f"{n}.npy" for n in needed if f"{n}.npy" in found])
        array = np.load(io.BytesIO(found[name]))
        way = rng.randrange(4)
        if way == 0:
            return write([*found.items(), (name, found[name])])
        if way == 1:
            return write([(n, c) for n, c in found.items() if n != name])
        lie = lying_header(rng, array) if way == 2 else rng.choice((b"", b"\x93NUMPY", b"abc"))
        return write([*({**found, name: lie}).items()])

    def encrypt(rng: random.Random, content: bytes) -> bytes:
        changed = bytearray(content)
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = changed.find(mark)
            while at >= 0:
                changed[at + offset] |= 1
                at = changed.find(mark, at + 4)
        return bytes(changed)

    def pickled(rng: random.Random, content: bytes) -> bytes:
        found, buffer = members(content), io.BytesIO()
        name = pick(rng, [f"{n}.npy" for n in needed if f"{n}.npy" in found])
        np.save(buffer, np.array([{}, 1], object))
        return write([*({**found, name: buffer.getvalue()}).items()])

    def edit(function: Any) -> Any:
        def apply(rng: random.Random, files: Files) -> None:
            name = pick(rng, [name for name in sorted(files) if name.endswith(suffix)])
            files[name] = function(rng, files[name])

        return apply

    edits = {"an array that lies": change, "encrypted": encrypt, "pickled objects": pickled}
    return [Change(name, Effect.REFUSED, edit(function)) for name, function in edits.items()]
