"""The tables of a gallery's database, and how it is opened."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mmctl.files import DiskFullError, check_regular

APPLICATION_ID = 0x6D6D6374  # 'mmct'
VERSION = 2
"""Of the tables; a newer one is refused, an older one gets what it lacks."""

PATIENCE = 10.0
"""Seconds that one process waits for another that writes."""

TABLES = {
    "settings": "CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID",
    "tracklets": """CREATE TABLE tracklets (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    camera INTEGER,
    video TEXT NOT NULL,
    track INTEGER,
    first_frame INTEGER,
    last_frame INTEGER,
    start_time INTEGER,
    end_time INTEGER,
    first_second REAL,
    last_second REAL,
    num_frames INTEGER NOT NULL,
    crop TEXT NOT NULL,
    crop_root TEXT NOT NULL,
    quality REAL,
    norm REAL,
    name TEXT NOT NULL,
    pid INTEGER,
    pid_source TEXT NOT NULL CHECK (pid_source IN ('unknown', 'given', 'confirmed')),
    added INTEGER NOT NULL,
    expires INTEGER
)""",
    "features": """CREATE TABLE features (
    row INTEGER PRIMARY KEY REFERENCES tracklets (row),
    checksum INTEGER NOT NULL,
    feature BLOB NOT NULL
)""",
    "tracklets_by_video": "CREATE INDEX tracklets_by_video ON tracklets (video)",
    "rejections": """CREATE TABLE rejections (
    id TEXT NOT NULL,
    other TEXT NOT NULL,
    PRIMARY KEY (id, other)
) WITHOUT ROWID""",
}
"""What makes each of them. Features have a table of their own, so that reading the others is
fast. A pair of two persons is in ``rejections`` both ways round."""

_SINCE = {"rejections": 2}
"""Version that a table came with, where it is not the first."""

_SMALL, _LARGE_PAGE = 4096, 16_384
"""A feature of less bytes than a usual page would leave much of it empty: it gets a larger one."""

_MADE_BY_SQLITE = ("sqlite_sequence", "sqlite_autoindex_tracklets_1")


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into one clear line about a gallery's database.

    Args:
        path: The database.

    Raises:
        ValueError: If another process holds it, or it is damaged or no database.
        DiskFullError: If the disk is full.
        PermissionError: If it must not be written, or not be opened.
    """
    try:
        yield
    except sqlite3.Error as error:
        said = " ".join(str(error).split())[:200]
        if "locked" in said or "busy" in said:
            raise ValueError(
                f"gallery {path} is in use by another process, which has not ended its work within "
                f"{PATIENCE:g} s: wait for it or end it; nothing was changed"
            ) from error
        if "disk is full" in said:
            message = f"no space left on the disk for gallery {path}; what was in it is kept"
            raise DiskFullError(errno.ENOSPC, message, str(path)) from error
        if "readonly" in said or "unable to open" in said:
            raise PermissionError(
                f"gallery {path} cannot be opened for writing, and SQLite needs that for its log "
                f"beside it: {said}"
            ) from error
        if isinstance(error, sqlite3.DatabaseError):
            raise ValueError(
                f"gallery {path} is damaged or no gallery ({said}): put a copy of it in its place, "
                "or make it anew from the feature files"
            ) from error
        raise


def connect(path: Path) -> sqlite3.Connection:
    """Open the database of a gallery, which exists.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is no gallery, damaged, or of a newer version.
    """
    check_regular(path, "gallery", "add makes one")
    with plain_errors(path):
        connection = _open(path)
        try:
            if _check_version(connection, path) < VERSION:
                _bring_up_to_date(connection, path)
            _check_tables(connection, path)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.execute("PRAGMA synchronous = FULL").fetchall()
        except BaseException:
            connection.close()
            raise
    return connection


def create(path: Path, settings: dict[str, str | int], feature_bytes: int) -> None:
    """Make the database of a gallery in a folder that has none.

    Another process that makes it at the same time, or was killed on the way, does no harm: all of
    it is one transaction.

    Args:
        path: The file; its folder exists.
        settings: What describes the gallery.
        feature_bytes: Of one feature.

    Raises:
        ValueError: If it cannot be made.
    """
    with plain_errors(path), closing(_open(path)) as connection:
        if feature_bytes < _SMALL:  # as long as there is nothing, the page may be another
            connection.execute(f"PRAGMA page_size = {_LARGE_PAGE}")
        connection.execute("BEGIN IMMEDIATE")
        is_new = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if is_new:
            for statement in TABLES.values():
                connection.execute(statement)
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")


def is_empty(path: Path) -> bool:
    """Return whether there is nothing yet: no file, or one that a killed process has just made.

    Such a file has no bytes, or SQLite's log of tables that were not committed.
    """
    if not path.exists():
        return True
    check_regular(path, "gallery")
    if path.stat().st_size:
        return False
    with plain_errors(path), closing(_open(path)) as connection:
        return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        # A file of others may hold views or triggers that call functions.
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "secure_delete = ON"):
            connection.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise ValueError(
            f"gallery {path} must be a database that tools/gallery.py made, got one of another "
            f"program (application id {application})"
        )
    if version > VERSION:
        raise ValueError(
            f"gallery {path} has tables of version {version}, made by a newer mmctl; this one "
            f"knows versions up to {VERSION}: update mmctl"
        )
    if version < 1:
        raise ValueError(f"gallery {path} must have a version of 1 or more, got {version}")
    return version


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _check_version(connection, path)  # another process may have done it meanwhile
        for name in (name for name, since in _SINCE.items() if since > version):
            connection.execute(TABLES[name])
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself ends one that a full disk stops
            connection.execute("ROLLBACK")
        raise


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    found = dict(connection.execute("SELECT name, sql FROM sqlite_master"))
    others = sorted(
        str(name)
        for name in {*found, *TABLES}
        if name not in _MADE_BY_SQLITE and found.get(name) != TABLES.get(name)
    )
    if others:
        raise ValueError(
            f"gallery {path} is damaged or was changed by another program: {others[0][:80]!r} is "
            f"not what version {VERSION} has"
        )
