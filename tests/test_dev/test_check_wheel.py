"""The parts of dev.check_wheel that need neither network nor gigabytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from dev.check_wheel import BUILT_FROM, CONFIG, NUM_PEOPLE, list_tools, run
from mmctl.__main__ import describe, find_tools
from mmctl.engine import check_config
from tests.conftest import ROOT


def test_the_config_of_its_own_has_known_keys_and_a_class_for_each_person(tmp_path: Path) -> None:
    text = CONFIG.format(people=NUM_PEOPLE)
    config = tmp_path / "mine.py"
    config.write_text(text.replace("mmctl::", f"{ROOT / 'configs'}/"))
    cfg = Config.fromfile(config)
    check_config(cfg)
    assert cfg.model.head.num_classes == NUM_PEOPLE
    assert {cfg[f"{part}_dataloader"].dataset.data_root for part in ("train", "val", "test")} == {
        "people"
    }


def test_it_builds_from_what_a_wheel_is_made_of() -> None:
    assert all((ROOT / name).exists() for name in BUILT_FROM)


def test_commands_run_without_the_checkout_and_a_failure_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    code = "import os; print(os.environ.get('PYTHONPATH'), os.getcwd())"
    assert run([sys.executable, "-c", code], tmp_path) == f"None {tmp_path}\n"
    with pytest.raises(SystemExit, match=r"(?s)no room.*error: status 3 of"):
        run([sys.executable, "-c", "print('no room'); raise SystemExit(3)"], tmp_path)


def test_it_knows_every_tool_of_the_list() -> None:
    tools = find_tools()
    assert list_tools(f"usage: ...\n\n{describe(tools)}\n\nTOOL --help says more") == list(tools)
