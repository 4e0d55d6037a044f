"""Train every family of the zoo for two epochs, and for one and then one more: the same weights?

``python -m dev.resume_zoo`` makes each network narrow and trains it on drawn people with its own
losses, transforms and optimizer. Weights, statistics and the optimizer's moments must be equal bit
by bit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from rich.table import Table

import mmctl.evaluation
import mmctl.models  # noqa: F401
from dev.small_systems import FULL, SIZE, small_config, system_of
from dev.tiny_training import NUM_PEOPLE, draw_people
from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.engine.commands.whole_tables import print_table

FAMILIES = (
    *("nl-ap3d", "tclnet", "ta", "rnn", "cosam-rnn", "nvan", "mgh", "agrl", "sanet", "idnet"),
    *("sbnet", "sinet", "convnext-tiny"),
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = [system_of(path) for path in FULL]
    parser.add_argument("systems", nargs="*", default=FAMILIES, help=f"some of {', '.join(known)}")
    args = parser.parse_args()
    unknown = [name for name in args.systems if name not in known]
    if unknown:
        parser.error(f"systems must be some of {', '.join(known)}, got {unknown[0]}")
    return args


def train(name: str, data: Path, work_dir: Path, epochs: int) -> dict[str, Any]:
    """Train a system up to an epoch, from where its folder stands; return its checkpoint."""
    cfg = small_config(next(path for path in FULL if system_of(path) == name))
    for step in cfg.train_dataloader.dataset.pipeline:
        step.update({"size": SIZE} if step["type"] == "ResizeClip" else {})
    cfg.train_dataloader.dataset.data_root = str(data)
    cfg.train_dataloader.update(batch_size=8, num_workers=0)
    cfg.train_dataloader.pop("persistent_workers", None)
    cfg.train_dataloader.sampler.update(num_pids=4, num_clips=2)
    cfg.model.head.num_classes = NUM_PEOPLE
    cfg.train_cfg.update(max_epochs=epochs, val_interval=2 * epochs)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    cfg.default_hooks.checkpoint.update(interval=1)
    # Nothing goes on from a report, and drawing it takes longer than the training.
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook["type"] != "RunReportHook"]
    cfg.update(work_dir=str(work_dir), experiment_name=uuid4().hex, log_level="ERROR", resume=True)
    Runner.from_cfg(Config(cfg.to_dict(), format_python_code=False)).train()
    return load_from_local_safely(str(work_dir / f"epoch_{epochs}.pth"), "cpu")


def find_difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the name of the first tensor that is not the same, or nothing."""
    for name, value in one["state_dict"].items():
        if not torch.equal(other["state_dict"][name], value):
            return name
    moments = [own["optimizer"]["state"] for own in (one, other)]
    if moments[0].keys() != moments[1].keys():
        return "optimizer"
    for index, values in moments[0].items():
        for name, value in values.items():
            if not torch.equal(moments[1][index][name], value):
                return f"optimizer.{index}.{name}"
    return ""


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    table = Table("system", "steps", "tensors", "two epochs = one + one")
    differs = False
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        data = draw_people(root / "people")
        for name in args.systems:
            whole = train(name, data, root / name / "whole", 2)
            train(name, data, root / name / "parts", 1)
            torch.manual_seed(99)  # what a new process would find
            found = find_difference(whole, train(name, data, root / name / "parts", 2))
            size = len(whole["state_dict"]) + 3 * len(whole["optimizer"]["state"])
            row = (str(whole["meta"]["iter"]), str(size))
            table.add_row(name, *row, f"differs in {found}" if found else "equal")
            differs |= bool(found)
    print_table(table)
    sys.exit(int(differs))


if __name__ == "__main__":
    main()
