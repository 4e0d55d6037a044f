"""Every line of code in docs/en/explanations.md runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from mmctl.engine import run_command
from tests.conftest import ROOT, load_tool
from tests.test_apis.conftest import checkpoints

__all__ = ["checkpoints"]  # fixture

PAGE = (ROOT / "docs" / "en" / "explanations.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if "tools/visualization" in line
]
FLAGS = sorted(set(re.findall(r"`(--[a-z-]+)", PAGE)))


@pytest.fixture
def place(checkpoints, drawn_mars, tmp_path, monkeypatch) -> Path:
    """A folder that has all the files of the page."""
    for name, target in (
        ("epoch_20.pth", checkpoints["ctl"]),
        ("work_dirs/quickstart/ctl/epoch_20.pth", checkpoints["ctl"]),
        ("data/quickstart", drawn_mars),
        ("configs", ROOT / "configs"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_page_runs(place: Path) -> None:
    source = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    names: dict = {}
    exec(compile(source, "explanations.md", "exec"), names)
    assert names["within_a_frame"].shape == (17, 17)
    assert names["values"].shape[1:] == (8, 4)
    assert names["compared"].similarity == pytest.approx(names["split"].similarity)


def test_the_commands_of_the_page_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(COMMANDS) >= 3
    for command in COMMANDS:
        python, tool, *arguments = shlex.split(command)
        assert python == "python"
        # The set of the page has 196 tracklets and 96 people to train with.
        arguments = [str(int(a) % 13) if re.fullmatch(r"\d{3}", a) else a for a in arguments]
        arguments += ["--cfg-options", "model.head.num_classes=8"]
        monkeypatch.setattr(sys, "argv", [tool, *arguments])
        run_command(load_tool(tool.removeprefix("tools/")).main)
        assert (place / arguments[arguments.index("--save-path") + 1]).is_file()


@pytest.mark.parametrize("flag", FLAGS)
def test_every_option_of_the_page_is_one(flag: str) -> None:
    sources = [path.read_text() for path in (ROOT / "tools" / "visualization").glob("vis_*.py")]
    sources.append((ROOT / "mmctl" / "apis" / "explained_inputs.py").read_text())
    assert any(f'"{flag}"' in source for source in sources)
