"""What an index of a gallery must do."""

from __future__ import annotations

import json
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mmctl.files import read_json, to_record, write_whole
from mmctl.gallery.columns import Columns, Filter, Integers, Mask
from mmctl.gallery.settings import GallerySettings

Blocks = Iterable[tuple[Integers, npt.NDArray[Any]]]
"""Rows of the database, rising, (n,), and their features, (n, C)."""

STATE = "state.json"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", re.ASCII)
"""Of a file or collection, within the folder or server."""


@dataclass(frozen=True)
class IndexState:
    """Which rows an index holds.

    Attributes:
        gallery: Number of the gallery.
        change: Its counter of features when the index was brought up to date.
        count: Rows.
        last_row: The greatest of them; 0 if there is none.
        content: Name of what holds them: a file, a collection.
    """

    gallery: str
    change: int
    count: int
    last_row: int
    content: str


@dataclass(frozen=True)
class Wanted:
    """Tracklets among which a query searches.

    Attributes:
        columns: All of the gallery.
        mask: Which may be found, (N,).
        filter: What made the mask.
        moment: The present, microseconds since 1970.
        without_camera: A camera that the mask leaves out as well; None if there is none.
    """

    columns: Columns
    mask: Mask
    filter: Filter
    moment: int
    without_camera: int | None = None

    def full_mask(self) -> Mask:
        """Return which may be found, (N,), without those of the query's camera."""
        if self.without_camera is None:
            return self.mask
        return self.mask & (self.columns.cameras != self.without_camera)


def remove(path: Path, only_folder: bool = False) -> None:
    """Remove what lies there, whatever it is.

    Args:
        path: Its name.
        only_folder: Whether anything but a folder stays.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif not only_folder:
        path.unlink(missing_ok=True)


class Engine(ABC):
    """An index in a folder beside the database.

    Args:
        folder: The folder; it is made when something is written.
        settings: What the gallery is of.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, settings: GallerySettings) -> None:
        self.folder, self.settings = folder, settings

    def make_folder(self) -> None:
        """Make the folder of the index; a file in its place goes, because nobody needs it."""
        if not self.folder.is_dir():
            remove(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def replace(self, blocks: Blocks, columns: Columns, change: int) -> None:
        """Build the index from all rows; what it held before is gone from its files afterwards.

        Args:
            blocks: All rows of the database.
            columns: What searches filter by.
            change: The counter of features.
        """

    @abstractmethod
    def extend(self, state: IndexState, blocks: Blocks, columns: Columns, change: int) -> None:
        """Add rows to an index that holds all those before them.

        Args:
            state: What it holds.
            blocks: The rows after these.
            columns: What searches filter by.
            change: The counter of features.
        """

    @abstractmethod
    def candidates(
        self, queries: npt.NDArray[np.float32], topk: int, wanted: Wanted
    ) -> list[Integers]:
        """Return, for each query, places of the columns among which the most similar ones are.

        Args:
            queries: Unit vectors, (Q, C).
            topk: How many of the most similar ones must be among them.
            wanted: What may be found, at least one tracklet.
        """

    def features(self, places: Integers) -> npt.NDArray[Any] | None:
        """Return the features of places, (n, C); None if the database is the one to ask."""
        del places
        return None

    @abstractmethod
    def held(self, places: Integers, rows: Integers) -> npt.NDArray[Any]:
        """Return what the index holds, (n, C), to compare it with the database.

        Args:
            places: Places of the columns, rising, (n,).
            rows: Their rows in the database, (n,).
        """

    @abstractmethod
    def open(self, state: IndexState) -> None:
        """Open what the state names; searches see that, whatever other processes write meanwhile.

        Raises:
            FileNotFoundError: If another process has just removed it.
        """

    def is_whole(self, state: IndexState) -> bool:
        """Return whether what the state names is there."""
        del state
        return True

    @abstractmethod
    def forget(self) -> None:
        """Close what is open; the next call opens it anew."""

    def drop(self) -> None:
        """Remove the index."""
        self.forget()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read_state(self) -> IndexState | None:
        """Return what the index holds; None if there is none, or its files are not whole."""
        path = self.folder / STATE
        try:
            state = to_record(IndexState, read_json(path, "file"), f"file {path}")
        except (OSError, ValueError):
            return None
        is_ours = state.gallery == self.settings.gallery and _NAME.fullmatch(state.content)
        is_possible = min(state.count, state.change, state.last_row) >= 0
        return state if is_ours and is_possible and self.is_whole(state) else None

    def write_state(self, state: IndexState) -> None:
        """Say what the index holds, after it does."""
        remove(self.folder / STATE, only_folder=True)
        write_whole(self.folder / STATE, json.dumps(asdict(state)).encode())
