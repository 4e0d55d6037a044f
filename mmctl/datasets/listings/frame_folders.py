"""Frames that are found by listing a folder: which names they have, and in which order."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

LAST_NUMBER = re.compile(r"(\d+)\D*$")
"""Finds the last number in a name without ending."""


_SYSTEM_NAMES = ("Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is a system's own, as ``._a.jpg`` of macOS."""
    return name.startswith(".") or name in _SYSTEM_NAMES


class SpeltNumbers:
    """Numbers that names stand for; ``3`` and ``0003`` would silently become one.

    Args:
        what: What is numbered, for the message, as ``'person'``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._names: dict[int, str] = {}

    def read(self, digits: str, place: Path | str) -> int:
        """Return the number.

        Args:
            digits: ASCII digits.
            place: Where they are from, for the message.

        Raises:
            ValueError: If it was spelt in another way before.
        """
        number = int(digits)
        name = self._names.setdefault(number, digits)
        if name != digits:
            raise ValueError(
                f"{place}: every {self._what} must be spelt in one way, because {name} and "
                f"{digits} would both be {self._what} {number}"
            )
        return number


def list_names(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Return the sorted names of the files of some kinds in a folder.

    Hidden ones are passed over.

    Args:
        folder: The folder.
        suffixes: Endings of the names, as ``('.jpg',)``.

    Raises:
        ValueError: If a name has several lines.
    """
    names = [n for n in os.listdir(folder) if n.endswith(suffixes) and not is_hidden(n)]
    return _sort_names(folder, names)


def list_folders(folder: Path) -> list[str]:
    """Return the sorted names of the folders in a folder, without hidden ones.

    Args:
        folder: The folder.

    Raises:
        ValueError: If a name has several lines.
    """
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if not is_hidden(e.name) and e.is_dir()]
    return _sort_names(folder, names)


def _sort_names(folder: Path, names: list[str]) -> list[str]:
    for name in names:
        if len(name.splitlines()) > 1 or name.endswith("\n"):
            raise ValueError(
                f"{folder}: a name must be one line, because lists have one in each, got {name!r}"
            )
    return sorted(names)


def listed_path(text: str) -> str:
    """Return a path from a list with slashes, where lists made on Windows have backslashes."""
    return text.replace("\\", "/")


def last_numbers(place: Path, names: Sequence[str]) -> list[int]:
    """Return the last number in each name, which is that of the frame.

    Args:
        place: The folder that the names are from, for the message.
        names: File names.

    Raises:
        ValueError: If a name has no number.
    """
    numbers = []
    for name in names:
        found = LAST_NUMBER.search(name.rpartition(".")[0])
        if found is None:
            raise ValueError(
                f"{place}: the name of every frame must have its number, as 0001.png, because "
                f"nothing else says its place in time, got {name}"
            )
        numbers.append(int(found[1]))
    return numbers


def find_camera(place: Path | str, names: Sequence[str], camids: Sequence[int]) -> int:
    """Return the camera of a tracklet.

    Args:
        place: Where the tracklet is from, for the message.
        names: File names.
        camids: Camera of each frame.

    Raises:
        ValueError: If the frames are of several.
    """
    for other, camid in zip(names, camids, strict=True):
        if camid != camids[0]:
            raise ValueError(
                f"{place}: a tracklet must be of one camera, got {names[0]} and {other}"
            )
    return camids[0]


def check_frame_order(place: Path, names: Sequence[str], numbers: Sequence[int]) -> None:
    """Raise unless frames that are sorted by name are sorted by number, too.

    Args:
        place: The folder that the names are from, for the message.
        names: File names in the order that they are used in.
        numbers: Number of each frame.

    Raises:
        ValueError: If a number is not greater than the one before.
    """
    for index in range(1, len(names)):
        if numbers[index] <= numbers[index - 1]:
            raise ValueError(
                f"{place}: frames sorted by name must be in time order, each number once, so "
                f"numbers need leading zeros, but {names[index]} (frame {numbers[index]}) comes "
                f"after {names[index - 1]} (frame {numbers[index - 1]})"
            )
