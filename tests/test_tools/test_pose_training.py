"""From drawn people to keypoints that an estimator found, each step by its tool, at tiny size."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from mmengine.config import Config

from mmctl.datasets import MARS
from mmctl.datasets.keypoints.keypoint_header import read_header
from tests.conftest import ROOT

POSE = "configs/pose/td-hm_hrnet-w8_1xb32-8e_drawn-128x64.py"
LEARNED = "configs/quickstart/ctl_r18_learned_keypoints.py"
Tool = Callable[..., None]


def pose_options(root: Path) -> list[str]:
    options = [f"{part}_dataloader.dataset.data_root={root}" for part in ("train", "val", "test")]
    return [
        *options,
        *(f"{part}_dataloader.num_workers=0" for part in ("train", "val", "test")),
        "train_dataloader.dataset.indices=32",
        "test_dataloader.dataset.indices=32",
        "train_cfg.max_epochs=1",
        "default_hooks.checkpoint.interval=1",
        f"experiment_name=test-{uuid4().hex}",
    ]


def test_the_next_command_of_an_export_trains_and_validates_on_these_people(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "mars"
    shutil.copytree(drawn_mars / "info", root / "info")
    run_tool("dataset_converters/export_coco_keypoints.py", str(root))
    command = capsys.readouterr().out.partition("next: python tools/train.py ")[2].split()
    assert command[:2] == [POSE, "--cfg-options"]
    cfg = Config.fromfile(ROOT / POSE)
    cfg.merge_from_dict(dict(option.split("=") for option in command[2:]))
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.data_root == str(root)


def test_an_estimator_is_trained_tested_and_run_over_a_drawn_set(
    drawn_mars: Path, tmp_path: Path, run_tool: Tool
) -> None:
    pytest.importorskip("mmpose")
    root, work = tmp_path / "mars", tmp_path / "pose"
    shutil.copytree(drawn_mars, root)
    run_tool("dataset_converters/export_coco_keypoints.py", str(root))

    options = ["--cfg-options", *pose_options(root)]
    run_tool("train.py", POSE, "--work-dir", str(work), "--no-validate", *options)
    checkpoint, metrics = work / "epoch_1.pth", tmp_path / "metrics.json"
    more = ["--work-dir", str(work / "test"), "--metrics-file", str(metrics)]
    run_tool("test.py", POSE, str(checkpoint), *more, *options)
    numbers = json.loads(metrics.read_text())
    assert 0 <= numbers["pck@0.05/PCK"] <= numbers["pck@0.2/PCK"] <= 1
    assert 0 <= numbers["AP"] <= 1

    out = root / "info" / "learned_keypoints.npy"
    more = ["--estimator", POSE, "--checkpoint", str(checkpoint), "--frame-size", "128", "64"]
    more += ["--data-root", str(root), "--out", str(out), "--num-workers", "0"]
    run_tool("dataset_converters/extract_keypoints.py", LEARNED, *more)
    header = read_header(out)
    assert header is not None
    assert (header.estimator, header.frame_size) == (Path(POSE).stem, (128, 64))
    dataset = Config.fromfile(ROOT / LEARNED).train_dataloader.dataset
    found = MARS(str(root), keypoint_file=dataset.keypoint_file)[0]
    keypoints = np.load(found["keypoint_file"])[found["keypoint_rows"]]
    assert (keypoints[..., :2] <= np.array([32, 64])).all()  # pixels of the stored frames
    assert len(np.unique(keypoints[..., 0])) > 3
