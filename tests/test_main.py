"""``python -m mmctl``: every tool by its name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mmctl import __main__ as front
from tests.conftest import ROOT


def call(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["python -m mmctl", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    front.main()


def test_every_tool_is_there_with_a_line(monkeypatch, capsys):
    tools = front.find_tools()
    files = [path for path in (ROOT / "tools").rglob("*.py") if "benchmarks" not in path.parts]
    runs = {path.stem for path in files if "run_command(" in path.read_text()}
    assert runs == set(tools)
    call(monkeypatch)
    shown = capsys.readouterr().out
    call(monkeypatch, "--help")
    assert capsys.readouterr().out == shown
    for name in tools:
        (line,) = [line for line in shown.splitlines() if line.split()[:1] == [name]]
        assert line.endswith((".", "``."))


def test_arguments_go_to_the_tool(monkeypatch, capsys):
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, "gallery", "list", "--help")
    assert caught.value.code == 0
    assert "folder of the gallery" in capsys.readouterr().out


def test_a_tool_finds_what_lies_beside_it(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "repeated_runs", raising=False)
    with pytest.raises(SystemExit, match="0"):
        call(monkeypatch, "run_ablations", "--help")
    assert "seeds" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["trian", "train.py", "../setup", ""])
def test_an_unknown_tool_is_refused(monkeypatch, capsys, name):
    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, name)
    assert caught.value.code == 2
    assert f"got {name!r}" in capsys.readouterr().err


def test_a_mistake_ends_in_the_tool_s_line_and_status():
    command = [sys.executable, "-m", "mmctl", "train", "nowhere.py"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 2
    assert "nowhere.py" in ended.stderr
    assert "Traceback" not in ended.stderr
