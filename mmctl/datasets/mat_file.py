"""Integer arrays from MATLAB files, version 5 or, as HDF5, version 7.3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_STARTS = (0, 512, 1024, 2048)
"""Where the signature of an HDF5 file may be; MATLAB puts a text of 512 bytes before it."""


def read_integer_array(path: Path, key: str) -> npt.NDArray[np.int64]:
    """Read one array of whole numbers.

    Args:
        path: A MATLAB file of version 5 or 7.3.
        key: Name of the array.

    Returns:
        The array as MATLAB shows it, as int64: unsigned types, as in the official MARS file, would
        wrap around when one is subtracted.

    Raises:
        ValueError: If the file is unreadable, lacks ``key``, or holds other than whole numbers, or
            if it is of version 7.3 and h5py is not installed.
    """
    content = _read_hdf5(path) if _is_hdf5(path) else _read_version_5(path)
    if key not in content:
        raise ValueError(f"{path} must hold the array {key!r}, it holds {sorted(content)}")
    array = content[key]
    place = f"{path}: {key!r} must hold whole numbers"
    if not isinstance(array, np.ndarray):
        raise ValueError(
            f"{place} in a full array, because a sparse one is a table of zeros with holes, got "
            f"{type(array).__name__} {array.shape}; save full({key}) in MATLAB"
        )
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{place}, got {array.dtype} {array.shape}")
    # NaN is equal to nothing, and infinity is its own floor.
    wrong = array[~((array == np.floor(array)) & (np.abs(array.astype(np.float64)) < 2.0**63))]
    if len(wrong):
        raise ValueError(
            f"{place}, got {array.dtype} {array.shape} with {wrong[0]}, which is none of 64 bits"
        )
    return array.astype(np.int64)


def read_query_numbers(path: Path, key: str, pids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Read which test tracklets are queries.

    Args:
        path: A MATLAB file.
        key: Name of the array: numbers of test tracklets, from 1, in one row or column.
        pids: Person ids of all test tracklets, (tracklets,).

    Returns:
        Positions of the queries among the test tracklets, from 0, in the order of the file.

    Raises:
        ValueError: If a number is out of range, there twice, or that of nobody's tracklet.
    """
    numbers = read_integer_array(path, key)
    if numbers.ndim != 2 or 1 not in numbers.shape:
        raise ValueError(f"{path}: {key!r} must be (1, queries), got {numbers.shape}")
    numbers = numbers.ravel()
    outside = numbers[(numbers < 1) | (numbers > len(pids))]
    if len(outside):
        raise ValueError(
            f"{path}: {key!r} counts the {len(pids)} test tracklets from 1, got {outside[0]}"
        )
    values, counts = np.unique(numbers, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"{path}: a tracklet is a query once, got {values[counts > 1][0]} twice")
    unknown = numbers[pids[numbers - 1] < 1]
    if len(unknown):
        raise ValueError(
            f"{path}: a query must be a person (pid 1 or more), but tracklet {unknown[0]} has pid "
            f"{pids[unknown[0] - 1]}"
        )
    return numbers - 1


def _read_version_5(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        content = loadmat(str(path))
    # scipy raises many types for a file that is of another version, or ends early.
    except Exception as error:
        raise ValueError(f"{path} is not a readable MATLAB 5 file: {error}") from error
    return {name: array for name, array in content.items() if not name.startswith("__")}


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_HDF5_STARTS[-1] + len(_HDF5))
    return any(start[place:].startswith(_HDF5) for place in _HDF5_STARTS)


def _read_hdf5(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        import h5py
    except ImportError as error:
        raise ValueError(
            f"{path} is a MATLAB 7.3 file, which is HDF5: to read it, install h5py "
            "(pip install h5py), or save the file in MATLAB with the option -v7"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            arrays = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
            # MATLAB counts along columns first, HDF5 along rows.
            return {name: np.asarray(item[()]).T for name, item in arrays.items()}
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} is not a readable HDF5 file: {error}") from error
