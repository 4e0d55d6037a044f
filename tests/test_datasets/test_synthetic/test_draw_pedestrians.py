"""The command, run as a user runs it but inside this process."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "dataset_converters" / "draw_pedestrians.py"
OPTIONS = (
    *("--num-train-pids", "2", "--num-test-pids", "2", "--num-cameras", "2", "--frames", "2", "3"),
    *("--size", "64", "32", "--num-junk", "1", "--num-distractors", "1", "--workers", "1"),
)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", [str(SCRIPT), *arguments])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_it_draws_once_and_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(tmp_path / "set"), *OPTIONS)
    assert "next: python tools/train.py" in capsys.readouterr().out
    assert (tmp_path / "set" / "info" / "drawn.json").exists()
    run(monkeypatch, str(tmp_path / "set"), *OPTIONS)
    assert capsys.readouterr().out == f"{tmp_path / 'set'}: already complete\n"


def test_other_settings_need_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(tmp_path), *OPTIONS)
    with pytest.raises(SystemExit, match=r"error: .*seed 0 there, 1 asked for.*--force"):
        run(monkeypatch, str(tmp_path), *OPTIONS, "--seed", "1")
    run(monkeypatch, str(tmp_path), *OPTIONS, "--seed", "1", "--force")
    assert "complete" in capsys.readouterr().out


def test_a_wrong_setting_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="error: num_cameras must be 2 to 6"):
        run(monkeypatch, str(tmp_path), "--num-cameras", "9")


def test_a_full_disk_ends_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 0})())
    with pytest.raises(SystemExit, match=r"error: .* more bytes, the disk has 0 free"):
        run(monkeypatch, str(tmp_path / "set"), *OPTIONS)
