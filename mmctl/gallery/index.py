"""The index of an open gallery, kept in step with the database, and the erasure of bytes."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from mmctl.files import FULL_DISK_CODES, DiskFullError
from mmctl.gallery.columns import Integers
from mmctl.gallery.engines.choice import build_engine, other_folders
from mmctl.gallery.engines.engine import Blocks, Engine, IndexState
from mmctl.gallery.schema import PATIENCE, plain_errors
from mmctl.gallery.settings import check_engine, read_settings
from mmctl.gallery.store import Store

Report = Callable[[int], None]
"""Is told how many of the work's items are done."""


class Index:
    """What searches a gallery.

    Args:
        store: The open database.
        gallery: Folder of the gallery.
    """

    def __init__(self, store: Store, gallery: Path) -> None:
        self.store, self.gallery = store, gallery
        self.engine = build_engine(gallery, store.settings)
        self._opened: IndexState | None = None

    def up_to_date(self, force: bool = False, report: Report | None = None) -> Engine:
        """Return the engine after it holds just the rows of the database.

        Args:
            force: Whether to build it anew in any case.
            report: Is told how many rows have been written.
        """
        self._follow_settings()
        while force or self.opened_change() != self.store.counter("features"):
            state = self.engine.read_state()
            if force or state is None or state.change != self.store.counter("features"):
                with self.store.writing():  # nobody changes rows or index meanwhile
                    state = self._write(force, report)
                force = False
            with suppress(FileNotFoundError):  # another process has just made a newer one
                self.engine.open(state)
                self._opened = state
        return self.engine

    def opened_change(self) -> int | None:
        """Return the counter of features that the open index is of."""
        return None if self._opened is None else self._opened.change

    def _write(self, force: bool, report: Report | None) -> IndexState:
        """Bring the index up to date, within a transaction; return its state."""
        change, state = self.store.counter("features"), self.engine.read_state()
        if not force and state is not None and state.change == change:
            return state
        columns = self.store.columns()
        rows, self._opened = columns.rows, None
        with _named_full_disk(self.engine):
            if (
                state is not None
                and not force
                and state.count == _count_up_to(rows, state.last_row)
            ):
                blocks = _reported(self.store.blocks(state.last_row), report)
                self.engine.extend(state, blocks, columns, change)
            else:
                self.engine.replace(_reported(self.store.blocks(), report), columns, change)
        written = self.engine.read_state()
        if written is None or written.change != change or written.count != len(rows):
            raise ValueError(
                f"the index {self.engine.folder} was changed by another program while it was "
                "written: leave the folder to the gallery, and rebuild"
            )
        return written

    def change_engine(self, engine: str, server: str, report: Report | None = None) -> None:
        """Search with another engine from now on; the files of the one before go.

        Args:
            engine: Its name.
            server: URI of its server; '' for none.
            report: Is told how many rows have been written.
        """
        check_engine(engine, server)
        before, settings = self.engine, self.store.settings.with_engine(engine, server)
        if settings == self.store.settings:
            self.up_to_date(force=True, report=report)
            return
        after = build_engine(self.gallery, settings)
        # What cannot be built, because a package or server is away, changes nothing.
        with self.store.reading():
            change, columns = self.store.counter("features"), self.store.columns()
            with _named_full_disk(after):
                after.replace(_reported(self.store.blocks(), report), columns, change)
        with self.store.writing() as connection:
            for name in ("engine", "server"):
                update = "UPDATE settings SET value = ? WHERE name = ?"
                connection.execute(update, (getattr(settings, name), name))
            self.store.count()
        self.engine, self._opened, self.store.settings = after, None, settings
        try:
            before.drop()
        except ValueError as error:  # its server is away, which must not hold the gallery there
            warnings.warn(
                f"what the gallery had on the Milvus server may stay on the server: drop its "
                f"collections mmctl_{settings.gallery[:16]}_* there ({error})",
                stacklevel=3,
            )
        self.up_to_date()

    def close(self) -> None:
        """Close what is open."""
        self.engine.forget()
        self._opened = None

    def erase(self) -> None:
        """Leave no byte of rows that were deleted in any file.

        The index is written anew without them (``up_to_date``); SQLite, which may keep copies of
        rows in unused parts of its pages, is written anew as well, and its log is emptied.

        Raises:
            ValueError: If another process reads for so long that this cannot be done; the next call
                that writes does it.
            DiskFullError: If the disk has no room for the new database beside the old one.
        """
        mark = self.store.counter("unerased")
        self.up_to_date()
        for folder in other_folders(self.gallery, self.store.settings.engine):
            shutil.rmtree(folder)
        connection = self.store.connection
        with self.store.lock, plain_errors(self.store.path):
            connection.execute("VACUUM")
            update = "UPDATE settings SET value = 0 WHERE name = 'unerased' AND value = ?"
            connection.execute(update, (mark,))
            self._empty_log()

    def _empty_log(self) -> None:
        end = time.monotonic() + PATIENCE
        while self.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > end:
                with suppress(ValueError), self.store.writing():
                    self.store.set_flag("unerased", self.store.counter("features"))
                raise ValueError(
                    f"the rows are deleted, but their bytes are still in {self.store.path}-wal, "
                    "because another process has been reading the gallery for more than "
                    f"{PATIENCE:g} s: end it and call rebuild"
                )
            time.sleep(0.05)

    def _follow_settings(self) -> None:
        """Take over the engine that another process has changed to."""
        with self.store.reading() as connection:
            settings = read_settings(connection, self.store.path)
        if settings != self.store.settings:
            self.engine.forget()
            self._opened = None
            self.store.settings = settings
            self.engine = build_engine(self.gallery, settings)


@contextmanager
def _named_full_disk(engine: Engine) -> Iterator[None]:
    """Say that the disk is full, in whatever words an engine's library says it."""
    try:
        yield
    except (OSError, ValueError) as error:
        codes = (code for code in FULL_DISK_CODES if os.strerror(code) in str(error))
        code = next(codes, None)
        if code is None:
            raise
        message = (
            f"no space left on the disk for the index {engine.folder}; no row is lost, and the "
            "next call makes the index when there is room"
        )
        raise DiskFullError(code, message) from error


def _count_up_to(rows: Integers, last: int) -> int:
    return int(np.searchsorted(rows, last, side="right"))


def _reported(blocks: Blocks, report: Report | None) -> Iterator:
    done = 0
    for rows, features in blocks:
        yield rows, features
        done += len(rows)
        if report is not None:
            report(done)
