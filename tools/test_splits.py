"""Train and test a config on every split of its data set: mean and standard deviation.

``python tools/test_splits.py CONFIG`` runs the ten splits of iLIDS-VID or PRID-2011 one after the
other, each in a process and a work folder of its own. Finished splits are kept and an interrupted
training goes on, so the command may be stopped and called again at any time; a split that fails
does not stop the others.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

from mmctl.engine import prepare_config, run_command
from mmctl.engine.commands.kept_run import keep
from mmctl.engine.commands.split_runs import (
    COUNTS,
    SplitRuns,
    parse_folds,
    summarize,
)
from mmctl.engine.commands.whole_tables import print_table
from mmctl.engine.config_check.config_overrides import parse_option

TOOLS = Path(__file__).resolve().parent


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("config", type=Path, help="config file; its data sets must have folds")
    parser.add_argument("--folds", default="0-9", help="as 0-9 (default) or 0,3,5-7")
    parser.add_argument(
        "--work-dir", type=Path, help="default: work_dirs/<config>_splits; a folder per fold in it"
    )
    parser.add_argument(
        "--test-only",
        metavar="CHECKPOINT",
        help="test this checkpoint on every split instead of training; {fold} stands for the "
        "number of the split, as in work_dirs/run/fold{fold}/epoch_240.pth",
    )
    parser.add_argument(
        "--cfg-options", nargs="+", default=[], help="overrides for every training and test"
    )
    return parser.parse_args()


def read_config(path: Path, options: list[str]) -> Config:
    """Return the config with its overrides, checked as tools/train.py checks it."""
    overrides = dict(map(parse_option, options))
    for key in overrides:
        if key.endswith("_dataloader.dataset.fold"):
            raise ValueError(f"--folds says which folds to run, so {key} cannot be overridden")
    return prepare_config(path, overrides)


def to_table(summary: dict[str, Any]) -> Table:
    """Return a row per fold, then mean and standard deviation."""
    mean, std = summary["mean"], summary["std"]
    table = Table("fold", *mean, "queries", "gallery")
    for result in summary["folds"]:
        scores = [f"{result[name]:.2f}" for name in mean]
        table.add_row(str(result["fold"]), *scores, *(str(result[name]) for name in COUNTS))
    table.add_section()
    table.add_row("mean", *(f"{value:.2f}" for value in mean.values()))
    if summary["num_folds"] > 1:
        table.add_row("std", *(f"{value:.2f}" for value in std.values()))
    return table


def run_folds(args: argparse.Namespace, runs: SplitRuns, cfg: Config, folds: Sequence[int]) -> None:
    """Run the folds, and print the table of those that are done."""
    path = runs.work_dir / "summary.json"
    results, failures, summary = [], [], {}
    with Progress(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()) as progress:
        for fold in progress.track(folds, description="folds"):
            try:
                results.append(runs.run(fold, cfg))
            except ValueError as error:
                failures.append(fold)
                progress.console.print(f"fold {fold} failed: {error}", soft_wrap=True, markup=False)
            if results:
                summary = summarize(results) | {"config": str(args.config), "failed": failures}
                keep(path, summary)
    if results:
        print_table(to_table(summary), f"protocol {summary['protocol']}")
        print(f"{path}: {len(results)} of {len(folds)} folds")
    if len({result["code"] for result in results}) > 1:
        print("warning: the folds were run with different versions of the code, see 'code' there")
    if failures:
        raise ValueError(
            f"folds {failures} failed (see above); the same command runs them again, and no others"
        )


def main() -> None:
    args = parse_args()
    folds = parse_folds(args.folds)
    work_dir = (args.work_dir or Path("work_dirs") / f"{args.config.stem}_splits").resolve()
    cfg = read_config(args.config, args.cfg_options)
    runs = SplitRuns(args.config.resolve(), work_dir, args.cfg_options, TOOLS, args.test_only)
    with runs.checked(cfg, folds):
        run_folds(args, runs, cfg, folds)


if __name__ == "__main__":
    run_command(main)
