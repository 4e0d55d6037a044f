"""What libjpeg and libpng print while OpenCV decodes, which OpenCV itself keeps to itself.

Both libraries go on after damage in the midst of a file and fill the gap with grey or shifted rows;
the line on the standard error stream is the only sign of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


class DecoderMessages:
    """The lines printed since the last call of :meth:`take`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def take(self) -> str:
        """Return the new lines, joined by ``'; '``; empty if nothing was printed."""
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        content = os.pread(self._descriptor, end - self._position, self._position)
        self._position = end
        return "; ".join(content.decode("utf-8", "replace").split("\n")).strip("; ")


@contextmanager
def decoder_messages() -> Iterator[DecoderMessages]:
    """Collect what this process writes to its standard error stream, all threads together."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield DecoderMessages(file.fileno())
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
