"""A disk that fills up while it is drawn to."""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest

from mmctl.files import whole_files


def fill_disk_after(monkeypatch: pytest.MonkeyPatch, num_files: int) -> None:
    """Let the disk take some files, and half of the next one."""
    left = [num_files]

    class Filling(io.FileIO):
        def write(self, content: Any) -> int:
            left[0] -= 1
            if left[0] < 0:
                super().write(content[: len(content) // 2])
                raise OSError(errno.ENOSPC, "No space left on device", self.name)
            return super().write(content)

    def open_filling(path: Path, *_: object, **__: object) -> Filling:
        return Filling(path, "w")

    monkeypatch.setattr(whole_files, "open", open_filling, raising=False)
