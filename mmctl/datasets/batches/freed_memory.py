"""Freed frames make room for the next ones, instead of going back to the system and coming anew."""

from __future__ import annotations

import ctypes
import os

# Names of glibc's <malloc.h>, and the largest threshold that it takes on 64-bit machines.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_BLOCK = 32 * 2**20
_KEPT_AT_MOST = 128 * 2**20
_CHOSEN_BY_THE_USER = ("MALLOC_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Let this process keep up to 128 MiB of freed memory, and processes that it forks.

    The frames of a batch are freed together, glibc returns such memory to the system, and every
    page of the next batch is then fetched and cleared again: a quarter of the time that loading
    takes. Other C libraries, and settings of ``MALLOC_*`` or ``GLIBC_TUNABLES`` in the environment,
    are left alone.

    Returns:
        Whether it was set.
    """
    if any(name.startswith(_CHOSEN_BY_THE_USER) for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK) and mallopt(_M_TRIM_THRESHOLD, _KEPT_AT_MOST)
    )
