"""Steps beyond the paper: each is a small difference from CTL, and trains every parameter."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from tests.test_ablations import batch
from tests.test_ablations import small_model as build_small

FOLDER = Path(__file__).resolve().parents[1] / "configs" / "ctl_plus"
CTL = FOLDER.parent / "ctl" / "ctl_r50_1xb32-240e_mars-256x128.py"
PARTS = sorted([*FOLDER.glob("steps/*.py"), *FOLDER.glob("causes/*.py")])
# The baseline's network is that of configs/ctl.
CONFIGS = sorted(path for path in FOLDER.rglob("*.py") if not path.stem.startswith("baseline"))
TESTED_ONLY = {
    *("after_neck", "centred_cameras", "joined_branches", "longer_test_clips", "one_test_clip"),
    "mirrored_test_clips",
}


def names(path: Path) -> str:
    return path.stem


def trained(cfg: Config) -> dict:
    """Return what a config trains: all but the choices of its test."""
    left = {key: value for key, value in cfg.to_dict().items() if not key.startswith("test_")}
    for name in ("test_feature", "test_branches"):
        left["model"]["head"].pop(name, None)
    return left


@pytest.mark.parametrize("path", PARTS, ids=names)
def test_a_step_is_a_few_lines_on_top_of_ctl(path: Path) -> None:
    text = path.read_text()
    body = text.splitlines()[ast.parse(text).body[0].end_lineno :]
    assert len([line for line in body if line.strip()]) <= (24 if path.stem == "together" else 10)
    assert f"_base_ = '../../ctl/{CTL.name}'" in text
    step, plain = Config.fromfile(path), Config.fromfile(CTL)
    assert step.to_dict() != plain.to_dict()
    assert (trained(step) == trained(plain)) == (path.stem in TESTED_ONLY)


@pytest.mark.parametrize("path", CONFIGS, ids=names)
def test_a_training_step_reaches_every_parameter(path: Path) -> None:
    model = build_small(path)
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    assert not [name for name, value in trained.items() if value.grad is None]


def test_ctl_plus_is_the_paper_s_network_with_the_steps_that_helped() -> None:
    plus = Config.fromfile(FOLDER / "ctl-plus_r50_1xb32-240e_mars-256x128.py")
    plain = Config.fromfile(CTL)
    together = Config.fromfile(FOLDER / "steps" / "together.py")
    assert plus.model == together.model
    assert plus.train_cfg == plain.train_cfg
    warm_up, fall = plus.param_scheduler
    assert (warm_up.end, fall.begin, fall.end) == (10, 10, plain.train_cfg.max_epochs)


def test_the_drawn_ctl_plus_has_the_steps_of_the_large_one() -> None:
    large = Config.fromfile(FOLDER / "steps" / "together.py")
    small = Config.fromfile(FOLDER.parent / "drawn" / "ctl-plus_r18_drawn.py")
    for name in ("part_weight", "test_feature", "test_branches"):
        assert small.model.head[name] == large.model.head[name]
    assert small.test_evaluator == large.test_evaluator
    assert small.model.backbone.norms == large.model.backbone.norms
    kinds = [[step.type for step in cfg.test_pipeline] for cfg in (small, large)]
    assert kinds[0] == kinds[1]
    assert "AddMirroredClips" in kinds[0]
