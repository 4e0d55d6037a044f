"""What a gallery is of: one model, one kind of feature, one width and number type."""

from __future__ import annotations

import sqlite3
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mmctl.files import shorten

DTYPES = ("float32", "float16")
ENGINES = ("exact", "faiss", "milvus")

_COUNTERS = {"changes": 0, "features": 0, "unerased": 0}
_WIDEST = 1 << 20


@dataclass(frozen=True)
class GallerySettings:
    """What is the same for all rows of a gallery.

    Attributes:
        gallery: Number of the gallery itself, 32 hexadecimal digits.
        model: Hash of the model (weights, config and preprocessing) that made the features.
        feature: What the features are, in words; '' if their file does not say.
        width: Numbers in a feature.
        dtype: Type of the numbers, ``'float32'`` or ``'float16'``.
        engine: Index that searches use.
        server: URI of the Milvus server; '' for an index beside the database.
    """

    gallery: str
    model: str
    feature: str
    width: int
    dtype: str
    engine: str
    server: str

    def with_engine(self, engine: str, server: str) -> GallerySettings:
        """Return the settings with another engine."""
        return replace(self, engine=engine, server=server)


def new_settings(
    model: str, feature: str, width: int, dtype: str, engine: str, server: str
) -> dict[str, str | int]:
    """Return what is written into a new gallery.

    Raises:
        ValueError: If a value is unknown.
    """
    if not model:
        raise ValueError(
            "a gallery must know which model its features are of, because those of two models "
            "must not be compared, got ''"
        )
    if dtype not in DTYPES:
        raise ValueError(f"dtype of a gallery must be one of {DTYPES}, got {shorten(dtype)}")
    check_engine(engine, server)
    if not 1 <= width <= _WIDEST:
        raise ValueError(f"features must have from 1 to {_WIDEST:,} numbers, got {width}")
    found = GallerySettings(uuid.uuid4().hex, model, feature, width, dtype, engine, server)
    return asdict(found) | _COUNTERS


def check_engine(engine: str, server: str) -> None:
    """Raise unless an engine is known and may have this server.

    Raises:
        ValueError: If not.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine of a gallery must be one of {ENGINES}, got {shorten(engine)}")
    if server and engine != "milvus":
        raise ValueError(f"only the engine 'milvus' has a server, got {server!r} with {engine!r}")
    if server and not server.startswith(("http://", "https://", "tcp://", "unix:")):
        raise ValueError(
            "server must be the URI of a Milvus server, as http://localhost:19530, got "
            f"{shorten(server)}"
        )


def read_settings(connection: sqlite3.Connection, path: Path) -> GallerySettings:
    """Read and check them.

    Raises:
        ValueError: If one is missing or not what it must be.
    """
    found: dict[str, Any] = dict(connection.execute("SELECT name, value FROM settings"))
    for name, field in GallerySettings.__dataclass_fields__.items():
        kind = int if field.type == "int" else str
        if type(found.get(name)) is not kind:
            raise ValueError(
                f"gallery {path} is damaged: its setting {name!r} cannot be "
                f"{shorten(found.get(name))}"
            )
    settings = GallerySettings(**{n: found[n] for n in GallerySettings.__dataclass_fields__})
    is_known = settings.dtype in DTYPES and settings.engine in ENGINES
    if not is_known or not 1 <= settings.width <= _WIDEST:
        raise ValueError(f"gallery {path} is damaged: it cannot have the settings {settings}")
    return settings
