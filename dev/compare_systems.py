"""Train every system of the zoo, and CTL, small, by one recipe on the same drawn people.

``python -m dev.compare_systems`` draws people once (640 queries), makes the network of every full
config narrow and its frames small, and trains it with several seeds: the quickstart's clips and
schedule, equal iterations, the losses of the system's own head. What is finished is kept: the same
command goes on. Rank-1 and mAP come as a table; one training is one draw, so is each number.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from rich.table import Table

import mmctl.evaluation
import mmctl.models  # noqa: F401
from dev.compare_features import spread
from dev.small_systems import FULL, small_config, system_of
from mmctl.engine import read_config, run_command
from mmctl.engine.commands.kept_run import keep
from mmctl.engine.commands.measured_numbers import read_finished, read_scores
from mmctl.engine.commands.tool_runs import run_python
from mmctl.engine.commands.whole_tables import print_table
from mmctl.files import FolderLock

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
OURS = {
    "ctl": CONFIGS / "ctl/ctl_r50_1xb32-240e_mars-256x128.py",
    "baseline": CONFIGS / "ctl/baseline_r50_1xb32-240e_mars-256x128.py",
}
SYSTEMS = OURS | {system_of(path): path for path in FULL}
RECIPE = ("_base_/datasets/quickstart_4x8.py", "_base_/schedules/quickstart_20e.py")
READ = partial(read_scores, needed=("R1", "mAP", "iterations"))
SIZE, WIDTH, PEOPLE = (96, 48), 8, 96
"""Of the frames, of the stem, and people to train on."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("systems", nargs="*", default=list(SYSTEMS), help=f"some of {', '.join(SYSTEMS)}")
    add("--data-root", type=Path, default=Path("data/compare_systems"), help="the people")
    add("--work-dir", type=Path, default=Path("work_dirs/compare_systems"), help="the results")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    add("--epochs", type=int, default=8, help="of 24 iterations (default: 8)")
    add("--table-only", action="store_true", help="the table of what is measured")
    args = parser.parse_args()
    unknown = [name for name in args.systems if name not in SYSTEMS]
    if unknown:
        parser.error(f"systems must be some of {', '.join(SYSTEMS)}, got {unknown[0]}")
    return args


def small_model(name: str) -> Config:
    """Return the model of a system's full config with a narrow network."""
    if name not in OURS:
        return small_config(SYSTEMS[name], WIDTH, SIZE).model
    model, channels = read_config(OURS[name]).model, 32 * WIDTH
    model.backbone.update(base_channels=WIDTH, stem_channels=WIDTH, init_cfg=None)
    model.head.channels = channels
    if "graph_head" in model and model.graph_head is not None:
        model.graph_head.channels = channels
        model.graph_head.cross_scale.dim = channels // 8
    return model


def make_config(name: str, seed: int, args: argparse.Namespace) -> Config:
    """Return the training of a system: its model, and the recipe of all."""
    files = [*RECIPE, "_base_/default_runtime.py"]
    cfg = Config({})
    for file in files:
        cfg.merge_from_dict(Config.fromfile(CONFIGS / file).to_dict())
    cfg.model = small_model(name)
    cfg.model.head.num_classes = PEOPLE
    cfg.model.data_preprocessor.channels_last = True  # a third faster here
    for phase in ("train", "test"):
        loader = cfg[f"{phase}_dataloader"]
        loader.num_workers = 0
        loader.dataset.data_root = str(args.data_root)
        for step in loader.dataset.pipeline:
            step.update({"size": SIZE} if step["type"] == "ResizeClip" else {})
        if cfg.model.get("pose"):
            loader.dataset.keypoint_file = "info/keypoints.npy"
            loader.dataset.pipeline.insert(2, {"type": "LoadKeypoints"})
    cfg.train_cfg.update(max_epochs=args.epochs, val_interval=args.epochs)
    cfg.param_scheduler[1].update(end=args.epochs, T_max=args.epochs - 1)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.interval = args.epochs
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook["type"] != "RunReportHook"]
    cfg.randomness = {"seed": seed}
    cfg.update(work_dir=str(run_folder(name, seed, args)), experiment_name=uuid4().hex)
    cfg.log_level = "WARNING"
    return Config(cfg.to_dict(), format_python_code=False)


def run_folder(name: str, seed: int, args: argparse.Namespace) -> Path:
    return args.work_dir / f"{name}-{args.epochs}e-seed{seed}"


def train(name: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Train and test a system unless that is done; return its numbers."""
    path = run_folder(name, seed, args) / "numbers.json"
    done = read_finished(path, READ)
    if done is not None:
        return done
    runner = Runner.from_cfg(make_config(name, seed, args))
    runner.train()
    numbers = {key.rpartition("/")[2]: value for key, value in runner.test().items()}
    return keep(path, numbers | {"iterations": runner.iter})


def show(results: dict[str, list[dict[str, Any]]]) -> None:
    """Print mean and sample standard deviation over the seeds, of systems in the zoo's order."""
    table = Table("system", "Rank-1", "mAP", "seeds", "iterations")
    for name, found in results.items():
        if found:
            cells = [spread([numbers[key] for numbers in found], 1) for key in ("R1", "mAP")]
            table.add_row(name, *cells, str(len(found)), str(found[0]["iterations"]))
    print_table(table)


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    args.work_dir.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in args.systems}
    if args.table_only:
        for name, found in results.items():
            paths = [run_folder(name, seed, args) / "numbers.json" for seed in args.seeds]
            found += [numbers for path in paths if (numbers := read_finished(path, READ))]
        show(results)
        return
    command = ["tools/dataset_converters/draw_pedestrians.py", str(args.data_root.resolve())]
    command += ["--num-test-pids", "160"]
    with FolderLock(args.work_dir):
        run_python(command, args.work_dir / "draw.txt", cwd=CONFIGS.parent)
        for seed in args.seeds:
            for name in args.systems:
                numbers = train(name, seed, args)
                results[name].append(numbers)
                scores = f"Rank-1 {numbers['R1']:.1f}, mAP {numbers['mAP']:.1f}"
                print(f"{name}, seed {seed}: {scores}", flush=True)
    show(results)


if __name__ == "__main__":
    run_command(main)
