"""The rows of a gallery in SQLite: the source of truth, to which every index can be rebuilt."""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.files import shorten
from mmctl.gallery import schema
from mmctl.gallery.columns import UNKNOWN, Columns, Integers
from mmctl.gallery.hits import StoredTracklet
from mmctl.gallery.records import TrackletRecord
from mmctl.gallery.rows import COLUMN_NAMES, to_row, to_tracklet
from mmctl.gallery.settings import GallerySettings, read_settings

BLOCK_BYTES = 1 << 24
"""About how much of the features is in memory at a time."""

_FIELDS = ", ".join(COLUMN_NAMES)
_MARKS = ", ".join("?" * len(COLUMN_NAMES))
_MOST_VARIABLES = 500

Features = npt.NDArray[Any]


class Store:
    """An open database of a gallery.

    Args:
        path: The database.
        connection: Its connection.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.connection = path, connection
        self._place, self._file = path.absolute(), path.stat()
        self.lock = threading.RLock()
        self._columns: tuple[int, Columns] | None = None
        with self.reading():
            self.settings: GallerySettings = read_settings(connection, path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See one state of the database, whatever other processes write meanwhile.

        Raises:
            FileNotFoundError: If the open database is no longer the gallery's.
        """
        with self.lock, schema.plain_errors(self.path):
            if self.connection.in_transaction:
                yield self.connection
                return
            self._check_place()
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            finally:
                self.connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing, alone; what is done when this ends outlasts a power cut.

        Raises:
            FileNotFoundError: If the open database is no longer the gallery's; nothing is written.
        """
        with self.lock, schema.plain_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self._check_place()
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the database."""
        with self.lock, schema.plain_errors(self.path):
            self.connection.close()

    def _check_place(self) -> None:
        # SQLite goes on with the file that it has opened: what it acknowledges would be lost, and
        # what it deletes would still be in the other one.
        with suppress(FileNotFoundError):
            if os.path.samestat(self._place.stat(), self._file):
                return
        raise FileNotFoundError(
            f"gallery {self.path.parent} was deleted, moved or replaced while it was open, so that "
            "nothing is read from it or written to it any more: open it again"
        )

    def counter(self, name: str) -> int:
        """Return a counter: ``'changes'`` of anything, ``'features'`` of the features alone."""
        query = "SELECT value FROM settings WHERE name = ?"
        with self.reading() as connection:
            found = connection.execute(query, (name,)).fetchone()
        if found is None or type(found[0]) is not int:
            raise ValueError(f"gallery {self.path} is damaged: its counter {name!r} is no number")
        return found[0]

    def count(self, *names: str) -> None:
        """Raise counters, within a transaction: other processes see that they have to look."""
        for name in ("changes", *names):
            update = "UPDATE settings SET value = value + 1 WHERE name = ?"
            self.connection.execute(update, (name,))

    def set_flag(self, name: str, value: int) -> None:
        """Set a flag, within a transaction."""
        self.connection.execute("UPDATE settings SET value = ? WHERE name = ?", (value, name))

    def insert(
        self, record: TrackletRecord, moment: int, expires: int | None, kept: tuple[Any, str] | None
    ) -> None:
        """Add a tracklet, within a transaction.

        Args:
            record: The tracklet, checked.
            moment: The present.
            expires: When it goes.
            kept: Person and source that a person has confirmed before.
        """
        values = to_row(record, moment, expires, kept)
        insert = f"INSERT INTO tracklets ({_FIELDS}) VALUES ({_MARKS})"
        row = self.connection.execute(insert, values).lastrowid
        feature = record.feature.astype(self.settings.dtype).tobytes()
        self.connection.execute(
            "INSERT INTO features VALUES (?, ?, ?)", (row, zlib.crc32(feature), feature)
        )

    def remove(self, rows: Sequence[int]) -> None:
        """Take tracklets out, within a transaction; their bytes may still be in the files."""
        for table in ("features", "tracklets"):
            self.connection.executemany(
                f"DELETE FROM {table} WHERE row = ?", [(row,) for row in rows]
            )

    def name_person(self, row: int, pid: int | None, source: str) -> None:
        """Say who a tracklet is, within a transaction."""
        update = "UPDATE tracklets SET pid = ?, pid_source = ? WHERE row = ?"
        self.connection.execute(update, (pid, source, row))
        self.count()

    def highest_pid(self) -> int:
        """Return the highest number of a person; 0 if nobody is known."""
        query = "SELECT max(pid) FROM tracklets WHERE typeof(pid) = 'integer'"
        with self.reading() as connection:
            return max(0, connection.execute(query).fetchone()[0] or 0)

    def set_rejection(self, id: str, other: str, is_rejected: bool) -> None:
        """Remember, or not, that two tracklets are of two persons, within a transaction."""
        change = "INSERT OR IGNORE INTO rejections VALUES (?, ?)"
        if not is_rejected:
            change = "DELETE FROM rejections WHERE id = ? AND other = ?"
        self.connection.executemany(change, [(id, other), (other, id)])

    def rejected(self, id: str) -> set[str]:
        """Return the tracklets that are of another person than this one."""
        with self.reading() as connection:
            query = "SELECT other FROM rejections WHERE id = ?"
            return {other for (other,) in connection.execute(query, (id,))}

    def forget_rejections(self, rows: Sequence[int]) -> None:
        """Forget what was said of tracklets and others, within a transaction."""
        own = "(SELECT id FROM tracklets WHERE row = ?)"
        both_ways = (
            "DELETE FROM rejections WHERE (id, other) IN "
            f"(SELECT other, id FROM rejections WHERE id = {own})",
            f"DELETE FROM rejections WHERE id = {own}",
        )
        for delete in both_ways:
            self.connection.executemany(delete, [(row,) for row in rows])

    def columns(self) -> Columns:
        """Return what searches filter by; read again only when something has changed."""
        with self.reading() as connection:
            change = self.counter("changes")
            if self._columns is None or self._columns[0] != change:
                self._columns = (change, _read_columns(connection, self.path))
            return self._columns[1]

    def tracklets(self, rows: Sequence[int]) -> dict[int, StoredTracklet]:
        """Return tracklets by their rows; those that are not there are left out."""
        found = {}
        with self.reading() as connection:
            for start in range(0, len(rows), _MOST_VARIABLES):
                part = [int(row) for row in rows[start : start + _MOST_VARIABLES]]
                marks = ", ".join("?" * len(part))
                query = f"SELECT row, {_FIELDS} FROM tracklets WHERE row IN ({marks})"
                for values in connection.execute(query, part):
                    found[values[0]] = to_tracklet(values, self.path)
        return found

    def find_row(self, text: str) -> int | None:
        """Return the row of an id; None if it is not there."""
        with self.reading() as connection:
            query = "SELECT row FROM tracklets WHERE id = ?"
            found = connection.execute(query, (text,)).fetchone()
        return None if found is None else found[0]

    def rows_of_video(self, video: str) -> list[int]:
        """Return the rows of a video's tracklets."""
        with self.reading() as connection:
            query = "SELECT row FROM tracklets WHERE video = ?"
            return [row for (row,) in connection.execute(query, (video,))]

    def find(self, ids: Sequence[str]) -> list[int]:
        """Return the row of each id.

        Raises:
            ValueError: If one is not there.
        """
        rows = []
        with self.reading():
            for text in ids:
                row = self.find_row(text) if isinstance(text, str) else None
                if row is None:
                    raise ValueError(
                        f"gallery {self.path.parent} has no tracklet with the id {shorten(text)}"
                    )
                rows.append(row)
        return rows

    def features(self, rows: Sequence[int] | Integers) -> Features:
        """Return the features of rows, (n, C), of the gallery's type.

        Raises:
            ValueError: If one is damaged or not there.
        """
        found = np.empty((len(rows), self.settings.width), self.settings.dtype)
        with self.reading() as connection:
            query = "SELECT checksum, feature FROM features WHERE row = ?"
            for place, row in enumerate(rows):
                values = connection.execute(query, (int(row),)).fetchone()
                found[place] = self._to_feature(int(row), *(values or (0, None)))
        return found

    def blocks(self, after: int = 0) -> Iterator[tuple[Integers, Features]]:
        """Yield rows of the database, (n,), rising, and their features, (n, C), block by block.

        Args:
            after: Rows up to this one are left out.

        Raises:
            ValueError: If one is damaged or lacks its feature.
        """
        width = self.settings.width
        size = max(1, BLOCK_BYTES // (width * np.dtype(self.settings.dtype).itemsize))
        query = (
            "SELECT tracklets.row, checksum, feature FROM tracklets LEFT JOIN features "
            "ON tracklets.row = features.row WHERE tracklets.row > ? ORDER BY tracklets.row"
        )
        with self.reading() as connection:
            cursor = connection.execute(query, (after,))
            while found := cursor.fetchmany(size):
                rows = np.array([row for row, _, _ in found], np.int64)
                yield rows, np.stack([self._to_feature(*values) for values in found])

    def _to_feature(self, row: int, checksum: Any, content: Any) -> Features:
        length = self.settings.width * np.dtype(self.settings.dtype).itemsize
        is_whole = isinstance(content, bytes) and len(content) == length
        if not is_whole or zlib.crc32(content) != checksum:
            query = "SELECT id FROM tracklets WHERE row = ?"
            found = self.connection.execute(query, (row,)).fetchone() or ("unknown",)
            raise ValueError(
                f"gallery {self.path} is damaged: the feature of tracklet {shorten(found[0])} is "
                "missing or not the one that was written; verify lists all of them, add them again "
                "or delete them"
            )
        return np.frombuffer(content, self.settings.dtype)


def _read_columns(connection: sqlite3.Connection, path: Path) -> Columns:
    query = "SELECT row, camera, start_time, end_time, expires FROM tracklets ORDER BY row"
    cursor, parts = connection.execute(query), [np.empty((0, 5), np.int64)]
    while found := cursor.fetchmany(10_000):
        try:
            filled = [[UNKNOWN if value is None else value for value in row] for row in found]
            parts.append(np.array(filled, dtype=np.int64))
            if not all(type(value) is int for row in filled for value in row):
                raise ValueError("a value is no whole number")
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(
                f"gallery {path} is damaged: cameras and times must be whole numbers or unknown, "
                f"in rows {found[0][0]!r:.30} to {found[-1][0]!r:.30} one is not"
            ) from error
    return Columns(*np.ascontiguousarray(np.concatenate(parts).T))
