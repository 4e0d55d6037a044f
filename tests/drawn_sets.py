"""Drawn data sets of the tests: one tiny one, from which others differ in what they name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mmctl.datasets.synthetic import WRITERS, DrawnSettings

TINY = DrawnSettings(
    num_train_pids=8,
    num_test_pids=4,
    num_cameras=2,
    frames=(3, 6),
    size=(64, 32),
    num_junk=2,
    num_distractors=3,
)


def tiny_settings(layout: str, **changes: Any) -> DrawnSettings:
    """Return the settings of the tiny set with what a layout fixes, then with changes."""
    return replace(TINY, **{**WRITERS[layout].defaults, **changes})


def draw_tiny(root: Path, layout: str = "mars", **changes: Any) -> Path:
    """Draw the tiny set, or one that differs from it, into a folder; return the folder."""
    WRITERS[layout](root, tiny_settings(layout, **changes)).write()
    return root
