"""Whole numbers from the MATLAB files of published data sets."""

from __future__ import annotations

import reprlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmctl.files import read_mat


def read_integer_array(path: Path, key: str) -> npt.NDArray[np.int64]:
    """Read one array of whole numbers.

    Args:
        path: A MATLAB file of version 5 or 7.3.
        key: Name of the array.

    Returns:
        The array as MATLAB shows it, as int64: unsigned types, as in the official MARS file, would
        wrap around when one is subtracted.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If the file is unreadable, lacks ``key``, or holds other than whole numbers, or
            if it is of version 7.3 and h5py is not installed.
    """
    found = read_mat(path, "MATLAB file", (key,))
    if key not in found:
        there = reprlib.repr(sorted(read_mat(path, "MATLAB file")))
        raise ValueError(f"{path} must hold the array {key!r}, it holds {there}")
    array = found[key]
    # NaN is equal to nothing, and infinity is its own floor.
    wrong = array[~((array == np.floor(array)) & (np.abs(array.astype(np.float64)) < 2.0**63))]
    if len(wrong):
        raise ValueError(
            f"{path}: {key!r} must hold whole numbers, got {array.dtype} {array.shape} with "
            f"{wrong[0]}, which is none of 64 bits"
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
