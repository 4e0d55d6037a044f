"""The paper's ablations: each config is short, says what it is, and trains every parameter."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmctl.registry import MODELS
from mmctl.structures import TrackletSample

FOLDER = Path(__file__).resolve().parents[1] / "configs" / "ctl" / "ablations"
CONFIGS = sorted(FOLDER.glob("*.py"))
NUM_FRAMES = 6
SMALL = {
    "model.backbone.depth": 18,
    "model.backbone.base_channels": 8,
    "model.backbone.stem_channels": 8,
    "model.backbone.init_cfg": None,
    "model.graph_head.channels": 64,
    "model.graph_head.cross_scale.dim": 4,
    "model.head.channels": 64,
    "model.head.num_classes": 2,
}
# Rank-1 and mAP on MARS: Tables 3 to 5 of the paper; Fig. 7 has numbers at its best points only.
PAPER = {
    "table3_basel": (88.6, 82.7),
    "table3_basel_contre": (89.4, 85.4),
    "table3_basel_contre_3d": (90.7, 86.0),
    "table3_basel_contre_3d_cs": (91.4, 86.7),
    "table4_physical": (90.4, 86.1),
    "table4_physical_mask": (90.9, 86.3),
    "table4_physical_mask_context": (91.4, 86.7),
    "table5_m1": (91.4, 86.7),
    "table5_m2": (90.1, 85.5),
    "table5_s3": (90.4, 85.9),
    "table5_s3_s1": (90.7, 85.8),
    "table5_s3_s1_s2": (91.4, 86.7),
    "fig7a_layers1": None,
    "fig7a_layers2": (91.4, 86.7),
    "fig7a_layers3": None,
    "fig7b_window1": None,
    "fig7b_window3": (91.4, 86.7),
    "fig7b_window5": None,
}
FULL = [name for name, numbers in PAPER.items() if numbers == (91.4, 86.7)]


def names(path: Path) -> str:
    return path.stem


def small_model(path: Path) -> nn.Module:
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    small = SMALL
    if "backbone" in cfg.model.backbone:  # a ClipBackbone
        small = {key.replace(".backbone.", ".backbone.backbone."): SMALL[key] for key in SMALL}
    cfg.merge_from_dict(small)
    torch.manual_seed(0)
    return MODELS.build(cfg.model)


def batch() -> dict:
    generator = torch.Generator().manual_seed(0)
    samples = []
    for label in (0, 0, 1, 1):
        keypoints = torch.rand(1, NUM_FRAMES, 17, 3, generator=generator)
        keypoints[..., :2] *= torch.tensor([16, 32])
        samples.append(TrackletSample(gt_label=label, keypoints=keypoints))
    clips = torch.randint(
        0, 256, (4, 1, NUM_FRAMES, 3, 32, 16), dtype=torch.uint8, generator=generator
    )
    return {"inputs": list(clips), "data_samples": samples}


def test_every_row_and_point_of_the_paper_has_a_config() -> None:
    assert [path.stem for path in CONFIGS] == sorted(PAPER)


@pytest.mark.parametrize("path", CONFIGS, ids=names)
def test_an_ablation_is_at_most_ten_lines(path: Path) -> None:
    tree = ast.parse(path.read_text())
    body = path.read_text().splitlines()[tree.body[0].end_lineno :]
    assert len([line for line in body if line.strip()]) <= 10


@pytest.mark.parametrize("path", CONFIGS, ids=names)
def test_the_docstring_has_the_papers_place_and_number(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert re.match(r"Table [345], row \"|Figure 7\([ab]\), (L|tau) = \d: ", docstring)
    found = re.search(r"Rank-1 (\d+\.\d), mAP (\d+\.\d)\b", docstring)
    numbers = None if found is None else (float(found[1]), float(found[2]))
    assert numbers == PAPER[path.stem]


@pytest.mark.parametrize("path", CONFIGS, ids=names)
def test_a_training_step_reaches_every_parameter(path: Path) -> None:
    model = small_model(path)
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    losses = model(**model.data_preprocessor(batch(), True), mode="loss")
    total, _ = model.parse_losses(losses)
    total.backward()
    assert torch.isfinite(total)
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    assert not [name for name, value in trained.items() if value.grad is None]
    optimizer.step()
    moved = [name for name, value in trained.items() if not torch.equal(value, before[name])]
    assert len(moved) > 0.9 * len(trained)


@pytest.mark.parametrize("name", FULL)
def test_rows_of_the_full_model_are_the_full_model(name: str) -> None:
    full = Config.fromfile(FOLDER.parent / "ctl_r50_1xb32-240e_mars-256x128.py")
    assert Config.fromfile(FOLDER / f"{name}.py").to_dict() == full.to_dict()


def test_other_rows_are_all_different() -> None:
    others = [path for path in CONFIGS if path.stem not in FULL]
    texts = {Config.fromfile(path).pretty_text for path in others}
    assert len(texts) == len(others) == 12


def test_ablations_build_what_their_rows_say() -> None:
    heads = {path.stem: small_model(path).graph_head for path in CONFIGS}
    assert not list(heads["table3_basel"].parameters())
    assert heads["table3_basel_contre"].topologies["s1"][0].context.num_frames == NUM_FRAMES
    assert len(heads["table3_basel_contre_3d"].transfers) == 0
    assert heads["table4_physical"].topologies["s1"][0].mask is None
    assert heads["table4_physical_mask"].topologies["s1"][0].context is None
    assert set(heads["table5_m2"].transfers) == {"1", "2"}
    assert set(heads["table5_s3"].layers) == {"s3"}
    assert set(heads["table5_s3_s1"].transfers["2"]) == {"s1"}
    assert [len(heads[f"fig7a_layers{n}"].layers["s2"]) for n in (1, 2, 3)] == [1, 2, 3]
    assert [heads[f"fig7b_window{n}"].layers["s2"][0].window for n in (1, 3, 5)] == [1, 3, 5]
