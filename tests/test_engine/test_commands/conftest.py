"""A project with tools that take an instant."""

from __future__ import annotations

import pytest

from tests.test_engine.test_commands.fold_runs import TEST, TRAIN


@pytest.fixture
def root(tmp_path):
    for camid in (1, 2):
        for person in ("person001", "person002", "person003", "person004"):
            folder = tmp_path / "data" / "i-LIDS-VID" / "sequences" / f"cam{camid}" / person
            folder.mkdir(parents=True)
            (folder / f"cam{camid}_{person}_00001.png").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "train.py").write_text(TRAIN)
    (tmp_path / "tools" / "test.py").write_text(TEST)
    return tmp_path
