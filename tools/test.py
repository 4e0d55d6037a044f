"""Test a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import os
from pathlib import Path
from typing import Any

import mmengine
from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmctl.engine import check_config, init_cpu_distributed, run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Test a checkpoint")
    parser.add_argument("config", help="config file")
    parser.add_argument(
        "checkpoint", nargs="?", help="checkpoint file; left out: the untrained network"
    )
    parser.add_argument("--work-dir", help="where the log goes")
    parser.add_argument("--out", metavar="NPZ", help="save features and metadata to this file")
    parser.add_argument("--metrics-file", metavar="JSON", help="save the numbers to this file")
    parser.add_argument("--amp", action="store_true", help="test in mixed precision")
    parser.add_argument(
        "--cfg-options", nargs="+", action=DictAction, help="overrides, as in key.sub=value"
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    return parser.parse_args()


def prepare_config(args: argparse.Namespace) -> Config:
    cfg = Config.fromfile(args.config)
    cfg.launcher = args.launcher
    cfg.merge_from_dict(args.cfg_options or {})
    name = Path(args.config).stem
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or f"work_dirs/{name}"
    cfg.load_from, cfg.resume = args.checkpoint, False
    if args.out is not None:
        cfg.test_evaluator.dump_file = args.out
    if args.amp:
        cfg.test_cfg.fp16 = True
    return cfg


def save_metrics(metrics: dict[str, float], cfg: Config, path: str) -> None:
    row: dict[str, Any] = {key.split("/")[-1]: value for key, value in metrics.items()}
    row |= {"protocol": cfg.test_evaluator.protocol, "checkpoint": cfg.load_from}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    mmengine.dump(row, path, indent=2)


def main() -> None:
    args = parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg = prepare_config(args)
    check_config(cfg)
    init_cpu_distributed(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    if args.checkpoint is None:
        print_log("No checkpoint given: this tests the UNTRAINED network.", logger="current")
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.init_weights()
    metrics = runner.test()
    if args.metrics_file is not None and is_main_process():
        save_metrics(metrics, cfg, args.metrics_file)


if __name__ == "__main__":
    run_command(main)
