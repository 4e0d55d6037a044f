from __future__ import annotations

import pytest

from mmctl.engine.config_check.prepared_config import prepare_config, prepare_run
from tests.test_engine.tiny_runner import tiny_config


@pytest.fixture
def config_file(tmp_path):
    tiny_config("~/from_config").dump(tmp_path / "mine.py")
    return tmp_path / "mine.py"


def test_overrides_are_applied_expanded_and_checked(config_file, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    cfg = prepare_config(config_file, {"load_from": "~/a.pth", "model.width": 5})
    assert cfg.load_from == "/home/me/a.pth"
    assert cfg.model.width == 5
    with pytest.raises(ValueError, match=r"model\.widht: TinyModel does not know"):
        prepare_config(config_file, {"model.widht": 5})


def test_the_work_dir_is_that_of_the_command_the_config_or_the_name(config_file, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert prepare_run(config_file, work_dir="here").work_dir == "here"
    assert prepare_run(config_file).work_dir == "/home/me/from_config"
    cfg = prepare_run(config_file, {"work_dir": ""}, launcher="pytorch")
    assert cfg.work_dir == "work_dirs/mine"
    assert cfg.launcher == "pytorch"


def test_an_override_that_comes_too_late_is_refused(config_file):
    with pytest.raises(ValueError, match="custom_imports in a config file"):
        prepare_config(config_file, {"custom_imports.imports": ["x"]})
