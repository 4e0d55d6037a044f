"""Every line of code in docs/en/verification.md runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from mmctl.engine import run_command
from tests.conftest import ROOT, load_tool
from tests.test_apis.conftest import checkpoints
from tests.test_evaluation.verified_tracklets import drawn

__all__ = ["checkpoints"]  # fixture

PAGE = (ROOT / "docs" / "en" / "verification.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run_line(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    python, tool, *arguments = shlex.split(line)
    assert python == "python"
    monkeypatch.setattr(sys, "argv", [tool, *arguments])
    run_command(load_tool(tool.removeprefix("tools/")).main)


def test_the_code_of_the_page_runs(checkpoints, drawn_mars, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "quickstart").symlink_to(drawn_mars)
    (tmp_path / "epoch_20.pth").symlink_to(checkpoints["ctl"])
    monkeypatch.chdir(tmp_path)
    extract, calibrate = blocks("bash")[0].splitlines()
    run_line(extract, monkeypatch)
    # People of more cameras than the smallest drawn set has.
    settings = {"model": "ab", "dataset": "MARS", "feature": "after"}
    drawn(1, 400, 40).tracklets.save(Path("work_dirs/features/features.npz"), settings=settings)
    run_line(calibrate, monkeypatch)
    assert {"calibration.json", "calibration.png"} <= {path.name for path in tmp_path.iterdir()}
    names: dict = {}
    for source in blocks("python"):
        exec(compile(source, "verification.md", "exec"), names)
    said = capsys.readouterr().out
    assert "similarity 0.800: one person with probability" in said
    assert "WARNING: the" not in said
