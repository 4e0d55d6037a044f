"""Folders, and files in them, that one process at a time works at."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import warnings
from pathlib import Path
from typing import IO

_TAKEN = (errno.EACCES, errno.EAGAIN)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_HOLDER = re.compile(r"process \d+ on \S+")


class FolderLock:
    """Says that this process works in a folder, until it is released or the process dies.

    The system keeps the lock, not the file that it is on, so what a killed process leaves behind
    locks nothing. Children do not inherit it: a data loader's workers, which outlive a killed run
    for some seconds, do not hold it.

    Args:
        folder: The folder; it exists.
        name: The file that the lock is on.
        what: What is locked, for the message; the folder where it is left out.
    """

    def __init__(self, folder: Path, name: str = ".lock", what: str | Path | None = None) -> None:
        self.path = folder / name
        self.what = folder if what is None else what
        self._file: IO[str] | None = None

    def __enter__(self) -> FolderLock:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self) -> None:
        """Take the lock, at once or not at all.

        Raises:
            ValueError: If another process has it.
        """
        while self._file is None:
            file = self.path.open("a+", encoding="utf-8", errors="replace")
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _NO_LOCKS:
                    file.close()
                    warnings.warn(self._describe_missing_locks(error), stacklevel=2)
                    return
                holder = _read_holder(file)
                file.close()
                if error.errno not in _TAKEN:
                    raise
                raise ValueError(
                    f"{self.what} is in use by another run{holder}, which is still at work: wait "
                    "for it or end it, because the files of both would mix"
                ) from error
            if self._is_named(file):
                self._file = file
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
                file.flush()
            else:  # its last holder has removed it in between
                file.close()

    def release(self) -> None:
        """Give the folder free, and remove the lock's file."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _is_named(self, file: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _describe_missing_locks(self, error: OSError) -> str:
        return (
            f"{self.what} lies on a file system without locks ({error.strerror}): nothing keeps a "
            "second run from working there at the same time"
        )


def _read_holder(file: IO[str]) -> str:
    file.seek(0)
    found = _HOLDER.match(file.read(300))
    return f" ({found[0]})" if found else ""
