"""The converter of public checkpoints: a file there, a model here, and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmctl.checkpoints.public_code import to_public
from mmctl.checkpoints.stored_config import read_stored_config
from mmctl.registry import MODELS
from tests.random_state import randomize

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "model_converters" / "convert_public_checkpoint.py"
CONFIG = ROOT / "configs" / "zoo" / "quickstart" / "ap3d_quickstart.py"


def run(*arguments):
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def public_file(folder):
    cfg = Config.fromfile(CONFIG)
    init_default_scope("mmctl")
    model = randomize(MODELS.build(cfg.model), scale=0.1)
    # As a training of the public code on several devices writes it.
    weights = {f"module.{k}": v for k, v in to_public("ap3d", model.state_dict()).items()}
    torch.save({"state_dict": weights, "rank1": 0.9, "epoch": 240}, folder / "public.pth.tar")
    return model


def test_a_public_checkpoint_becomes_a_model_and_goes_back(tmp_path):
    model = public_file(tmp_path)
    made = run("ap3d", CONFIG, tmp_path / "public.pth.tar", tmp_path / "ours.pth")
    assert made.returncode == 0, made.stderr
    # The config travels with the weights.
    content = torch.load(tmp_path / "ours.pth")
    loaded = MODELS.build(read_stored_config(content, "ours.pth").model)
    loaded.load_state_dict(content["state_dict"], strict=True)
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    back = run("ap3d", CONFIG, tmp_path / "ours.pth", tmp_path / "theirs.pth", "--reverse")
    assert back.returncode == 0, back.stderr
    theirs = torch.load(tmp_path / "theirs.pth")["state_dict"]
    before = torch.load(tmp_path / "public.pth.tar")["state_dict"]
    assert {f"module.{name}" for name in theirs} == before.keys()
    assert all(torch.equal(value, before[f"module.{name}"]) for name, value in theirs.items())


def test_a_checkpoint_of_other_classes_ends_in_one_line(tmp_path):
    public_file(tmp_path)
    options = ("--cfg-options", "model.head.num_classes=97")
    made = run("ap3d", CONFIG, tmp_path / "public.pth.tar", tmp_path / "ours.pth", *options)
    assert made.returncode == 2
    line = "has 96 classes and the config 97: add --cfg-options model.head.num_classes=96"
    assert line in made.stderr
    assert "Traceback" not in made.stderr
    assert not (tmp_path / "ours.pth").exists()
