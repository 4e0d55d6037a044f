"""From the name of an engine to the index that it is."""

from __future__ import annotations

from pathlib import Path

from mmctl.gallery.engines.engine import Engine
from mmctl.gallery.engines.exact import ExactEngine
from mmctl.gallery.settings import ENGINES, GallerySettings


def build_engine(gallery: Path, settings: GallerySettings) -> Engine:
    """Return the index of a gallery; nothing is read or written yet.

    Args:
        gallery: Folder of the gallery.
        settings: What it is of.

    Raises:
        ImportError: If the engine's package is not installed.
    """
    folder = gallery / settings.engine
    if settings.engine == "faiss":
        from mmctl.gallery.engines.faiss_flat import FaissEngine

        return FaissEngine(folder, settings)
    if settings.engine == "milvus":
        from mmctl.gallery.engines.milvus import MilvusEngine

        return MilvusEngine(folder, settings)
    return ExactEngine(folder, settings)


def other_folders(gallery: Path, engine: str) -> list[Path]:
    """Return where indices of engines other than one lie, if there are any."""
    return [gallery / name for name in ENGINES if name != engine and (gallery / name).exists()]
