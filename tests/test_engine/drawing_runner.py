"""A small Runner that draws random numbers wherever a training can, and may be stopped."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, METRICS, MODELS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from tests.test_engine.tiny_runner import tiny_config

TIMES = ("time", "data_time", "eta", "memory")


@DATASETS.register_module(force=True)
class DrawnData(Dataset):
    """Eleven items from all three generators; the indices that are loaded are noted."""

    metainfo: ClassVar = {"dataset_name": "drawn"}
    loaded: ClassVar[list[int]] = []

    def __len__(self) -> int:
        return 11

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        self.loaded.append(index)
        # The legacy stream is what transforms draw from.
        drawn = [np.random.random(), random.random(), float(torch.rand(()))]  # noqa: NPY002
        return {"inputs": torch.tensor([index, *drawn]), "label": torch.tensor(index % 3)}


@MODELS.register_module(force=True)
class DroppingModel(BaseModel):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.4), nn.Linear(6, 3)
        )

    def forward(self, inputs: list, label: list, mode: str = "tensor") -> Any:
        scores = self.layers(torch.stack(list(inputs)))
        if mode == "predict":
            return [{"score": row.mean()} for row in scores]
        noise = torch.tensor(np.random.random())  # noqa: NPY002
        loss = nn.functional.cross_entropy(scores.float(), torch.stack(list(label)))
        return {"loss": loss * (1 + noise), "noise": noise.float()}


@METRICS.register_module(force=True)
class MeanScore(BaseMetric):
    """Draws too: a validation must not change what the training draws."""

    default_prefix = "drawn"

    def process(self, data_batch: Any, data_samples: Any) -> None:
        torch.rand(3)
        np.random.random(2)  # noqa: NPY002
        self.results += [float(sample["score"]) for sample in data_samples]

    def compute_metrics(self, results: list) -> dict[str, float]:
        # Every validation is the best so far, and saves a checkpoint.
        iteration = MessageHub.get_current_instance().get_info("iter")
        return {"mean": float(np.mean(results)) + 100 * iteration}


class StopAt(Hook):
    """Ends the process' run in a hook of one's choice, as a kill would."""

    def __init__(self, place: str, iteration: int, priority: str = "LOWEST") -> None:
        self.priority = priority
        setattr(self, place, lambda runner, **_: self.stop(runner, iteration))

    def stop(self, runner: Runner, iteration: int) -> None:
        if runner.iter == iteration:
            raise Killed


class Killed(Exception):  # noqa: N818 (what happens to a run is no fault of it)
    """Stands for the end of the process."""


def drawing_runner(
    work_dir: Path,
    *hooks: Hook,
    workers: int = 0,
    snapshot: dict | None = None,
    **changes: Any,
) -> Runner:
    """Return a runner of 3 epochs with 4 batches each that validates every epoch."""
    loader = {"dataset": {"type": "DrawnData"}, "num_workers": workers}
    ordered = {"type": "DefaultSampler", "shuffle": True}
    snapshot = {"interval": 1, "minutes": None, "max_keep": 20, **(snapshot or {})}
    config = tiny_config(
        work_dir,
        **{
            "model": {"type": "DroppingModel"},
            "train_dataloader": {**loader, "batch_size": 3, "sampler": ordered},
            "val_dataloader": {
                "dataset": {"type": "DrawnData"},
                "batch_size": 5,
                "num_workers": 0,
                "sampler": {"type": "DefaultSampler", "shuffle": False},
            },
            "val_evaluator": {"type": "MeanScore"},
            "val_cfg": {},
            "train_cfg": {"type": "ResumableEpochLoop", "max_epochs": 3},
            "param_scheduler": [
                {"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "begin": 0, "end": 7},
                {"type": "MultiStepLR", "milestones": [1, 2]},
            ],
            "default_hooks": {
                "checkpoint": {
                    "type": "CheckpointHook",
                    "interval": 1,
                    "save_best": "drawn/mean",
                    "rule": "greater",
                },
                "logger": {"type": "LoggerHook", "interval": 1},
            },
            "log_processor": {"window_size": 3},
            "randomness": {"seed": 5},
            "visualizer": {"type": "Visualizer", "vis_backends": [{"type": "LocalVisBackend"}]},
            **changes,
        },
    )
    config.custom_hooks = [{"type": "SnapshotHook", **snapshot}]
    # Every checkpoint holds the config; formatting it takes most of the time of a small run.
    runner = Runner.from_cfg(Config(config.to_dict(), format_python_code=False))
    for hook in hooks:
        runner.register_hook(hook)
    return runner


def end_state(work_dir: Path) -> dict[str, Any]:
    """Return all of the last checkpoint that must not depend on stops."""
    file = (work_dir / "last_checkpoint").read_text()
    checkpoint = torch.load(file, weights_only=False)
    hub = checkpoint["message_hub"]
    histories = {
        name: history.data
        for name, history in hub["log_scalars"].items()
        if name.split("/")[-1] not in TIMES
    }
    best = {k: hub["runtime_info"].get(k) for k in ("best_score",)}
    parts = ("state_dict", "optimizer", "param_schedulers", "run_state")
    return {name: checkpoint[name] for name in parts} | {"logs": histories, "best": best}


def logged(work_dir: Path) -> dict[tuple[str, int], dict[str, float]]:
    """Return the last logged line of every step, without times."""
    lines: dict[tuple[str, int], dict[str, float]] = {}
    for file in sorted(work_dir.glob("*/vis_data/scalars.json"), key=lambda f: f.stat().st_mtime):
        for line in file.read_text().splitlines():
            row = {k: v for k, v in json.loads(line).items() if k not in TIMES}
            lines["train" if "loss" in row else "val", row["step"]] = row
    return lines


def equal(left: Any, right: Any) -> bool:
    """Compare nested values bit by bit."""
    if isinstance(left, Tensor):
        return left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, np.ndarray):
        return bool(np.array_equal(left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right
