"""Integer arrays from MATLAB files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat


def read_integer_array(path: Path, key: str) -> npt.NDArray[np.int64]:
    """Read one array of whole numbers.

    Args:
        path: A MATLAB 5 file.
        key: Name of the array.

    Returns:
        The array as int64: unsigned types, as in the official MARS file, would wrap around when
        one is subtracted.

    Raises:
        ValueError: If the file is unreadable, lacks ``key``, or holds other than whole numbers.
    """
    try:
        content = loadmat(str(path))
    # scipy raises many types for a file that is of another version, or ends early.
    except Exception as error:
        raise ValueError(f"{path} is not a readable MATLAB 5 file: {error}") from error
    if key not in content:
        keys = sorted(name for name in content if not name.startswith("__"))
        raise ValueError(f"{path} must hold the array {key!r}, it holds {keys}")
    array = content[key]
    if array.dtype.kind not in "iuf" or not np.array_equal(array, np.floor(array)):
        raise ValueError(
            f"{path}: {key!r} must hold whole numbers, got {array.dtype} {array.shape}"
        )
    return array.astype(np.int64)
