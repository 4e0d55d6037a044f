"""Tiny data sets for the tests of the drawn pedestrians."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mmctl.datasets.synthetic import DrawnSettings
from tests.drawn_sets import TINY


def digest_files(root: Path) -> dict[str, str]:
    """Return a checksum of every file below a folder, by relative path."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session")
def tiny() -> DrawnSettings:
    return TINY


@pytest.fixture
def drawn_root(drawn_mars: Path) -> Path:
    """Return a finished tiny data set; read only."""
    return drawn_mars
