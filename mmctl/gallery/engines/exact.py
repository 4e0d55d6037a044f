"""Exact search: the product with every feature, over an array that is mapped, not read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.gallery.columns import Columns, Integers
from mmctl.gallery.engines.engine import Blocks, Engine, IndexState, Wanted, remove
from mmctl.gallery.scoring import find_candidates


class ExactEngine(Engine):
    """The features one after the other in a file, by rising row of the database."""

    name = "exact"
    _map: tuple[IndexState, npt.NDArray[Any]] | None = None

    def replace(self, blocks: Blocks, columns: Columns, change: int) -> None:
        """See :class:`Engine`."""
        del columns
        self.forget()
        self.make_folder()
        name = f"features-{change}-{os.urandom(4).hex()}.bin"
        path = self.folder / name
        try:
            count, last = self._write(path, 0, blocks)
        except OSError:
            path.unlink(missing_ok=True)  # of a full disk, which needs the room
            raise
        self.write_state(IndexState(self.settings.gallery, change, count, last, name))
        self._remove_others(path)

    def extend(self, state: IndexState, blocks: Blocks, columns: Columns, change: int) -> None:
        """See :class:`Engine`."""
        del columns
        self.forget()
        path = self.folder / state.content
        count, last = self._write(path, state.count, blocks)
        self.write_state(
            IndexState(
                state.gallery, change, state.count + count, last or state.last_row, state.content
            )
        )
        self._remove_others(path)

    def candidates(
        self, queries: npt.NDArray[np.float32], topk: int, wanted: Wanted
    ) -> list[Integers]:
        """See :class:`Engine`."""
        return find_candidates(self._features(), queries, topk, wanted.full_mask())

    def features(self, places: Integers) -> npt.NDArray[Any]:
        """See :class:`Engine`."""
        return self._features()[places]

    def held(self, places: Integers, rows: Integers) -> npt.NDArray[Any]:
        """See :class:`Engine`."""
        del rows
        return self._features()[places]

    def open(self, state: IndexState) -> None:
        """See :class:`Engine`."""
        if self._map is not None and self._map[0] == state:
            return
        shape = (state.count, self.settings.width)
        mapped: npt.NDArray[Any] = np.empty(shape, self.settings.dtype)
        if state.count:
            path = self.folder / state.content
            mapped = np.asarray(np.memmap(path, self.settings.dtype, "r", 0, shape))
        self._map = (state, mapped)

    def is_whole(self, state: IndexState) -> bool:
        """See :class:`Engine`."""
        path = self.folder / state.content
        return path.is_file() and path.stat().st_size >= state.count * self._row_bytes()

    def forget(self) -> None:
        """See :class:`Engine`."""
        self._map = None

    def _row_bytes(self) -> int:
        return self.settings.width * np.dtype(self.settings.dtype).itemsize

    def _features(self) -> npt.NDArray[Any]:
        """Return the mapped array, (N, C)."""
        assert self._map is not None
        return self._map[1]

    def _write(self, path: Path, start: int, blocks: Blocks) -> tuple[int, int]:
        """Write features behind those that count; return how many, and the last one's row."""
        count, last = 0, 0
        with open(path, "r+b" if start else "wb") as file:
            file.seek(start * self._row_bytes())
            for rows, features in blocks:
                file.write(np.ascontiguousarray(features).data)
                count, last = count + len(rows), int(rows[-1])
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        return count, last

    def _remove_others(self, path: Path) -> None:
        """Remove arrays of before, and those of killed processes."""
        for other in self.folder.glob("features-*.bin"):
            if other != path:
                remove(other)
