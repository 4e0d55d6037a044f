"""NumPy's files, without pickles and without trust in what a header declares."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mmctl.files.regular_files import check_regular

_LONGEST_REASON = 500
_ENCRYPTED = 0x1  # the flag in a zip's list of files


def map_npy(path: str | Path, what: str) -> NDArray[Any]:
    """Map an array without reading it.

    Args:
        path: The ``.npy`` file.
        what: What it is, for the message, as ``'keypoint file'``.

    Returns:
        The read-only memory map; an empty array where there are no values to map.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is no ``.npy`` file of numbers or text, or has more or fewer bytes than
            its header declares.
    """
    with check_regular(path, what).open("rb") as file:
        shape, fortran, dtype = _read_header(file, Path(path).stat().st_size, f"{what} {path}")
        offset = file.tell()
    if 0 in shape:
        return np.empty(shape, dtype)
    order = "F" if fortran else "C"
    return np.memmap(path, dtype, "r", offset, shape, order)  # type: ignore[call-overload]


def read_npz(
    path: str | Path, what: str, names: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Read the arrays of an archive.

    Args:
        path: The ``.npz`` file.
        what: What it is, for the message, as ``'feature file'``.
        names: Which arrays; those that are not there are left out. None: all.

    Returns:
        The arrays by name.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is no such archive, is damaged, has a name twice, or an array is of
            pickled objects or has more or fewer bytes than its header declares.
    """
    check_regular(path, what)
    place, arrays = f"{what} {path}", {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in arrays:
                    raise ValueError(f"it has the array {name[:80]!r} twice")
                # Opened in any case: only this compares the name with the one at the array itself.
                with _open_member(archive, info) as file:
                    if names is None or name in names:
                        arrays[name] = _read_member(file, info)
    # zipfile raises many types where bytes were changed, a MemoryError among them.
    except Exception as error:
        reason = str(error).partition("\n")[0][:_LONGEST_REASON] or type(error).__name__
        raise ValueError(f"{place} is not a whole .npz archive of arrays: {reason}") from error
    return arrays


def _open_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"its array {info.filename[:80]!r} is encrypted")
    return archive.open(info)


def _read_member(file: IO[bytes], info: zipfile.ZipInfo) -> NDArray[Any]:
    place = f"its array {info.filename[:80]!r}"
    shape, fortran, dtype = _read_header(file, info.file_size, place)
    content = file.read()
    if file.read(1) or len(content) != _num_bytes(shape, dtype):
        raise ValueError(f"{place} ends early")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _read_header(
    file: IO[bytes], size: int, place: str
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether columns come first, and type of a ``.npy`` file of ``size`` bytes."""
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version} is unknown")
        shape, fortran, dtype = read(file)
    # The header is the text of a Python dict, and its parser raises many types.
    except Exception as error:
        reason = str(error).partition("\n")[0][:_LONGEST_REASON] or type(error).__name__
        raise ValueError(f"{place} is not a whole .npy array: {reason}") from error
    if dtype.hasobject or dtype.names or dtype.subdtype or dtype.itemsize == 0:
        raise ValueError(f"{place} must hold numbers or text, got {str(dtype)[:80]}")
    if any(type(length) is not int or length < 0 for length in shape):
        raise ValueError(f"{place} must have lengths of 0 or more, got {str(shape)[:80]}")
    declared = file.tell() + _num_bytes(shape, dtype)
    if declared != size:
        raise ValueError(
            f"{place} must have the {declared:,} bytes that its header declares ({dtype} "
            f"{str(shape)[:80]}), got {size:,}"
        )
    return shape, fortran, dtype


def _num_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    count = dtype.itemsize
    for length in shape:
        count *= length
    return count
