"""What the README shows runs, and what it says of the product is true."""

from __future__ import annotations

import re

from mmctl import __version__
from tests.conftest import ROOT
from tests.test_apis.conftest import checkpoints

__all__ = ["checkpoints"]  # fixture

README = (ROOT / "README.md").read_text()


def test_the_lines_of_python_run(checkpoints, drawn_mars, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "quickstart").symlink_to(drawn_mars)
    weights = tmp_path / "work_dirs" / "quickstart" / "ctl"
    weights.mkdir(parents=True)
    (weights / "epoch_20.pth").symlink_to(checkpoints["ctl"])
    monkeypatch.chdir(tmp_path)
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(source, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip().splitlines()[-3:]
    assert all(re.fullmatch(r"-?\d\.\d{3} camera \d+ person \d+", line) for line in printed)
    lines = [line for line in source.splitlines() if line.strip() and not line.startswith("from")]
    assert len(lines) <= 10


def test_its_commands_configs_links_and_version_are_there():
    for path in re.findall(r"^(?:bash|python) (\S+)", README, re.MULTILINE):
        assert (ROOT / path).is_file(), path
    for path in re.findall(r"`(configs/[^`]+\.py)`", README):
        assert (ROOT / path).is_file(), path
    for link in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / link).exists(), link
    assert f"version = {{{__version__}}}" in README


def test_it_has_one_picture():
    assert len(re.findall(r"!\[", README)) == 1
