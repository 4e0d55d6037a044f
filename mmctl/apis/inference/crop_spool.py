"""Crops of a track that goes on: few in memory, the others in a file that nobody sees."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from typing import Any

MEMORY = 4 << 20
"""Bytes of a track that stay in memory; a track of more goes to the disk for temporary files."""


class CropSpool(Sequence):
    """Encoded crops that are appended and read by their place, from any thread.

    Args:
        memory: Bytes that stay in memory.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._file = tempfile.SpooledTemporaryFile(memory)  # noqa: SIM115 (goes with this object)
        self._ends = [0]
        self._lock = threading.Lock()

    def append(self, content: bytes) -> None:
        """Add a crop."""
        with self._lock:
            self._file.seek(self._ends[-1])
            self._file.write(content)
            self._ends.append(self._ends[-1] + len(content))

    def __del__(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        with self._lock:
            self._file.seek(self._ends[index])
            return self._file.read(self._ends[index + 1] - self._ends[index])
