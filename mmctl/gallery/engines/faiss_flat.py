"""Exact search by FAISS: its flat index in a file, in memory while it is used."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.gallery.columns import Columns, Integers
from mmctl.gallery.engines.engine import Blocks, Engine, IndexState, Wanted, remove
from mmctl.gallery.engines.widening import widen

try:
    import faiss as _faiss
except ImportError as error:
    raise ImportError(
        f"the engine 'faiss' needs the package faiss-cpu: pip install faiss-cpu ({error})"
    ) from error

faiss: Any = _faiss  # its stubs have the arguments of C++


class FaissEngine(Engine):
    """``IndexFlatIP`` over the features by rising row of the database."""

    name = "faiss"
    _index: tuple[IndexState, Any] | None = None

    def replace(self, blocks: Blocks, columns: Columns, change: int) -> None:
        """See :class:`Engine`."""
        del columns
        self.forget()
        self._save(faiss.IndexFlatIP(self.settings.width), blocks, 0, change)

    def extend(self, state: IndexState, blocks: Blocks, columns: Columns, change: int) -> None:
        """See :class:`Engine`."""
        del columns
        self.open(state)
        assert self._index is not None
        index = self._index[1]
        self.forget()
        self._save(index, blocks, state.last_row, change)

    def candidates(
        self, queries: npt.NDArray[np.float32], topk: int, wanted: Wanted
    ) -> list[Integers]:
        """See :class:`Engine`."""
        assert self._index is not None
        index, mask = self._index[1], wanted.full_mask()
        bits = np.packbits(mask, bitorder="little")
        chosen = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))

        def search(numbers: list[int], limit: int) -> list[tuple[npt.NDArray[Any], Integers]]:
            scores, places = index.search(queries[numbers], limit, params=chosen)
            pairs = zip(scores, places, strict=True)
            return [(score[place >= 0], place[place >= 0]) for score, place in pairs]

        available = int(np.count_nonzero(mask))
        return widen(search, len(queries), topk, available, self.settings.width)

    def held(self, places: Integers, rows: Integers) -> npt.NDArray[Any]:
        """See :class:`Engine`."""
        del rows
        assert self._index is not None
        return self._index[1].reconstruct_batch(places)

    def open(self, state: IndexState) -> None:
        """See :class:`Engine`."""
        if self._index is None or self._index[0] != state:
            path = self.folder / state.content
            if not path.is_file():
                raise FileNotFoundError(f"index {path} does not exist")
            try:
                index = faiss.read_index(str(path))
            except RuntimeError as error:
                said = " ".join(str(error).split())[:200]
                raise ValueError(
                    f"index {path} is damaged: rebuild makes it anew ({said})"
                ) from error
            if (index.ntotal, index.d) != (state.count, self.settings.width):
                raise ValueError(
                    f"index {path} must hold {state.count} x {self.settings.width} numbers, got "
                    f"{index.ntotal} x {index.d}: rebuild makes it anew"
                )
            self._index = (state, index)

    def is_whole(self, state: IndexState) -> bool:
        """See :class:`Engine`."""
        path = self.folder / state.content
        return path.is_file() and path.stat().st_size >= 4 * state.count * self.settings.width

    def forget(self) -> None:
        """See :class:`Engine`."""
        self._index = None

    def _save(self, index: Any, blocks: Blocks, last: int, change: int) -> None:
        """Add rows to an index and write it to a new file; the old one goes."""
        self.make_folder()
        for rows, features in blocks:
            index.add(features.astype(np.float32))
            last = int(rows[-1])
        name = f"index-{change}-{os.urandom(4).hex()}.faiss"
        path = self.folder / name
        try:
            faiss.write_index(index, str(path))
        except RuntimeError as error:
            path.unlink(missing_ok=True)  # of a full disk, which needs the room
            said = " ".join(str(error).split())[:300]
            raise OSError(f"index {path} cannot be written ({said})") from error
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        self.write_state(IndexState(self.settings.gallery, change, index.ntotal, last, name))
        for other in self.folder.glob("index-*.faiss"):
            if other.name != name:
                remove(other)
