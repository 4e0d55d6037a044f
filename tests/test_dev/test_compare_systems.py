"""python -m dev.compare_systems: one recipe for every system of the zoo, and what is kept."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from dev import compare_systems
from dev.small_systems import build
from mmctl.engine import run_command

ARGS = argparse.Namespace(data_root=Path("data"), work_dir=Path("work"), epochs=8)


@pytest.mark.parametrize("name", compare_systems.SYSTEMS)
def test_a_system_has_its_model_and_the_recipe_of_all(name: str) -> None:
    cfg = compare_systems.make_config(name, 1, ARGS)
    plain = compare_systems.make_config("c2d", 1, ARGS)
    for part in ("optim_wrapper", "param_scheduler", "train_cfg", "randomness", "test_evaluator"):
        assert cfg[part] == plain[part]
    steps = list(cfg.train_dataloader.dataset.pipeline)
    without = [step for step in steps if step.type != "LoadKeypoints"]
    assert without == plain.train_dataloader.dataset.pipeline
    assert (len(steps) > len(without)) == bool(cfg.model.get("pose")) == (name in ("ctl", "agrl"))
    assert next(step for step in steps if step.type == "SampleClip").clip_len == 4
    assert build(cfg).head.num_classes == 96


def test_what_is_measured_is_shown_and_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, rank in ((0, 20.0), (1, 22.0)):
        folder = tmp_path / f"c2d-8e-seed{seed}"
        folder.mkdir()
        numbers = {"R1": rank, "mAP": rank / 2, "iterations": 192}
        (folder / "numbers.json").write_text(json.dumps(numbers))
    arguments = ["compare_systems", "c2d", "ap3d", "--work-dir", str(tmp_path), "--table-only"]
    monkeypatch.setattr(sys, "argv", arguments)
    run_command(compare_systems.main)
    said = capsys.readouterr().out
    assert "│ c2d    │ 21.0 ± 1.4 │ 10.5 ± 0.7 │ 2     │ 192" in said
    assert "ap3d" not in said
    args = argparse.Namespace(**{**vars(ARGS), "work_dir": tmp_path})
    assert compare_systems.train("c2d", 1, args)["R1"] == 22.0
