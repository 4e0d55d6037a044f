"""tools/train.py and tools/test.py on drawn pedestrians, with the quickstart's configs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from mmctl.evaluation import Protocol, TrackletFeatures
from tests.conftest import ROOT, data_options
from tests.drawn_sets import draw_tiny
from tests.test_tools.quickstart_runs import BASELINE, CTL, Tool, errors, train_options


def log_of(work_dir: Path) -> str:
    return "".join(path.read_text() for path in sorted(work_dir.glob("*/*.log")))


@pytest.mark.parametrize("config", [CTL, BASELINE])
def test_training_resumes_and_testing_repeats_its_numbers(
    config: str, drawn_mars: Path, tmp_path: Path, run_tool: Tool
) -> None:
    work_dir = tmp_path / "run"
    common = [config, "--work-dir", str(work_dir)]
    run_tool("train.py", *common, "--cfg-options", *train_options(drawn_mars, 1))
    assert (work_dir / "epoch_1.pth").exists()
    run_tool("train.py", *common, "--resume", "--cfg-options", *train_options(drawn_mars, 2))
    log = log_of(work_dir)
    assert "resumed epoch: 1" in log
    assert re.search(r"Epoch\(train\)\s+\[2\]", log)
    assert re.search(r"MARS, protocol query-in-gallery .* evenly clips: mAP", log)

    numbers = []
    for attempt in ("first", "second"):
        metrics, features = tmp_path / f"{attempt}.json", tmp_path / f"{attempt}.npz"
        run_tool(
            *("test.py", config, str(work_dir / "epoch_2.pth"), "--work-dir", str(tmp_path / "t")),
            *("--metrics-file", str(metrics), "--out", str(features)),
            *("--cfg-options", *data_options(drawn_mars)),
        )
        numbers.append(json.loads(metrics.read_text()))
    assert numbers[0] == numbers[1]
    assert numbers[0]["protocol"] == "query-in-gallery"
    assert numbers[0]["num_queries"] == 8  # 4 people in 2 cameras
    assert numbers[0]["num_gallery"] == 8 + 3  # and the distractors, not the junk
    protocol = Protocol.named("query-in-gallery")
    evaluation = TrackletFeatures.load(features).evaluate(protocol, distance="cosine")
    assert 100 * evaluation.ranking.cmc[0] == pytest.approx(numbers[0]["R1"], abs=1e-3)


def test_without_a_checkpoint_the_untrained_network_is_tested(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool
) -> None:
    options = ["--cfg-options", *data_options(drawn_mars)]
    run_tool("test.py", CTL, "--work-dir", str(tmp_path), *options)
    assert "UNTRAINED" in log_of(tmp_path)


def test_training_in_mixed_precision_runs_on_a_cpu(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool
) -> None:
    options = ["--amp", "--no-validate", "--cfg-options", *train_options(drawn_mars, 1)]
    run_tool("train.py", CTL, "--work-dir", str(tmp_path), *options)
    weights = torch.load(tmp_path / "epoch_1.pth", weights_only=False)["state_dict"]
    assert all(value.isfinite().all() for value in weights.values())
    assert "CpuAmpOptimWrapper" in log_of(tmp_path)


def test_two_data_sets_train_together_and_a_resumed_run_is_the_same(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    other = draw_tiny(tmp_path / "other", num_train_pids=5, seed=9)
    config = tmp_path / "joint.py"
    config.write_text(
        f"""
_base_ = {str(ROOT / CTL)!r}
_mars = _base_.train_dataloader.dataset
_pair = [dict(_mars, data_root={str(drawn_mars)!r}), dict(_mars, data_root={str(other)!r})]
train_dataloader = dict(dataset=dict(_delete_=True, type='JointDataset', datasets=_pair))
"""
    )
    options = [*train_options(drawn_mars, 2), "param_scheduler=[]", "train_cfg.val_interval=5"]
    options = [option for option in options if "train_dataloader.dataset" not in option]
    classes = "model.head.num_classes=13"
    train = ["train.py", str(config), "--no-validate", "--cfg-options", *options]
    text = errors(lambda: run_tool(*train, "--work-dir", str(tmp_path / "w")), capsys)
    assert "'MARS + MARS' has 13 (num_pids: 8 + 5), got 8" in text
    train.append(classes)
    run_tool(*train, "--work-dir", str(tmp_path / "whole"))
    run_tool(*train, "train_cfg.max_epochs=1", "--work-dir", str(tmp_path / "halves"))
    run_tool(*train, "--work-dir", str(tmp_path / "halves"), "--resume")
    whole, halves = (
        torch.load(tmp_path / name / "epoch_2.pth", weights_only=False)["state_dict"]
        for name in ("whole", "halves")
    )
    assert all(torch.equal(whole[name], halves[name]) for name in whole)
