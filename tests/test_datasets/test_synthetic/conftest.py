"""Tiny data sets for the tests of the drawn pedestrians."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mmctl.datasets.synthetic import DrawnSettings, MarsWriter

TINY = DrawnSettings(
    num_train_pids=5,
    num_test_pids=3,
    num_cameras=3,
    tracklets_per_camera=2,
    frames=(2, 4),
    size=(64, 32),
    num_junk=4,
    num_distractors=5,
    seed=3,
)


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


@pytest.fixture(scope="session")
def drawn_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished tiny data set; read only."""
    root = tmp_path_factory.mktemp("drawn") / "set"
    MarsWriter(root, TINY).write()
    return root
