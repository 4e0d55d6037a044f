"""A matrix of which only the entries that are not zero are kept, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SparseRows:
    """Sparse rows; columns ascend within a row.

    Attributes:
        starts: First entry of each row and, at the end, the number of entries, (n + 1,).
        columns: Column of each entry.
        values: Value of each entry.
    """

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @classmethod
    def join(cls, parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> SparseRows:
        """Build from (entries per row, columns, values) of consecutive rows."""
        lengths, columns, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return cls(np.concatenate([[0], lengths.cumsum()]), columns, values)

    def entries(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the places of all entries of some rows, one row after the other, and their counts.

        Args:
            rows: (n,), in any order, with repetitions.
        """
        counts = self.starts[rows + 1] - self.starts[rows]
        offsets = np.repeat(self.starts[rows] - counts.cumsum() + counts, counts)
        return offsets + np.arange(len(offsets)), counts

    def select(self, start: int, stop: int) -> SparseRows:
        """Return a range of rows."""
        first, last = self.starts[start], self.starts[stop]
        starts = self.starts[start : stop + 1] - first
        return SparseRows(starts, self.columns[first:last], self.values[first:last])

    def transpose(self, num_columns: int) -> SparseRows:
        """Return the columns as rows: for each of them the rows that have an entry in it."""
        owners = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        order = np.argsort(self.columns, kind="stable")
        starts = np.searchsorted(self.columns[order], np.arange(num_columns + 1))
        return SparseRows(starts, owners[order], self.values[order])
