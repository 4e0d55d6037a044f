"""Test a checkpoint: ``python tools/test.py CONFIG CHECKPOINT``."""

import argparse
import json
from functools import partial
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmctl.apis.inference.clip_pipeline import test_pipeline
from mmctl.apis.inference.model_identity import describe_model
from mmctl.engine import (
    check_config,
    init_cpu_distributed,
    locked_files,
    parse_run,
    prepare_run,
    run_command,
    watch_checkpoints,
)
from mmctl.evaluation import ReIDMetric
from mmctl.files import write_whole


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
    return parse_run(parser)


def prepare_config(args: argparse.Namespace) -> Config:
    cfg = prepare_run(args.config, args.cfg_options, work_dir=args.work_dir, launcher=args.launcher)
    cfg.load_from, cfg.resume = args.checkpoint, False
    if args.out is not None:
        if not isinstance(evaluator := cfg.get("test_evaluator"), dict):
            raise ValueError(
                f"--out needs a test_evaluator that is one ReIDMetric, got {evaluator}"
            )
        evaluator["dump_file"] = args.out
        check_config(cfg)  # another metric does not take it
    if args.amp:
        cfg.test_cfg = {**(cfg.get("test_cfg") or {}), "fp16": True}
    return cfg


def written_files(cfg: Config, args: argparse.Namespace) -> list[str]:
    """Return the files that the test writes beside its log."""
    evaluator = cfg.get("test_evaluator")
    evaluators = evaluator if isinstance(evaluator, list) else [evaluator]
    files = [item.get("dump_file") for item in evaluators if isinstance(item, dict)]
    return [path for path in (*files, args.metrics_file) if path is not None]


def check_metrics_file(metrics_file: str) -> None:
    """Find out before the test whether its numbers can be written after it."""
    path = Path(metrics_file)
    if path.suffix != ".json":
        raise ValueError(f"--metrics-file must end with .json, got {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.unlink()  # numbers of an earlier test must not pass for this one's


def save_metrics(metrics: dict[str, float], runner: Runner, path: str) -> None:
    """Write the numbers, the protocol and the checkpoint as one JSON object."""
    protocols = [
        str(m.protocol.name) for m in runner.test_evaluator.metrics if hasattr(m, "protocol")
    ]
    names = [key.split("/")[-1] for key in metrics]
    # Two metrics of one kind differ in what stands before the slash only.
    row: dict[str, float | str] = {
        name if names.count(name) == 1 else key: value
        for name, (key, value) in zip(names, metrics.items(), strict=True)
    }
    for metric in runner.test_evaluator.metrics:
        if isinstance(metric, ReIDMetric) and metric.last_evaluation is not None:
            row["mINP"] = 100 * metric.last_evaluation.ranking.mean_inverse_penalty
            row["refinement"] = str(metric.refinement)
    row |= {"protocol": ", ".join(protocols), "checkpoint": runner.cfg.load_from}
    write_whole(path, f"{json.dumps(row, indent=2)}\n".encode())


def describe_tested(runner: Runner) -> dict[str, str]:
    """Return what the features say of their model, as ``extract_features.py`` records it."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    amp = bool((runner.cfg.get("test_cfg") or {}).get("fp16", False))
    return describe_model(model, runner.cfg.model, test_pipeline(runner.cfg), amp)


def main() -> None:
    args = parse_args()
    cfg = prepare_config(args)
    watch_checkpoints(cfg)
    with locked_files(written_files(cfg, args), args.launcher):
        run_test(cfg, args)


def run_test(cfg: Config, args: argparse.Namespace) -> None:
    """Test, and write what is asked for."""
    if args.metrics_file is not None:
        check_metrics_file(args.metrics_file)
    init_cpu_distributed(cfg, args.launcher)
    runner = Runner.from_cfg(cfg)
    if args.checkpoint is None:
        print_log("No checkpoint given: this tests the UNTRAINED network.", logger="current")
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.init_weights()
    for metric in runner.test_evaluator.metrics if args.out is not None else ():
        metric.describe_model = partial(describe_tested, runner)
    metrics = runner.test()
    if args.metrics_file is not None and is_main_process():
        save_metrics(metrics, runner, args.metrics_file)


if __name__ == "__main__":
    run_command(main)
