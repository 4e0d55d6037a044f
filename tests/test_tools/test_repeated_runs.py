"""What the ablations and the study of keypoints share, with scripts in the place of the tools."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import load_tool
from tests.test_engine.test_commands.fold_runs import TEST, TRAIN


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, which finds scripts below its root; a training that is finished stays."""
    module = load_tool("analysis_tools/repeated_runs.py")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "tools").mkdir()
    stay = TRAIN.replace(
        '(folder / "last', '(folder / "last_checkpoint").exists() or (folder / "last'
    )
    (tmp_path / "tools" / "train.py").write_text(stay)
    (tmp_path / "tools" / "test.py").write_text(TEST)
    return module


def calls(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "calls.txt").read_text().splitlines()]


def test_a_finished_run_is_kept_and_a_damaged_one_tested_again(
    runs: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "study" / "seed1"
    first = runs.train_and_test(Path("cfg.py"), folder, ["seed=1"], ["--no-validate"])
    assert (first["mAP"], first["R1"]) == (51.0, 42.0)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("epoch_1.pth", "last_checkpoint", "metrics.json", "metrics.txt", "train.txt")
    ]
    assert runs.train_and_test(Path("cfg.py"), folder, ["seed=1"], ["--no-validate"]) == first
    assert calls(tmp_path / "study") == ["train", "test"]
    (folder / "metrics.json").write_text("{")
    assert runs.finished(folder / "metrics.json") is None
    assert runs.train_and_test(Path("cfg.py"), folder, ["seed=1"]) == first
    assert calls(tmp_path / "study") == ["train", "test"] * 2


def test_a_further_test_trains_nothing_and_has_files_of_its_own(
    runs: ModuleType, tmp_path: Path
) -> None:
    folder = tmp_path / "study" / "seed1"
    metrics = folder / "tested_on_jitter-0.2.json"
    with pytest.raises(ValueError, match="must leave a checkpoint to be tested"):
        runs.test(Path("cfg.py"), folder, metrics, ["seed=1"])
    runs.train_and_test(Path("cfg.py"), folder, ["seed=1"])
    numbers = runs.test(Path("cfg.py"), folder, metrics, ["seed=3"])
    assert numbers["mAP"] == 53.0
    assert json.loads(metrics.read_text()) == numbers
    assert (folder / "tested_on_jitter-0.2.txt").exists()
    (folder / "epoch_1.pth").unlink()
    assert runs.test(Path("cfg.py"), folder, metrics, ["seed=3"]) == numbers
    assert calls(tmp_path / "study") == ["train", "test", "test"]


def test_a_study_that_was_copied_tests_its_own_checkpoint(runs: ModuleType, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    runs.train_and_test(Path("cfg.py"), old / "seed1", ["seed=1"])
    shutil.copytree(old, new)
    (new / "seed1" / "metrics.json").unlink()
    own = str(new / "seed1" / "epoch_1.pth")
    assert (new / "seed1" / "last_checkpoint").read_text() != own
    numbers = runs.train_and_test(Path("cfg.py"), new / "seed1", ["seed=1"])
    further = runs.test(Path("cfg.py"), new / "seed1", new / "seed1" / "tested.json", ["seed=1"])
    assert numbers["checkpoint"] == further["checkpoint"] == own
