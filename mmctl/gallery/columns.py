"""What searches filter by, as arrays, and which tracklets a filter lets through."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmctl.gallery.hits import (
    EXPIRED,
    OTHER_CAMERA,
    OTHER_ID,
    TOO_EARLY,
    TOO_LATE,
    UNKNOWN_CAMERA,
    UNKNOWN_TIME,
)

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

UNKNOWN = -(2**63)
"""Stands in a column where the database has NULL."""


@dataclass(frozen=True)
class Columns:
    """One entry for each tracklet, by rising row of the database.

    Attributes:
        rows: Rows of the database, (N,).
        cameras: Cameras, (N,).
        starts: When each began, microseconds since 1970, (N,).
        ends: When each ended, (N,).
        expires: When each goes, (N,).
    """

    rows: Integers
    cameras: Integers
    starts: Integers
    ends: Integers
    expires: Integers

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: int) -> int | None:
        """Return the place of a row of the database; None if it is not there."""
        found = int(np.searchsorted(self.rows, row))
        return found if found < len(self) and self.rows[found] == row else None


@dataclass(frozen=True)
class Filter:
    """Which tracklets may be found.

    Attributes:
        cameras: Cameras that count; None: all, also unknown ones.
        after: A tracklet must end then or later, microseconds since 1970; None: any time.
        before: It must begin then or earlier.
        rows: Rows of the database that count; None: all.
    """

    cameras: Collection[int] | None = None
    after: int | None = None
    before: int | None = None
    rows: Collection[int] | None = None

    def select(self, columns: Columns, moment: int) -> tuple[Mask, dict[str, int]]:
        """Return which tracklets pass, (N,), and how many do not, by the first reason.

        Args:
            columns: The tracklets.
            moment: The present; what has expired before is not found.
        """
        passes, excluded = np.ones(len(columns), dtype=bool), {}
        for reason, fails in self._reasons(columns, moment):
            number = int(np.count_nonzero(passes & fails))
            if number:
                excluded[reason] = number
                passes &= ~fails
        return passes, excluded

    def _reasons(self, columns: Columns, moment: int) -> list[tuple[str, Mask]]:
        found = [(EXPIRED, (columns.expires != UNKNOWN) & (columns.expires <= moment))]
        if self.rows is not None:
            found.append((OTHER_ID, ~_are_in(columns.rows, self.rows)))
        if self.cameras is not None:
            found.append((UNKNOWN_CAMERA, columns.cameras == UNKNOWN))
            found.append((OTHER_CAMERA, ~_are_in(columns.cameras, self.cameras)))
        if self.after is not None or self.before is not None:
            found.append((UNKNOWN_TIME, (columns.starts == UNKNOWN) | (columns.ends == UNKNOWN)))
        if self.after is not None:
            found.append((TOO_EARLY, columns.ends < self.after))
        if self.before is not None:
            found.append((TOO_LATE, columns.starts > self.before))
        return found


def _are_in(values: Integers, wanted: Collection[int]) -> Mask:
    return np.isin(values, np.fromiter(wanted, np.int64, len(wanted)))
