"""MMEngine's pure Python configs: ``with read_base()``, imported classes in ``type=``."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from mmengine.config import Config

from mmctl.engine import check_config, prepare_config
from mmctl.registry import type_name

BASE = """
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook, LoggerHook
from mmengine.optim import OptimWrapper
from mmengine.runner import TestLoop, ValLoop
from mmpretrain.models import ResNet
from torch.optim import SGD

from mmctl.datasets import MARS, IdentitySampler, collate_clips
from mmctl.datasets.transforms import LoadFrames, PackClip, ResizeClip, SampleClip
from mmctl.engine import NumClassesHook, ResumableEpochLoop, SnapshotHook
from mmctl.evaluation import ReIDMetric
from mmctl.models import ClipDataPreprocessor, FusionHead, PosePartNeck, VideoReID

default_scope = 'mmctl'
data_root = '{root}'
model = dict(
    type=VideoReID,
    data_preprocessor=dict(type=ClipDataPreprocessor),
    backbone=dict(type=ResNet, depth=18, base_channels=8, stem_channels=8, out_indices=(3,)),
    neck=dict(type=PosePartNeck),
    head=dict(type=FusionHead, channels=64, num_classes=8, num_parts=0),
)
train_pipeline = [
    dict(type=SampleClip, clip_len=2),
    dict(type=LoadFrames),
    dict(type=ResizeClip, size=(64, 32)),
    dict(type=PackClip),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type=collate_clips),
    sampler=dict(type=IdentitySampler, num_pids=4, num_clips=2),
    dataset=dict(type=MARS, data_root=data_root, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type=collate_clips),
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(type=MARS, data_root=data_root, split='test', pipeline=train_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(type=ReIDMetric, topk=(1, 5))
test_evaluator = val_evaluator
train_cfg = dict(type=ResumableEpochLoop, max_epochs=1, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.01))
default_hooks = dict(
    logger=dict(type=LoggerHook, interval=1), checkpoint=dict(type=CheckpointHook, interval=1)
)
custom_hooks = [dict(type=SnapshotHook), dict(type=NumClassesHook)]
"""

MINE = """
from mmengine.config import read_base

with read_base():
    from .base import *

from mmctl.models import BatchHardTripletLoss

model.update(dict(head=dict(losses=dict(triplet=dict(type=BatchHardTripletLoss, margin=0.5)))))
"""


@pytest.fixture
def config(tmp_path, drawn_mars):
    (tmp_path / "base.py").write_text(BASE.format(root=drawn_mars))
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


def arguments(config: Path, *options: str) -> list[str]:
    work_dir = f"--work-dir={config.parent / 'run'}"
    names = [f"experiment_name={uuid4().hex}", "default_hooks.logger.interval=2"]
    return [str(config), work_dir, "--cfg-options", *names, *options]


def test_it_trains_resumes_and_tests(config, run_tool):
    run = config.parent / "run"
    run_tool("train.py", *arguments(config), "--amp")
    resumed = ["train_cfg.max_epochs=2", "model.head.losses.triplet.margin=0.4"]
    run_tool("train.py", *arguments(config, *resumed), "--resume", "--amp")
    log = max(run.glob("*/*.log")).read_text()
    assert "resumed epoch: 1" in log
    assert (run / "epoch_2.pth").is_file()

    # What the run has dumped is a config as good as its own.
    dumped = run / "mine.py"
    cfg = prepare_config(dumped)
    assert (cfg.train_cfg.max_epochs, cfg.model.head.losses.triplet.margin) == (2, 0.4)
    assert type_name(cfg.optim_wrapper.type) == "CpuAmpOptimWrapper"
    for name in (config, dumped):
        numbers = config.parent / f"{name.parent.name}.json"
        checkpoint = str(run / "epoch_2.pth")
        metrics = ["--metrics-file", str(numbers)]
        run_tool("test.py", *arguments(name)[:1], checkpoint, *arguments(name)[1:], *metrics)
        assert '"R1"' in numbers.read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "model.head.update(dict(num_clases=3))",
            r"model.head.num_clases: FusionHead does not know",
        ),
        ("val_evaluator.update(dict(topk='5'))", "val_evaluator.topk: ReIDMetric takes"),
        ("custom_hook = []", "custom_hook: the config does not know 'custom_hook'"),
    ],
)
def test_its_mistakes_are_found_before_anything_is_built(config, line, message):
    config.write_text(f"{MINE}{line}\n")
    with pytest.raises(ValueError, match=message):
        check_config(Config.fromfile(str(config)))


def test_imported_classes_are_no_keys_of_the_run(config):
    cfg = prepare_config(config, {"model.backbone.depth": 34})
    assert cfg.model.backbone.depth == 34
    assert type_name(cfg.model.type) == "VideoReID"
    assert "SampleClip" not in cfg.to_dict()
