"""An array of keypoints or heatmaps that is to be made, and what its file must look like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, read_header
from mmctl.files import map_npy


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
    def row_bytes(self) -> int:
        """Size of a row in bytes."""
        return int(np.prod(self.row_shape)) * self.dtype.itemsize

    def reads_as(self, path: Path, num_rows: int) -> bool:
        """Return whether a file is whole and holds so many rows of this array.

        Args:
            path: The ``.npy`` file; its values are not looked at.
            num_rows: How many rows it must have.
        """
        try:
            found = map_npy(path, "array")
        except (FileNotFoundError, ValueError):
            return False
        return found.shape == (num_rows, *self.row_shape) and found.dtype == self.dtype

    def is_complete(self) -> bool:
        """Return whether the array and its header are in their place already."""
        try:
            header = read_header(self.path)
        except ValueError:
            return False
        return header == self.header and self.reads_as(self.path, self.header.num_frames)


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
