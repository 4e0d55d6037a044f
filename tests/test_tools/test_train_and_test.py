"""tools/train.py and tools/test.py on drawn pedestrians, with the quickstart's configs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mmctl.evaluation import Protocol, TrackletFeatures
from tests.conftest import ROOT, data_options
from tests.drawn_sets import draw_tiny
from tests.test_files.holder import held_elsewhere

CTL = "configs/quickstart/ctl_r18_quickstart.py"
BASELINE = "configs/quickstart/baseline_r18_quickstart.py"
Tool = Callable[..., None]


def train_options(root: Path, epochs: int) -> list[str]:
    return [
        *data_options(root),
        f"train_cfg.max_epochs={epochs}",
        "train_cfg.val_interval=1",
        "default_hooks.checkpoint.interval=1",
    ]


def log_of(work_dir: Path) -> str:
    return "".join(path.read_text() for path in sorted(work_dir.glob("*/*.log")))


def errors(run: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert message.count("error:") == 1
    assert "Traceback" not in message
    return message


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


def test_a_missing_info_file_is_named(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "mars"
    shutil.copytree(drawn_mars / "info", root / "info")
    (root / "info" / "tracks_train_info.mat").unlink()
    arguments = [CTL, "--work-dir", str(tmp_path), "--cfg-options", *train_options(root, 1)]
    message = errors(lambda: run_tool("train.py", *arguments), capsys)
    assert str(root / "info" / "tracks_train_info.mat") in message


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("fault", ["missing", "truncated"])
def test_a_bad_frame_is_named(
    fault: str,
    workers: int,
    drawn_mars: Path,
    tmp_path: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = tmp_path / "mars"
    shutil.copytree(drawn_mars, root)
    victims = sorted((root / "bbox_test" / "0002").glob("*.jpg"))
    for victim in victims:
        content = victim.read_bytes()
        victim.unlink()
        if fault == "truncated":
            victim.write_bytes(content[: len(content) // 2])
    options = [*data_options(root), f"test_dataloader.num_workers={workers}"]
    arguments = [CTL, "--work-dir", str(tmp_path / "t"), "--cfg-options", *options]
    message = errors(lambda: run_tool("test.py", *arguments), capsys)
    assert str(root / "bbox_test" / "0002") in message
    assert {"missing": "does not exist", "truncated": "cut off"}[fault] in message


def test_more_people_per_batch_than_there_are_is_refused(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*train_options(drawn_mars, 1), "train_dataloader.sampler.num_pids=9"]
    arguments = [CTL, "--work-dir", str(tmp_path), "--cfg-options", *options]
    message = errors(lambda: run_tool("train.py", *arguments), capsys)
    assert "num_pids" in message
    assert "9" in message
    assert "8" in message


def test_a_misspelt_key_is_named_with_its_neighbour(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*train_options(drawn_mars, 1), "model.graph_head.windw=5"]
    arguments = [CTL, "--work-dir", str(tmp_path), "--cfg-options", *options]
    message = errors(lambda: run_tool("train.py", *arguments), capsys)
    assert "model.graph_head.windw" in message
    assert "'window'" in message


def test_another_number_of_people_than_classes_is_refused(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*train_options(drawn_mars, 1), "model.head.num_classes=7"]
    arguments = [CTL, "--work-dir", str(tmp_path), "--cfg-options", *options]
    message = errors(lambda: run_tool("train.py", *arguments), capsys)
    assert "model.head.num_classes=8" in message


def test_a_checkpoint_of_another_architecture_is_refused(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "other.pth"
    torch.save({"state_dict": {"backbone.conv1.weight": torch.zeros(64, 3, 7, 7)}}, checkpoint)
    options = ["--cfg-options", *data_options(drawn_mars)]
    arguments = [CTL, str(checkpoint), "--work-dir", str(tmp_path / "t"), *options]
    message = errors(lambda: run_tool("test.py", *arguments), capsys)
    assert str(checkpoint) in message
    assert "does not fit VideoReID" in message


def test_a_checkpoint_that_does_not_exist_is_named(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--cfg-options", *data_options(drawn_mars)]
    arguments = [CTL, "nowhere.pth", "--work-dir", str(tmp_path), *options]
    message = errors(lambda: run_tool("test.py", *arguments), capsys)
    assert "nowhere.pth" in message


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ("data_root=elsewhere", "test_dataloader.dataset.data_root"),
        ("test_pipeline.0.clip_len=9", "test_dataloader.dataset.pipeline.0.clip_len"),
        ("_max_epochs=3", "train_cfg.max_epochs"),
    ],
)
@pytest.mark.parametrize("tool", ["train.py", "test.py"])
def test_an_override_without_effect_is_refused(
    tool: str,
    option: str,
    place: str,
    drawn_mars: Path,
    tmp_path: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ["--cfg-options", *data_options(drawn_mars), option]
    arguments = [CTL, "--work-dir", str(tmp_path), *options]
    assert place in errors(lambda: run_tool(tool, *arguments), capsys)


def test_an_override_without_value_is_named(
    run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    message = errors(lambda: run_tool("train.py", CTL, "--cfg-options", "model"), capsys)
    assert "takes key.sub=value pairs, got 'model'" in message


def test_numbers_that_could_not_be_written_are_refused_before_the_test(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--metrics-file", str(tmp_path / "m.txt")]
    options += ["--cfg-options", *data_options(drawn_mars)]
    arguments = [CTL, "--work-dir", str(tmp_path), *options]
    message = errors(lambda: run_tool("test.py", *arguments), capsys)
    assert "must end with .json" in message
    assert not list(tmp_path.glob("*/*.log"))


def test_what_another_run_is_at_is_left_alone(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--work-dir", str(tmp_path), "--cfg-options", *data_options(drawn_mars)]
    with held_elsewhere(tmp_path):
        text = errors(lambda: run_tool("train.py", BASELINE, *options), capsys)
    assert f"{tmp_path} is in use by another run" in text
    out = ["--out", str(tmp_path / "f.npz")]
    with held_elsewhere(tmp_path, ".f.npz.lock"):
        text = errors(lambda: run_tool("test.py", BASELINE, *out, *options), capsys)
    assert f"{tmp_path / 'f.npz'} is in use by another run" in text
    assert not list(tmp_path.glob("2*"))  # not even a log


@pytest.mark.parametrize("tool", ["analysis_tools/run_ablations.py", "quickstart.py"])
def test_tools_that_run_others_leave_a_folder_in_use_alone(tool: str, tmp_path: Path) -> None:
    command = [sys.executable, f"tools/{tool}", "--work-dir", str(tmp_path)]
    with held_elsewhere(tmp_path):
        result = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode in (1, 2)
    assert f"error: {tmp_path} is in use by another run" in result.stderr
    assert not [path for path in tmp_path.iterdir() if path.name != ".lock"]


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


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (
            [
                f"test_evaluator.{o}"
                for o in ("_delete_=1", "type=DumpResults", "out_file_path=a.pkl")
            ],
            "test_evaluator.dump_file: DumpResults does not know",
        ),
        (["test_evaluator=[1]"], "--out needs a test_evaluator that is one ReIDMetric, got [1]"),
        (["test_evaluator=None"], "--out needs a test_evaluator that is one ReIDMetric, got None"),
    ],
)
def test_features_of_another_metric_are_refused_before_the_test(
    tmp_path: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    place: str,
) -> None:
    out = f"--out={tmp_path / 'a.npz'}"
    assert place in errors(lambda: run_tool("test.py", CTL, out, "--cfg-options", *options), capsys)


@pytest.mark.parametrize("tool", ["train.py", "test.py", "test_splits.py"])
@pytest.mark.parametrize(
    ("option", "place"),
    [
        (
            "model.head=dict(type='FusionHead')",
            "--cfg-options model.head=dict(type='FusionHead'): ",
        ),
        ("param_scheduler.0.end=[2,3", "--cfg-options param_scheduler.0.end=[2,3: brackets"),
        (
            "param_scheduler.7.end=3",
            "--cfg-options param_scheduler.7.end: param_scheduler is a list",
        ),
        ("train_cfg.max_epochs=-1", "train_cfg.max_epochs: it must be a number from 1 on, got -1"),
        ("model.type=5", "model.type: the name of a class must stand here, got 5"),
    ],
)
def test_an_option_that_cannot_be_is_named_by_every_tool(
    run_tool: Tool, capsys: pytest.CaptureFixture[str], tool: str, option: str, place: str
) -> None:
    assert place in errors(lambda: run_tool(tool, CTL, "--cfg-options", option), capsys)
