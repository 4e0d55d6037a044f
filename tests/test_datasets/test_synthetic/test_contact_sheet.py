from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.mark.parametrize("name", ["contact_sheet.png", "keypoint_sheet.png"])
def test_the_sheets_show_more_than_paper(drawn_root: Path, name: str) -> None:
    sheet = cv2.imread(str(drawn_root / name))
    assert min(sheet.shape[:2]) > 300
    assert (sheet.min(2) < 200).mean() > 0.2


def test_the_keypoint_sheet_marks_visible_and_hidden_joints(drawn_root: Path) -> None:
    blue, green, red = (
        cv2.imread(str(drawn_root / "keypoint_sheet.png")).astype(int).transpose(2, 0, 1)
    )
    visible = (green - np.maximum(blue, red)) > 120
    hidden = (red - np.maximum(blue, green)) > 150
    assert visible.sum() > 1000
    assert hidden.sum() > 200
