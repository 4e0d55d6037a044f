"""Read a file that is one: a named pipe or a device would never end."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

# A named pipe is opened at once, and found out, instead of waited for.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_ODD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")


def check_regular(path: str | Path, what: str, hint: str = "") -> Path:
    """Refuse what is no regular file, before it is opened.

    Args:
        path: Name of the file; links are followed.
        what: What it is, for the message, as ``'annotation file'``.
        hint: What the message says where it does not exist.

    Returns:
        The path.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is something else than a file.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        tail = f"; {hint}" if hint else ""
        raise FileNotFoundError(f"{what} {path} does not exist{tail}") from None
    except (ValueError, OSError) as error:  # a zero in the name, a name too long, a ring of links
        raise ValueError(
            f"{what} {str(path)[:200]!r} must be the name of a file: {error}"
        ) from None
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "no file")
        raise ValueError(
            f"{what} {path} must be a regular file, which can be read to its end, got {kind}"
        )
    return Path(path)


def read_bytes(path: str | Path, what: str, hint: str = "") -> bytes:
    """Read a whole file, in four calls to the system: frames are many and small.

    Args:
        path: Name of the file.
        what: What it is, for the message.
        hint: What the message says where it does not exist.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        OSError: If it cannot be opened or read.
        ValueError: If it is something else than a file.
    """
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except (OSError, ValueError):
        check_regular(path, what, hint)  # says what a socket or an impossible name is
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            check_regular(path, what, hint)
        content = os.read(descriptor, status.st_size)
        # A system may give less at a time than it was asked for.
        while len(content) < status.st_size and (rest := os.read(descriptor, status.st_size)):
            content += rest
        return content
    finally:
        os.close(descriptor)


def read_lines(path: str | Path, what: str) -> list[str]:
    """Read the lines of a UTF-8 text file, without the blank ones at its end.

    Args:
        path: Name of the file.
        what: What it is, for the message.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is something else than a file, no UTF-8 text, or has characters that some
            programs take for ends of lines or for spaces, and others do not.
    """
    lines = re.split(r"\r\n|\r|\n", read_text(path, what).rstrip(" \t\r\n"))
    for number, line in enumerate(lines, start=1):
        if odd := _ODD.search(line):
            raise ValueError(
                f"{what} {path}, line {number}: control characters and line separators must not "
                f"stand in a line, got {odd[0]!r}"
            )
    return lines if lines != [""] else []


def read_text(path: str | Path, what: str, hint: str = "") -> str:
    """Read a whole UTF-8 text file; a mark of byte order at its front is left out.

    Args:
        path: Name of the file.
        what: What it is, for the message.
        hint: What the message says where it does not exist.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is something else than a file, or no UTF-8 text.
    """
    content = read_bytes(path, what, hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{what} {path} must be UTF-8 text, got byte {content[error.start]:#04x} at position "
            f"{error.start}"
        ) from None
