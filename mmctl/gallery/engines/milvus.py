"""Search by Milvus: a server, or Milvus Lite in a folder of the gallery."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.gallery.columns import UNKNOWN, Columns, Integers
from mmctl.gallery.engines.engine import Blocks, Engine, IndexState, Wanted
from mmctl.gallery.engines.widening import widen

try:
    from pymilvus import DataType, MilvusClient, MilvusException
except ImportError as error:
    raise ImportError(
        f"the engine 'milvus' needs pymilvus: pip install 'mmctl[milvus]' ({error})"
    ) from error

INSERTED = 500
"""Rows of one insert."""

TOKEN = "MMCTL_MILVUS_TOKEN"
"""Environment variable with the token of a server, as ``user:password``; it is never stored."""

_MOST_HITS = 16_384
_SECONDS = 30.0
_NEVER = 2**63 - 1
_LITE = "index.db"
_COLUMNS = ("camera", "start_time", "end_time", "expires")


class MilvusEngine(Engine):
    """A collection with a flat index of inner products: exact but for rounding."""

    name = "milvus"
    _client: Any = None
    _opened: IndexState | None = None

    def replace(self, blocks: Blocks, columns: Columns, change: int) -> None:
        """See :class:`Engine`."""
        old = self._collections()
        self.forget()
        self.make_folder()
        if not self.settings.server:
            shutil.rmtree(self.folder / _LITE, ignore_errors=True)  # the bytes go with the files
        name = f"{self._prefix()}_{change}_{os.urandom(4).hex()}"
        with self._errors():
            self._create(name)
            count, last = self._insert(name, blocks, columns)
        self.write_state(IndexState(self.settings.gallery, change, count, last, name))
        with self._errors():
            for other in old if self.settings.server else ():
                self._connect().drop_collection(other)

    def extend(self, state: IndexState, blocks: Blocks, columns: Columns, change: int) -> None:
        """See :class:`Engine`."""
        with self._errors():
            count, last = self._insert(state.content, blocks, columns)
        last = last or state.last_row
        self.write_state(
            IndexState(state.gallery, change, state.count + count, last, state.content)
        )

    def candidates(
        self, queries: npt.NDArray[np.float32], topk: int, wanted: Wanted
    ) -> list[Integers]:
        """See :class:`Engine`."""
        assert self._opened is not None
        name, expression = self._opened.content, to_expression(wanted)

        def search(numbers: list[int], limit: int) -> list[tuple[npt.NDArray[Any], Integers]]:
            with self._errors():
                found = self._connect().search(
                    name,
                    data=queries[numbers],
                    anns_field="feature",
                    limit=limit,
                    filter=expression,
                    search_params={"metric_type": "IP"},
                    output_fields=["number"],
                    consistency_level="Strong",
                    timeout=_SECONDS,
                )
            return [_to_arrays(hits, wanted.columns) for hits in found]

        available = int(np.count_nonzero(wanted.full_mask()))
        return widen(search, len(queries), topk, available, self.settings.width, _MOST_HITS)

    def held(self, places: Integers, rows: Integers) -> npt.NDArray[Any]:
        """See :class:`Engine`."""
        del places
        assert self._opened is not None
        found = np.full((len(rows), self.settings.width), np.nan, np.float32)
        for start in range(0, len(rows), INSERTED):
            part = rows[start : start + INSERTED]
            with self._errors():
                held = self._connect().query(
                    self._opened.content,
                    filter=f"number in {part.tolist()}",
                    output_fields=["number", "feature"],
                    consistency_level="Strong",
                    timeout=_SECONDS,
                )
            for row in held:
                place = int(np.searchsorted(part, row["number"]))
                found[start + place] = row["feature"]
        return found

    def open(self, state: IndexState) -> None:
        """See :class:`Engine`."""
        if self._opened != state:
            with self._errors():
                self._connect().load_collection(state.content, timeout=_SECONDS)
            self._opened = state

    def is_whole(self, state: IndexState) -> bool:
        """See :class:`Engine`."""
        return state.content in self._collections()

    def forget(self) -> None:
        """See :class:`Engine`."""
        if self._client is not None:
            self._client.close()
        self._client = self._opened = None

    def drop(self) -> None:
        """See :class:`Engine`."""
        if self.settings.server:
            with self._errors():
                for name in self._collections():
                    self._connect().drop_collection(name)
        super().drop()

    def _prefix(self) -> str:
        return f"mmctl_{self.settings.gallery[:16]}"

    def _collections(self) -> list[str]:
        """Return the collections of this gallery: one, and those of killed processes."""
        if not self.settings.server and not (self.folder / _LITE).exists():
            return []
        with self._errors():
            found = self._connect().list_collections()
        return [name for name in found if name.startswith(self._prefix())]

    def _connect(self) -> Any:
        if self._client is None:
            place = self.settings.server or str(self.folder / _LITE)
            token = os.environ.get(TOKEN, "") if self.settings.server else ""
            self._client = MilvusClient(place, token=token, timeout=_SECONDS)
        return self._client

    def _create(self, name: str) -> None:
        client = self._connect()
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("number", DataType.INT64, is_primary=True)
        for column in _COLUMNS:
            schema.add_field(column, DataType.INT64)
        schema.add_field("feature", DataType.FLOAT_VECTOR, dim=self.settings.width)
        index = client.prepare_index_params()
        index.add_index(field_name="feature", index_type="FLAT", metric_type="IP")
        client.create_collection(
            name, schema=schema, index_params=index, consistency_level="Strong", timeout=_SECONDS
        )

    def _insert(self, name: str, blocks: Blocks, columns: Columns) -> tuple[int, int]:
        """Put rows in; those that a killed process has put in before are the same."""
        count, last = 0, 0
        for rows, features in blocks:
            places = np.searchsorted(columns.rows, rows)
            expires = columns.expires[places]
            expires = np.where(expires == UNKNOWN, _NEVER, expires)
            others = (columns.cameras[places], columns.starts[places], columns.ends[places])
            table = np.stack([rows, *others, expires], axis=1).tolist()
            keys, wide = ("number", *_COLUMNS), features.astype(np.float32)
            for start in range(0, len(rows), INSERTED):
                part = zip(table[start : start + INSERTED], wide[start:], strict=False)
                entries = [
                    dict(zip(keys, values, strict=True), feature=one) for values, one in part
                ]
                self._connect().upsert(name, entries, timeout=_SECONDS)
            count, last = count + len(rows), int(rows[-1])
        self._connect().flush(name, timeout=_SECONDS)
        return count, last

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what the client raises into one clear line."""
        try:
            yield
        except (MilvusException, OSError, RuntimeError) as error:
            self._client = self._opened = None
            said = " ".join(str(getattr(error, "message", error)).split())[:300]
            if self.settings.server:
                raise ValueError(
                    f"the Milvus server {self.settings.server} does not answer as it should "
                    f"({said}): nothing is lost, the rows are in {self.folder.parent}; try again "
                    "when it is there, or rebuild with another engine"
                ) from error
            raise ValueError(
                f"the Milvus Lite index {self.folder / _LITE} cannot be used ({said}): only one "
                "process at a time may have it open; if none has, rebuild makes it anew"
            ) from error


def to_expression(wanted: Wanted) -> str:
    """Return the filter as Milvus reads it; it is made of numbers alone.

    Args:
        wanted: What may be found.
    """
    chosen, conditions = wanted.filter, [f"expires > {wanted.moment}"]
    if chosen.rows is not None:
        conditions.append(f"number in {sorted(map(int, chosen.rows))}")
    if chosen.cameras is not None:
        conditions.append(f"camera in {sorted(map(int, chosen.cameras))}")
    if wanted.without_camera is not None:
        conditions.append(f"camera != {int(wanted.without_camera)}")
    if chosen.after is not None or chosen.before is not None:
        conditions += [f"start_time > {UNKNOWN + 1}", f"end_time > {UNKNOWN + 1}"]
    if chosen.after is not None:
        conditions.append(f"end_time >= {chosen.after}")
    if chosen.before is not None:
        conditions.append(f"start_time <= {chosen.before}")
    return " and ".join(conditions)


def _to_arrays(hits: Any, columns: Columns) -> tuple[npt.NDArray[Any], Integers]:
    rows = np.array([hit["entity"]["number"] for hit in hits], np.int64)
    scores = np.array([hit["distance"] for hit in hits], np.float64)
    return scores, np.searchsorted(columns.rows, rows)
