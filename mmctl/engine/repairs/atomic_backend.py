"""MMEngine's local files, whole or absent."""

from __future__ import annotations

from pathlib import Path

from mmengine.fileio import LocalBackend

from mmctl.files import open_atomically, write_whole


class AtomicLocalBackend(LocalBackend):
    """MMEngine's backend of local files with writes that are done whole or not at all."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; folders are made.

        Args:
            obj: The whole content.
            filepath: Name of the file.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        write_whole(filepath, obj)

    def put_text(self, obj: str, filepath: str | Path, encoding: str = "utf-8") -> None:
        """Write text; folders are made.

        Args:
            obj: The whole content.
            filepath: Name of the file.
            encoding: Of the file.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(filepath, "w", encoding=encoding) as file:
            file.write(obj)
