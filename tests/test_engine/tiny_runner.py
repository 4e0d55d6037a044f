"""A real Runner with the smallest model, for tests of what surrounds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

import mmctl.engine  # noqa: F401


@DATASETS.register_module(force=True)
class TinyData(Dataset):
    metainfo: ClassVar = {"num_pids": 4, "dataset_name": "tiny", "mean": np.arange(3.0)}

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"inputs": torch.full((3,), float(index)), "label": torch.tensor(index % 4)}


@MODELS.register_module(force=True)
class TinyModel(BaseModel):
    def __init__(self, width: int = 5, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.backbone = nn.Linear(3, width)
        self.norm = nn.BatchNorm1d(width)
        self.classifier = nn.Linear(width, 4)

    def forward(self, inputs: list, label: list, mode: str = "tensor") -> Any:
        hidden = self.norm(self.backbone(torch.stack(list(inputs))))
        scores = self.classifier(hidden)
        if mode != "loss":
            return scores
        return {"loss": nn.functional.cross_entropy(scores.float(), torch.stack(list(label)))}


def tiny_config(work_dir: Path, *, epochs: int = 1, **changes: Any) -> Config:
    config = {
        "model": {"type": "TinyModel"},
        "work_dir": str(work_dir),
        "train_dataloader": {
            "dataset": {"type": "TinyData"},
            "batch_size": 4,
            "num_workers": 0,
            "sampler": {"type": "DefaultSampler", "shuffle": True},
        },
        "train_cfg": {"by_epoch": True, "max_epochs": epochs},
        "optim_wrapper": {"optimizer": {"type": "Adam", "lr": 0.1}},
        "param_scheduler": [{"type": "MultiStepLR", "milestones": [1, 3]}],
        "default_hooks": {"checkpoint": {"type": "CheckpointHook", "interval": 1}},
        "experiment_name": uuid4().hex,
        "log_level": "ERROR",
        "default_scope": "mmctl",
    }
    return Config({**config, **changes})


def tiny_runner(work_dir: Path, **changes: Any) -> Runner:
    return Runner.from_cfg(tiny_config(work_dir, **changes))
