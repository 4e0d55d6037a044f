"""Every command and line of Python in docs/en/gallery.md runs."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

from mmctl.engine import run_command
from mmctl.gallery import Gallery
from tests.conftest import ROOT, load_tool
from tests.test_tools.test_gallery import write

PAGE = (ROOT / "docs" / "en" / "gallery.md").read_text()
COMMANDS = re.findall(r"^python (tools/(?:gallery|visualization).*)$", PAGE, re.MULTILINE)


def run_line(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, *arguments = shlex.split(line, comments=True)
    monkeypatch.setattr(sys, "argv", [tool, *arguments])
    main = load_tool(tool.removeprefix("tools/")).main
    if arguments[0] == "verify":
        with pytest.raises(SystemExit, match="0"):
            run_command(main)
    else:
        run_command(main)


def test_the_commands_and_the_code_of_the_page_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "work_dirs" / "street", 12)
    local = [line for line in COMMANDS if "--server" not in line]
    assert len(local) == len(COMMANDS) - 1 == 13
    for line in local:
        if "add" in line:
            run_line(line, monkeypatch)
            with Gallery("work_dirs/gallery") as gallery:
                chosen = next(iter(gallery.list())).id
        elif "confirm" in line:
            for source in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
                exec(compile(source, "gallery.md", "exec"), {})
            run_line(line.replace("ID", chosen), monkeypatch)
        else:
            run_line(line.replace("ID", chosen), monkeypatch)
    said = capsys.readouterr().out
    assert "work_dirs/found.html: 2 queries" in said
    assert "work_dirs/ranking.html: 12 queries" in said
    assert "12 new, 0 replaced, 0 as before" in said
    assert "camera of the query" in said
    assert "all is well" in said
    assert "1 tracklets forgotten, 11 left" in said


def test_every_engine_and_promise_has_its_name_on_the_page():
    for name in (
        "exact",
        "faiss",
        "milvus",
        "MMCTL_MILVUS_TOKEN",
        "kill_galleries",
        "MMCTL_SERVE_TOKEN",
    ):
        assert f"{name}" in PAGE
