"""Train a model: ``python tools/train.py CONFIG``."""

import argparse

from mmengine.runner import Runner

from mmctl.engine import (
    check_save_best,
    check_work_dir,
    end_on_signals,
    init_cpu_distributed,
    locked_work_dir,
    parse_run,
    prepare_run,
    run_command,
    use_mixed_precision,
    watch_checkpoints,
    write_event_files,
)
from mmctl.reports import reported


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a model")
    parser.add_argument("config", help="config file")
    parser.add_argument("--work-dir", help="where logs and checkpoints go")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="go on from this checkpoint, or from the last one in the work dir",
    )
    parser.add_argument("--amp", action="store_true", help="train in mixed precision")
    parser.add_argument("--tensorboard", action="store_true", help="write event files as well")
    parser.add_argument("--no-validate", action="store_true", help="do not validate in training")
    parser.add_argument(
        "--auto-scale-lr",
        action="store_true",
        help="scale the learning rate by batch size x GPUs / base_batch_size",
    )
    return parse_run(parser)


def main() -> None:
    args = parse_args()
    cfg = prepare_run(args.config, args.cfg_options, work_dir=args.work_dir, launcher=args.launcher)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        checkpoint_hook = (cfg.get("default_hooks") or {}).get("checkpoint")
        if checkpoint_hook:
            checkpoint_hook.save_best = None
    check_save_best(cfg)
    if args.auto_scale_lr:
        if not cfg.get("auto_scale_lr"):
            raise ValueError("--auto-scale-lr needs auto_scale_lr.base_batch_size in the config")
        cfg.auto_scale_lr.enable = True
    if args.amp:
        use_mixed_precision(cfg)
    if args.tensorboard:
        write_event_files(cfg)
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == "auto" else args.resume
    watch_checkpoints(cfg)
    check_work_dir(cfg.work_dir)
    with locked_work_dir(cfg.work_dir, args.launcher):
        init_cpu_distributed(cfg, args.launcher)
        runner = Runner.from_cfg(cfg)
        with reported(runner):
            runner.train()


if __name__ == "__main__":
    end_on_signals()
    run_command(main)
