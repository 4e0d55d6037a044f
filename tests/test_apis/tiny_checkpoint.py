"""A small checkpoint that carries its config; its network tells tracklets apart."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.config import Config

from mmctl.apis.model_zoo import build_model
from mmctl.engine import read_config
from tests.conftest import ROOT

CONFIGS = {
    "ctl": "configs/quickstart/ctl_r18_quickstart.py",
    "baseline": "configs/quickstart/baseline_r18_quickstart.py",
}


def small_config(name: str, data_root: Path) -> Config:
    """Return the quickstart's config on a drawn set of eight training people."""
    cfg = read_config(ROOT / CONFIGS[name])
    cfg.model.head.num_classes = 8
    for part in ("train", "val", "test"):
        cfg[f"{part}_dataloader"].dataset.data_root = str(data_root)
        cfg[f"{part}_dataloader"].num_workers = 0
    return cfg


def save_checkpoint(path: Path, cfg: Config) -> Path:
    """Save random weights with statistics of batch norm that are not the first ones."""
    torch.manual_seed(3)
    model = build_model(cfg)
    model.init_weights()
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
        elif name.endswith("running_mean"):
            value.normal_(0, 0.1)
    text = cfg.pretty_text
    torch.save(
        {
            "state_dict": model.state_dict(),
            "message_hub": {"runtime_info": {"cfg": text}},
            "meta": {"cfg": text},
        },
        path,
    )
    return path
