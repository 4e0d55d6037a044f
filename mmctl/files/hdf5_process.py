"""Reads numeric arrays from an HDF5 file and writes them to its output: a program of its own.

``python hdf5_process.py FILE`` takes the wanted names from its input, JSON, null for all. It writes
a line with the names that it found, JSON, and then the arrays, as ``np.save`` writes them.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

REFUSED = 3
"""Exit status where the last line of the error output says why."""

RATIO = 1100
"""More than deflate can shrink anything to: what is declared larger than so is not there."""


def _holds_numbers(item: Any) -> bool:
    """Return whether an item of an HDF5 file is an array of numbers, to MATLAB as well."""
    kind = getattr(getattr(item, "dtype", None), "kind", "")
    return kind in ("i", "u", "f") and item.attrs.get("MATLAB_class") not in (b"char", b"cell")


def _read_array(name: str, item: Any, file_size: int) -> np.ndarray:
    if not _holds_numbers(item):
        found = getattr(item, "dtype", type(item).__name__)
        raise ValueError(
            f"{name!r} must be a full array of real numbers, got {found}; save full({name}) in "
            "MATLAB"
        )
    if not item.shape:  # MATLAB has no arrays of fewer than two dimensions
        raise ValueError(f"{name!r} must be an array, got a single value or none")
    if item.nbytes > RATIO * file_size:
        raise ValueError(f"{name!r} of {item.nbytes:,} bytes is declared in {file_size:,} bytes")
    # MATLAB counts along columns first, HDF5 along rows.
    return np.asarray(item[()]).T


def _read(path: str, names: list[str] | None) -> dict[str, np.ndarray]:
    import h5py

    with h5py.File(path, "r") as file:
        wanted = [name for name in file if names is None or name in names]
        return {
            name: _read_array(name, file[name], os.path.getsize(path))
            for name in wanted
            if names is not None or _holds_numbers(file[name])
        }


def _main() -> int:
    try:
        arrays = _read(sys.argv[1], json.load(sys.stdin))
    # h5py raises many types where bytes were changed.
    except Exception as error:
        print(str(error).partition("\n")[0] or type(error).__name__, file=sys.stderr)
        return REFUSED
    sys.stdout.buffer.write(f"{json.dumps(list(arrays))}\n".encode())
    for array in arrays.values():
        np.save(sys.stdout.buffer, array)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
