"""Crops in memory and in a file: the same bytes, from any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mmctl.apis.inference.crop_spool import CropSpool


@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_what_was_appended_is_read_in_any_order(memory):
    spool, crops = CropSpool(memory), [bytes([n]) * (n + 1) for n in range(100)]
    for crop in crops[:50]:
        spool.append(crop)
    assert spool[7] == crops[7]
    for crop in crops[50:]:
        spool.append(crop)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(spool.__getitem__, range(99, -1, -1))) == crops[::-1]
    assert spool[-1] == crops[-1]
    assert spool[98:] == crops[98:]
    with pytest.raises(IndexError):
        spool[100]
