"""tools/analysis_tools/get_flops.py: the costs that the specification states, and their sums."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from tests.conftest import ROOT, load_tool

CTL = ROOT / "configs/ctl/ctl_r50_1xb32-240e_mars-256x128.py"
HEADS = ("topology", "graph layers", "cross-scale", "fusion head")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    return load_tool("analysis_tools/get_flops.py")


def narrow(name: str = "ctl_r50_1xb32-240e_mars-256x128.py", **graph_head: Any) -> Config:
    """A config of the paper with a ResNet-18 of 64 channels: 128 clip features become 64."""
    cfg = copy.deepcopy(Config.fromfile(ROOT / "configs/ctl" / name))
    cfg.model.backbone.update(depth=18, base_channels=8, stem_channels=8, init_cfg=None)
    cfg.model.head.update(channels=64, num_classes=7)
    if cfg.model.get("graph_head"):
        cfg.model.graph_head.update(channels=64, cross_scale={"dim": 8}, **graph_head)
    return cfg


def test_the_paper_s_model_costs_what_the_specification_says(tool: ModuleType) -> None:
    cfg = Config.fromfile(CTL)
    assert tool.clip_shape(cfg) == (6, 256, 128)
    model = tool.build_model(cfg)
    parameters = tool.count_parameters(model)
    assert parameters["backbone"] / 1e6 == pytest.approx(23.5, abs=0.05)
    assert sum(parameters[name] for name in HEADS) / 1e6 == pytest.approx(122.3, abs=0.05)
    assert parameters["graph layers"] / 1e6 == pytest.approx(100.7, abs=0.05)
    assert parameters["cross-scale"] / 1e6 == pytest.approx(13.4, abs=0.05)
    assert parameters["topology"] / 1e6 == pytest.approx(0.2, abs=0.05)
    macs = tool.count_macs(model, (6, 256, 128), training=True)
    assert macs["backbone"] / 1e9 == pytest.approx(4.05, abs=0.005)
    assert 1.225e9 <= sum(macs[name] for name in HEADS) <= 1.235e9
    # 17 weighted sums over the 16 x 8 cells, then 10 + 5 means of 17 keypoints.
    assert macs["neck (eq. 1)"] == (17 * 128 + 15 * 17) * 2048
    # 32 nodes through W and collapse in two layers, and the products with the adjacency.
    products = 2 * 2048 * (51**2 + 30**2 + 15**2)
    assert macs["graph layers"] == 2 * 32 * 4 * 2048**2 + products


def test_a_count_warns_of_nothing(
    tool: ModuleType, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tool.build_model(narrow())
    logger = MMLogger.get_current_instance()
    level = logger.level
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    tool.count_macs(model, (2, 64, 32), training=True)
    assert not caplog.records
    logger.warning("afterwards")
    assert [record.getMessage() for record in caplog.records] == ["afterwards"]
    assert logger.level == level


def test_a_test_leaves_out_the_branches_and_classifiers(tool: ModuleType) -> None:
    model = tool.build_model(narrow())
    test = tool.count_macs(model, (3, 64, 32), training=False)
    assert not model.training
    training = tool.count_macs(model, (3, 64, 32), training=True)
    assert test["fusion head"] == 0
    # The reductions of five parts, three classifiers and the five parts' inner products per clip.
    expected = 64 * 64 + (3 * 64 * 7 + 25 * 64) / 3
    assert training["fusion head"] == pytest.approx(expected)
    assert {**training, "fusion head": 0} == pytest.approx(test)


def test_the_components_hold_every_parameter_and_product(tool: ModuleType) -> None:
    model = tool.build_model(narrow())
    total = sum(parameter.numel() for parameter in model.parameters())
    assert sum(tool.count_parameters(model).values()) == total
    one, two = (tool.count_macs(model, (t, 64, 32), training=False) for t in (1, 5))
    assert one == pytest.approx(two)  # per frame, whatever the clip's length
    # s1 and s2 to s3, five nodes: embeddings of 8, relations per pair, augmented relations,
    # inner products, A X and W.
    expected = sum(
        2 * (n + 5) * 64 * 8
        + (n + 5 + n * n + 25) * 8 * 8
        + (n + 5) * (64 + 8) * 8
        + n * 5 * (8 + 64)
        + 5 * 64 * 64
        for n in (17, 10)
    )
    assert one["cross-scale"] == pytest.approx(expected)


def test_scales_that_are_added_count_as_cross_scale(tool: ModuleType) -> None:
    model = tool.build_model(narrow(graph=None, fuse="add"))
    macs = tool.count_macs(model, (2, 64, 32), training=False)
    # Part means of 17 and of 10 nodes make five.
    assert macs["cross-scale"] == 5 * (17 + 10) * 64
    assert macs["topology"] == macs["graph layers"] == 0


def test_the_frame_graph_is_counted(tool: ModuleType) -> None:
    model = tool.build_model(narrow(graph="frame", num_frames=4, fuse="add"))
    macs = tool.count_macs(model, (4, 64, 32), training=False)
    assert macs["graph layers"] == 2 * (32 * 64 * 64 + (17**2 + 10**2 + 5**2) * 64)
    assert macs["topology"] > 0


def test_the_baseline_has_no_rows_of_graphs(tool: ModuleType) -> None:
    model = tool.build_model(narrow("baseline_r50_1xb32-240e_mars-256x128.py"))
    rows = {"backbone", "neck (eq. 1)", "fusion head"}
    assert set(tool.count_parameters(model)) == rows
    assert set(tool.count_macs(model, (2, 64, 32), training=True)) == rows
    titles = list(tool.cost_table(model, (2, 64, 32)).columns[0].cells)
    assert titles == ["backbone", "neck", "head", "all"]


def test_the_shape_of_every_config_is_known(tool: ModuleType) -> None:
    others = {"_base_", "pose"}  # parts of configs, estimators
    paths = [p for p in (ROOT / "configs").rglob("*.py") if not others & set(p.parts)]
    for path in paths:
        small = path.parent.name in ("quickstart", "drawn")
        frames, *size = tool.clip_shape(Config.fromfile(path))
        named = re.search(r"-(\d+)x(\d+)$", path.stem)
        assert tuple(size) == (
            tuple(map(int, named.groups())) if named else (128, 64) if small else (256, 128)
        )
        if path.is_relative_to(ROOT / "configs" / "zoo"):
            assert frames in (4, 8)
        else:
            assert frames == (4 if small else 6)


def test_the_command_prints_a_row_per_component(
    run_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run_tool(
        "analysis_tools/get_flops.py",
        "configs/quickstart/ctl_r18_quickstart.py",
        *("--shape", "2", "64", "32"),
    )
    printed = capsys.readouterr().out
    assert "2 frames of" in printed
    assert "64x32" in printed
    for row in ("backbone", "pose", "neck (eq. 1)", *HEADS, "graphs and heads", "all"):
        assert row in printed, row


def test_a_config_without_a_pipeline_asks_for_the_shape(tool: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"train_pipeline must have SampleClip .*use --shape"):
        tool.clip_shape(Config({"train_pipeline": [{"type": "LoadFrames"}]}))


def test_a_shape_must_be_positive(
    run_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(Path("configs/quickstart/ctl_r18_quickstart.py"))
    with pytest.raises(SystemExit):
        run_tool("analysis_tools/get_flops.py", config, "--shape", "0", "64", "32")
    assert "--shape must be positive" in capsys.readouterr().err


def test_attention_is_counted(tool: ModuleType) -> None:
    cfg = Config.fromfile(ROOT / "configs/zoo/quickstart/c2d_quickstart.py")
    plain = tool.count_macs(tool.build_model(cfg), (4, 64, 32), training=False)
    cfg = Config.fromfile(ROOT / "configs/zoo/quickstart/nvan_quickstart.py")
    attending = tool.count_macs(tool.build_model(cfg), (4, 64, 32), training=False)
    # layer2 has 8 x 4 places of 128 channels and two blocks, layer3 4 x 2 of 256 and three: four
    # convolutions of 1 x 1, C to C / 2 and back, then two products with the places of the clip.
    convolutions = 2 * 32 * 4 * 128 * 64 + 3 * 8 * 4 * 256 * 128
    products = 2 * 2 * 32 * (4 * 32) * 64 + 3 * 2 * 8 * (4 * 8) * 128
    assert attending["backbone"] - plain["backbone"] == convolutions + products
