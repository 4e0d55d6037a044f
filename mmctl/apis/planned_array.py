"""An array of keypoints or heatmaps that is to be made, and what its file must look like."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, header_path, read_header


@dataclass(frozen=True)
class PlannedArray:
    """An array that is to be made.

    Attributes:
        path: Where it goes.
        header: What it is.
        row_shape: Shape of a row.
        dtype: Type of its values.
    """

    path: Path
    header: ArrayHeader
    row_shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def num_bytes(self) -> int:
        """Size of the rows in bytes."""
        return self.header.num_frames * self.row_bytes

    @property
    def row_bytes(self) -> int:
        """Size of a row in bytes."""
        return int(np.prod(self.row_shape)) * self.dtype.itemsize

    def npy_header(self) -> bytes:
        """Return what stands before the rows in the ``.npy`` file."""
        content = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False}
        shape = (self.header.num_frames, *self.row_shape)
        buffer = io.BytesIO()
        np.lib.format.write_array_header_1_0(buffer, {**content, "shape": shape})
        return buffer.getvalue()

    def find_damage(self, path: Path) -> str | None:
        """Return what keeps a ``.npy`` file from holding all rows, None if nothing does.

        Args:
            path: The array, finished or not: rows of zeros are no damage.
        """
        if not path.is_file():
            return f"{path} must be there until it is moved to {self.path}, got no such file"
        beginning = self.npy_header()
        expected, size = len(beginning) + self.num_bytes, path.stat().st_size
        if size != expected:
            return (
                f"{path} must have {expected:,} bytes, room for {self.header.num_frames} frames, "
                f"got {size:,}"
            )
        with path.open("rb") as file:
            found = file.read(len(beginning))
        if found != beginning:
            return (
                f"{path} must begin as the .npy file of {self.header.num_frames} rows of "
                f"{self.dtype} {self.row_shape} does, got {found[:16]!r}..."
            )
        return None

    def is_complete(self) -> bool:
        """Return whether the array and its header are in their place already."""
        try:
            return self.find_damage(self.path) is None and read_header(self.path) == self.header
        except ValueError:
            return False

    def is_moved(self) -> bool:
        """Return whether the finished array is in its place, with its header or not yet."""
        # A header of another origin is removed before the array is moved.
        bare = not header_path(self.path).exists() and self.find_damage(self.path) is None
        return bare or self.is_complete()


@dataclass(frozen=True)
class WorkIdentity:
    """What unfinished arrays are to become.

    Attributes:
        rows_per_block: Rows that are written together.
        arrays: The header of each kind.
    """

    rows_per_block: int
    arrays: dict[str, ArrayHeader]

    def flatten(self) -> dict[str, Any]:
        """Return ``{'kind.key': value}``."""
        flat: dict[str, Any] = {"rows_per_block": self.rows_per_block}
        for kind, header in self.arrays.items():
            flat |= {f"{kind}.{key}": value for key, value in vars(header).items()}
        return flat
