"""The command, run as a user runs it but inside this process."""

from __future__ import annotations

import re
import runpy
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from mmctl.datasets.synthetic import MarsWriter

SCRIPT = Path(__file__).parents[3] / "tools" / "dataset_converters" / "draw_pedestrians.py"
OPTIONS = (
    *("--num-train-pids", "2", "--num-test-pids", "2", "--num-cameras", "2", "--frames", "2", "3"),
    *("--size", "64", "32", "--num-junk", "1", "--num-distractors", "1", "--workers", "1"),
)


def fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> str:
    """Return the line in which the command ends."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments)
    assert ended.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    return line


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", [str(SCRIPT), *arguments])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_it_draws_once_and_says_what_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(tmp_path / "set"), *OPTIONS)
    command = capsys.readouterr().out.splitlines()[-1]
    assert command.startswith("next: python tools/train.py")
    assert command.endswith(" model.head.num_classes=2")
    assert (tmp_path / "set" / "info" / "drawn.json").exists()
    run(monkeypatch, str(tmp_path / "set"), *OPTIONS)
    assert capsys.readouterr().out == f"{tmp_path / 'set'}: already complete\n"


def test_other_settings_need_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, str(tmp_path), *OPTIONS)
    line = fail(monkeypatch, capsys, str(tmp_path), *OPTIONS, "--seed", "1")
    assert re.match(r"error: .*seed 0 there, 1 asked for.*--force", line)
    run(monkeypatch, str(tmp_path), *OPTIONS, "--seed", "1", "--force")
    assert "complete" in capsys.readouterr().out


def test_a_wrong_setting_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = fail(monkeypatch, capsys, str(tmp_path), "--num-cameras", "9")
    assert line.startswith("error: num_cameras must be 2 to 6")


def test_a_full_disk_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 0})())
    line = fail(monkeypatch, capsys, str(tmp_path / "set"), *OPTIONS)
    assert re.match(r"error: .* more bytes, the disk has 0 free", line)


def test_a_place_that_cannot_be_a_folder_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    line = fail(monkeypatch, capsys, str(tmp_path / "file" / "set"), *OPTIONS)
    assert re.match(r"error: .*Not a directory: .*file", line)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted; running the command again, without --force"),
        (BrokenProcessPool("A process died."), 2, "error: A process died. Running the command"),
    ],
)
def test_what_is_cut_short_says_how_to_go_on(
    error: BaseException,
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def write(*_: object) -> None:
        raise error

    monkeypatch.setattr(MarsWriter, "write", write)
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, str(tmp_path / "set"), *OPTIONS)
    assert ended.value.code == status
    assert message in capsys.readouterr().err
