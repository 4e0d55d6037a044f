"""Swin's windows go back to their places as mmpretrain puts them, whatever the number of frames."""

from __future__ import annotations

import pytest
import torch
from mmpretrain.models.utils.attention import ShiftWindowMSA

from mmctl.deployment.whole_windows import reverse_windows, whole_windows


@pytest.mark.parametrize(("frames", "height", "width", "size"), [(1, 7, 7, 7), (3, 14, 21, 7)])
def test_windows_go_back_to_their_places(frames, height, width, size):
    maps = torch.arange(frames * height * width * 2.0).reshape(frames, height, width, 2)
    windows = ShiftWindowMSA.window_partition(maps, size)
    assert torch.equal(reverse_windows(windows, height, width, size), maps)
    theirs = ShiftWindowMSA.window_reverse(windows, height, width, size)
    assert torch.equal(reverse_windows(windows, height, width, size), theirs)


def test_mmpretrain_has_its_own_again_afterwards():
    before = ShiftWindowMSA.__dict__["window_reverse"]
    with whole_windows():
        assert ShiftWindowMSA.window_reverse is reverse_windows
    assert ShiftWindowMSA.__dict__["window_reverse"] is before
