"""A tiny CTL on drawn people, trained in a process of its own: what ``kill_trainings.py`` kills."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import mmpretrain.models  # noqa: F401 (most of a training's time is imports: all inherit these)
import torch
import torchvision  # noqa: F401
from mmengine.config import Config
from mmengine.runner import Runner

import mmctl.evaluation
import mmctl.models  # noqa: F401
from mmctl.datasets.synthetic import DrawnSettings, MarsWriter
from mmctl.engine import use_mixed_precision

ROOT = Path(__file__).resolve().parents[1]
NUM_EPOCHS = 3
NUM_PEOPLE = 8


class Setting(NamedTuple):
    """What a training runs with.

    Attributes:
        amp: Whether in bfloat16.
        workers: Processes that load data.
    """

    amp: bool
    workers: int


def draw_people(root: Path) -> Path:
    """Draw a tiny data set; return its folder."""
    settings = DrawnSettings(
        num_train_pids=NUM_PEOPLE,
        num_test_pids=2,
        num_cameras=2,
        frames=(2, 4),
        size=(64, 32),
        num_junk=0,
        num_distractors=0,
    )
    MarsWriter(root, settings).write()
    return root


def tiny_config(work_dir: Path, data: Path, setting: Setting) -> Config:
    """Return the quickstart's config with everything made small."""
    cfg = Config.fromfile(ROOT / "configs" / "quickstart" / "ctl_r18_quickstart.py")
    size = (32, 16)
    for part in ("train", "val"):
        loader = cfg[f"{part}_dataloader"]
        loader.num_workers = setting.workers if part == "train" else 0
        loader.dataset.data_root = str(data)
        for step in loader.dataset.pipeline:
            step.update(size=size) if step["type"] == "ResizeClip" else None
            step.update(clip_len=2) if step["type"] == "SampleClip" else None
    cfg.train_dataloader.batch_size = 4
    cfg.train_dataloader.sampler.update(num_pids=2, num_clips=2)
    cfg.model.backbone.update(base_channels=8, stem_channels=8)
    cfg.model.graph_head.update(channels=64)
    cfg.model.graph_head.cross_scale.update(dim=8)
    cfg.model.head.update(channels=64, num_classes=NUM_PEOPLE)
    cfg.train_cfg.update(max_epochs=NUM_EPOCHS, val_interval=1)
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=2)
    # Nothing goes on from a report, and drawing it takes longer than the training.
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook["type"] != "RunReportHook"]
    for hook in cfg.custom_hooks:
        if hook["type"] == "SnapshotHook":
            hook.update(interval=1, minutes=None)
    if setting.amp:
        use_mixed_precision(cfg)
    cfg.update(work_dir=str(work_dir), experiment_name=uuid4().hex, log_level="WARNING")
    # Every checkpoint holds the config; formatting it would take most of the time.
    return Config(cfg.to_dict(), format_python_code=False)


def start(work_dir: Path, data: Path, setting: Setting, prepare: Callable[[], None]) -> int:
    """Fork a process that trains or goes on; return its id."""
    work_dir.mkdir(parents=True, exist_ok=True)
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        torch.set_num_threads(1)
        log = os.open(work_dir / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        prepare()
        cfg = tiny_config(work_dir, data, setting)
        cfg.resume = True
        Runner.from_cfg(cfg).train()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait(process: int) -> int:
    """Wait for a process; return its exit status, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
