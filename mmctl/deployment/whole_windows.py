"""Swin's windows for any number of frames: mmpretrain's float division fixes the number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor


def reverse_windows(windows: Tensor, height: int, width: int, size: int) -> Tensor:
    """Put windows back into maps, as mmpretrain's ``window_reverse`` does.

    Args:
        windows: (B * height / size * width / size, size, size, C).
        height: Of a map, a multiple of ``size``.
        width: Likewise.
        size: Of a window.

    Returns:
        Maps, (B, height, width, C).
    """
    rows, columns = height // size, width // size
    maps = windows.reshape(-1, rows, columns, size, size, windows.shape[-1])
    return maps.permute(0, 1, 3, 2, 4, 5).reshape(-1, height, width, windows.shape[-1])


@contextmanager
def whole_windows() -> Iterator[None]:
    """Let Swin's blocks use :func:`reverse_windows`."""
    from mmpretrain.models.utils import attention

    block: Any = attention.ShiftWindowMSA
    before = block.__dict__["window_reverse"]
    block.window_reverse = staticmethod(reverse_windows)
    try:
        yield
    finally:
        block.window_reverse = before
