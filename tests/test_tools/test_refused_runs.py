"""What train and test refuse: in one line, before the work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT, data_options
from tests.test_files.holder import held_elsewhere
from tests.test_tools.quickstart_runs import BASELINE, CTL, Tool, errors, train_options


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


def test_a_best_checkpoint_by_what_nobody_measures_is_refused_before_the_training(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*train_options(drawn_mars, 1), "val_evaluator.prefix=drawn"]
    arguments = [CTL, "--work-dir", str(tmp_path / "run"), "--cfg-options", *options]
    message = errors(lambda: run_tool("train.py", *arguments), capsys)
    assert "one of drawn/mAP, drawn/R1" in message
    assert "got 'reid/mAP'" in message
    assert not (tmp_path / "run").exists()


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
