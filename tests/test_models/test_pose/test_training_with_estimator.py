"""Runs with an estimator in the model: one process, resumed, bfloat16, two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

import mmctl.engine
from mmctl.models import FrozenPoseEstimator
from mmctl.models.pose.pose_estimator import build_estimator
from tests.conftest import ROOT
from tests.test_models.test_pose.small_estimators import (
    OURS,
    SMALL_HRNET,
    randomize_estimator,
    save_published,
)
from tests.test_tools.test_dist_train import free_port

CONFIG = """
_base_ = '{root}/configs/ctl/ctl_r50_hrnet-w32-mmpretrain_1xb32-240e_mars-256x128.py'
model = dict(
    backbone=dict(depth=18, base_channels=8, stem_channels=8, init_cfg=None),
    pose=dict(
        estimator=dict(arch=dict(_delete_=True, **{stages})),
        checkpoint='{checkpoint}',
        save_weights={save_weights},
    ),
    graph_head=dict(channels=64, cross_scale=dict(dim=4)),
    head=dict(channels=64, num_classes=8),
)
train_pipeline = [
    dict(type='SampleClip', clip_len=3, mode='random'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=(64, 32)),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackClip'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    num_batch_per_epoch=2,
    sampler=dict(num_pids=2, num_clips=2),
    dataset=dict(data_root='{data}', pipeline=train_pipeline),
)
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = test_cfg = test_evaluator = None
train_cfg = dict(max_epochs=1)
default_hooks = dict(checkpoint=dict(interval=1, save_best=None))
custom_hooks = [*_base_.custom_hooks, dict(type='EMAHook', momentum=0.3)]
"""


@pytest.fixture(autouse=True)
def _plain_config_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write configs without beautifying them, which takes longer than the runs here."""

    def text(cfg: Config) -> str:
        return "".join(f"{key} = {value!r}\n" for key, value in cfg.to_dict().items())

    monkeypatch.setattr(Config, "pretty_text", property(text))


@pytest.fixture
def write_config(drawn_mars: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write the config of a small run whose estimator's weights lie in ``estimator.pth``."""
    model = randomize_estimator(build_estimator(OURS))
    checkpoint = save_published(model, tmp_path / "estimator.pth")

    def write(*, save_weights: bool = False) -> Path:
        path = tmp_path / f"small_{save_weights}.py"
        text = CONFIG.format(
            root=ROOT,
            stages=SMALL_HRNET,
            checkpoint=checkpoint,
            data=drawn_mars,
            save_weights=save_weights,
        )
        path.write_text(text)
        return path

    return write


def make_runner(config: Path, work_dir: Path, *, epochs: int = 1, resume: bool = False) -> Runner:
    cfg = Config.fromfile(config)
    cfg.merge_from_dict({"work_dir": str(work_dir), "train_cfg.max_epochs": epochs})
    cfg.merge_from_dict({"resume": resume, "experiment_name": uuid4().hex, "log_level": "ERROR"})
    mmctl.engine.check_config(cfg)
    return Runner.from_cfg(cfg)


def expected_hash(folder: Path) -> str:
    return FrozenPoseEstimator(OURS, str(folder / "estimator.pth")).weights_hash()


def test_an_epoch_leaves_the_estimator_as_it_was_and_resumes(
    write_config: Callable[..., Path], tmp_path: Path
) -> None:
    config, work_dir = write_config(), tmp_path / "run"
    runner = make_runner(config, work_dir)
    runner.train()
    assert runner.model.pose.weights_hash() == expected_hash(tmp_path)
    listed = [p for group in runner.optim_wrapper.param_groups for p in group["params"]]
    assert not {id(p) for p in listed} & {id(p) for p in runner.model.pose.parameters()}
    saved = torch.load(work_dir / "epoch_1.pth", weights_only=False)
    for name in ("state_dict", "ema_state_dict"):
        assert any("graph_head" in key for key in saved[name])
        assert not any("pose" in key for key in saved[name])
    resumed = make_runner(config, work_dir, epochs=2, resume=True)
    resumed.train()
    assert resumed.epoch == 2
    assert resumed.model.pose.weights_hash() == expected_hash(tmp_path)


def test_a_checkpoint_with_the_estimator_loads_where_it_is_not_asked_for(
    write_config: Callable[..., Path], tmp_path: Path
) -> None:
    asked, work_dir = write_config(save_weights=True), tmp_path / "run"
    make_runner(asked, work_dir).train()
    saved = torch.load(work_dir / "epoch_1.pth", weights_only=False)["state_dict"]
    published = torch.load(tmp_path / "estimator.pth")["state_dict"]
    for key, value in published.items():
        torch.testing.assert_close(saved[f"pose.estimator.{key}"], value, rtol=0, atol=0)
    runner = make_runner(write_config(), tmp_path / "other", epochs=2)
    runner._load_from = str(work_dir / "epoch_1.pth")
    runner.call_hook("before_run")
    runner.load_or_resume()
    assert runner.model.pose.weights_hash() == expected_hash(tmp_path)


def test_bfloat16_training_works(
    write_config: Callable[..., Path], tmp_path: Path, run_tool: Callable[..., None]
) -> None:
    work_dir = tmp_path / "run"
    name = f"experiment_name={uuid4().hex}"
    run_tool(
        *("train.py", str(write_config(save_weights=True)), "--work-dir", str(work_dir), "--amp"),
        *("--cfg-options", name),
    )
    weights = torch.load(work_dir / "epoch_1.pth", weights_only=False)["state_dict"]
    assert all(value.isfinite().all() for value in weights.values())
    assert {value.dtype for value in weights.values()} == {torch.float32, torch.int64}


def test_two_processes_train_with_an_estimator(
    write_config: Callable[..., Path], tmp_path: Path
) -> None:
    config, work_dir = write_config(save_weights=True), tmp_path / "run"
    environment = os.environ | {
        "PYTHON": sys.executable,
        "PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    result = subprocess.run(
        ["bash", "tools/dist_train.sh", str(config), "2", "--work-dir", str(work_dir)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "Distributed training: True" in next(work_dir.glob("*/*.log")).read_text()
    saved = torch.load(work_dir / "epoch_1.pth", weights_only=False)["state_dict"]
    published = torch.load(tmp_path / "estimator.pth")["state_dict"]
    for key, value in published.items():
        torch.testing.assert_close(saved[f"pose.estimator.{key}"], value, rtol=0, atol=0)
