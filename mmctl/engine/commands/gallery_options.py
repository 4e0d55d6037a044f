"""Arguments of ``tools/gallery.py``."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from mmctl.gallery import DTYPES, ENGINES

_DURATION = re.compile(r"([0-9]{1,6})(m|h|d|w)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_ID = "32 hexadecimal digits, as search and list print them"


def read_duration(text: str) -> timedelta:
    """Return a time as ``30d``: minutes (m), hours (h), days (d) or weeks (w).

    Raises:
        ValueError: If it is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ValueError(f"a time must be a number and m, h, d or w, as 30d, got {text[:40]!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def read_person(text: str) -> int | Literal["new"] | None:
    """Return the number of a person, None for ``unknown``, or ``new`` as it is.

    Raises:
        ValueError: If it is none.
    """
    if text == "unknown":
        return None
    if text == "new":
        return "new"
    if not re.fullmatch("-1|[0-9]{1,18}", text, re.ASCII):
        raise ValueError(
            "a person must be a number, 0 for nobody of interest, -1 for junk, 'new' or 'unknown', "
            f"got {text[:40]!r}"
        )
    return int(text)


def read_rows(text: str, count: int) -> list[int]:
    """Return the rows of a file that ``3``, ``0,5`` or ``10-19`` name.

    Args:
        text: Which ones.
        count: Rows of the file.

    Raises:
        ValueError: If it names none, or one that is not there.
    """
    rows: list[int] = []
    for part in text.split(","):
        found = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", part.strip(), re.ASCII)
        if found is None:
            raise ValueError(
                f"rows must be numbers from 0, as 3 or 0,5 or 10-19, got {text[:60]!r}"
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < count:
            raise ValueError(f"rows must be within 0 and {count - 1}, rising, got {part[:40]!r}")
        rows += range(first, last + 1)
    return rows


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of all commands; the command's name is ``command``."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add_command(name: str, text: str) -> Any:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("gallery", type=Path, help="folder of the gallery")
        return command

    _add_add(add_command("add", "put tracklets into a gallery, which is made if there is none"))
    _add_search(add_command("search", "find the most similar tracklets"))
    _add_list(add_command("list", "list tracklets in the order in which they came in"))
    _add_delete(add_command("delete", "forget tracklets: their bytes are in no file afterwards"))
    confirm = add_command("confirm", "say who somebody is")
    confirm.add_argument("id", help=_ID)
    text = "number of the person, 0: nobody of interest, -1: junk; 'new': the next free number; or "
    confirm.add_argument("pid", help=text + "'unknown'")
    expire = add_command("expire", "forget what has been kept long enough (add --keep-for)")
    expire.add_argument("--at", metavar="TIME", help="instead of now, as 2024-05-31T12:30:00Z")
    rebuild = add_command("rebuild", "build the index anew and erase what was deleted before")
    _add_engine(rebuild)
    add_command("verify", "check database, features and index; exit status 1 if one is wrong")
    return parser


def _add_engine(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--engine", choices=ENGINES, help="index (default: the gallery's own; exact for a new one)")
    add("--server", metavar="URI", help="Milvus server, as http://localhost:19530")


def _add_add(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("files", type=Path, nargs="+", help="features.npz of tools/extract_features.py")
    add("--crops", type=Path, metavar="FOLDER", help="that all crops lie in (default: this one)")
    text = "time after its end that a tracklet is kept, as 30d (default: for good)"
    add("--keep-for", metavar="TIME", help=text)
    add("--dtype", choices=DTYPES, help="numbers of a new gallery (default: float32)")
    _add_engine(command)


def _add_filters(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--cameras", type=int, nargs="+", metavar="N", help="only these cameras")
    add("--after", metavar="TIME", help="only what ended then or later")
    add("--before", metavar="TIME", help="only what began then or earlier")
    add("--ids", nargs="+", metavar="ID", help="only these tracklets")
    add("--json", action="store_true", help="print JSON instead of a table")


def _add_search(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--features", type=Path, metavar="FILE", help="features.npz of what is searched for")
    add("--rows", metavar="ROWS", help="rows of it, as 3 or 0,5 or 10-19 (default: all)")
    text = "that all its crops lie in (default: this one, or wherever they are)"
    add("--crops", type=Path, metavar="FOLDER", help=text)
    add("--like", nargs="+", metavar="ID", help="search for tracklets of the gallery instead")
    add("--topk", type=int, default=10, help="hits of each query (default: %(default)s)")
    add("--exclude-same-camera", action="store_true", help="only hits of other cameras")
    add("--html", type=Path, metavar="FILE", help="write a page to look through and answer")
    text = "what calibrate.py measured, for the page: what it says stands beside each similarity"
    add("--calibration", type=Path, metavar="JSON", help=text)
    _add_filters(command)


def _add_list(command: argparse.ArgumentParser) -> None:
    _add_filters(command)
    add = command.add_argument
    add("--video", help="only this video")
    add("--pid", type=int, help="only this person")
    add("--limit", type=int, default=100, help="most tracklets (default: %(default)s; 0: all)")


def _add_delete(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--ids", nargs="+", metavar="ID", help="these; with other conditions, all must be met")
    add("--video", help="those of this video")
    add("--camera", type=int, metavar="N", help="those of this camera")
    add("--before", metavar="TIME", help="those that ended before")
