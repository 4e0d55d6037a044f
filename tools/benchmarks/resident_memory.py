"""Peak memory of a call on a CPU, as the Linux kernel counts it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

M_MMAP_THRESHOLD = -3
"""glibc's number of the option: bytes from which a block is the system's own."""
SMALL, LARGEST = 1 << 16, 1 << 25

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def is_available() -> bool:
    """Return whether the system counts and resets a process's peak (Linux)."""
    return STATUS.exists() and CLEAR.exists()


def read_bytes(name: str) -> int:
    """Return ``VmRSS`` (resident now) or ``VmHWM`` (its peak) of this process in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(line.split()[1]) * 1024


def start_peak() -> int:
    """Give freed memory back to the system, reset the peak and return the bytes resident now."""
    ctypes.CDLL(None).malloc_trim(0)
    CLEAR.write_text("5")
    return read_bytes("VmRSS")


@contextmanager
def large_blocks_returned() -> Iterator[None]:
    """Let the C library return every large block when it is freed, so that a peak is exact.

    Otherwise it keeps blocks of up to 32 MB, and the gaps between those in use count as well.
    Taking each from the system anew costs time: nothing should be timed in here.
    """
    library = ctypes.CDLL(None)
    library.mallopt(M_MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:
        library.mallopt(M_MMAP_THRESHOLD, LARGEST)
