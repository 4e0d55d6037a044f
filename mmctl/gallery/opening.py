"""The files of a gallery: where they are, and when they are opened or made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmctl.files import shorten
from mmctl.gallery import schema
from mmctl.gallery.index import Index
from mmctl.gallery.records import TrackletRecord, check_unit
from mmctl.gallery.settings import new_settings
from mmctl.gallery.store import Store

DATABASE = "gallery.sqlite"


class GalleryFiles:
    """Opens the files of a gallery when they are wanted.

    Args:
        path: Folder of the gallery.
        engine: Engine that it must have, or that a new one gets.
        server: Its server, likewise.
        dtype: Type of the numbers, likewise.

    Raises:
        ValueError: If the place is none for a gallery, or what is there is damaged or of a newer
            version, or has another engine or type.
    """

    def __init__(
        self, path: str | Path, engine: str | None, server: str | None, dtype: str | None
    ) -> None:
        if "://" in str(path):
            raise ValueError(
                "the rows of a gallery lie in a folder of this machine, also where a server "
                f"searches them, got {shorten(str(path))}: give a folder, and the engine 'milvus' "
                "with this server"
            )
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"gallery {path} must be a folder, got a file")
        self.database = self.path / DATABASE
        self._wanted = {
            "engine": "milvus" if server and engine is None else engine,
            "server": server,
            "dtype": dtype,
        }
        self._opened: tuple[Store, Index] | None = None
        if self.exists():
            self._open()

    def exists(self) -> bool:
        """Return whether there is a gallery."""
        return self._opened is not None or not schema.is_empty(self.database)

    @property
    def store(self) -> Store:
        """The open database."""
        return self._open()[0]

    @property
    def index(self) -> Index:
        """The open index."""
        return self._open()[1]

    def create(self, first: TrackletRecord, model: str, feature: str) -> None:
        """Make a gallery.

        Args:
            first: A record that is to be in it.
            model: Hash of the model of its features.
            feature: What they are, in words.

        Raises:
            ValueError: If the record or a setting breaks a rule.
        """
        check_unit(first.feature, None, "record 0: feature")
        wanted, width = self._wanted, first.feature.shape[-1]
        dtype = wanted["dtype"] or "float32"
        settings = new_settings(
            model,
            feature,
            width,
            dtype,
            wanted["engine"] or "exact",
            wanted["server"] or "",
        )
        self.path.mkdir(parents=True, exist_ok=True)
        schema.create(self.database, settings, width * np.dtype(dtype).itemsize)
        self._open()

    def close(self) -> None:
        """Close what is open."""
        if self._opened is not None:
            store, index = self._opened
            self._opened = None
            index.close()
            store.close()

    def _open(self) -> tuple[Store, Index]:
        if self._opened is None:
            if schema.is_empty(self.database):
                raise FileNotFoundError(
                    f"gallery {self.path} does not exist; adding tracklets makes one"
                )
            store = Store(self.database, schema.connect(self.database))
            try:
                self._check(store)
                self._opened = store, Index(store, self.path)
            except BaseException:
                store.close()
                raise
        return self._opened

    def _check(self, store: Store) -> None:
        for name, wanted in self._wanted.items():
            found = getattr(store.settings, name)
            if wanted is not None and wanted != found:
                raise ValueError(
                    f"gallery {self.path} has the {name} {found!r}, got {shorten(wanted)}: rebuild "
                    "changes engine and server, the type of numbers is for good"
                )
