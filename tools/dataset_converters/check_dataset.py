"""Compare a data set on disk with what it should hold, and look at every frame.

``check_dataset.py --dataset MARS --data-root data/mars --frames decode`` or ``check_dataset.py
CONFIG``. Frames that are missing between others of a tracklet and files that are passed over are
listed as things to look at, for they may be right. Exit status: 0 nothing is broken, 1 something is
missing, broken or other than it should be, 2 the data set cannot be read at all.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from mmengine.registry import init_default_scope
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmctl.datasets.checks.dataset_check import (
    UNLABELLED,
    SplitOnDisk,
    check_splits,
    frame_sizes,
    read_splits,
    tracklet_lengths,
)
from mmctl.datasets.checks.dataset_report import CountReport, DatasetReport
from mmctl.datasets.checks.frame_check import MODES
from mmctl.datasets.checks.keypoint_check import KeypointReport
from mmctl.engine import CfgOptions, read_config, run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.whole_tables import print_table
from mmctl.files import write_whole
from mmctl.registry import DATASETS
from mmctl.visualization.frame_histogram import draw_frame_histogram

SPLITS = ("train", "test", UNLABELLED)
STYLES = {"OK": "green", "differs": "bold red", "not known": "yellow"}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "config", nargs="?", help="check the data sets of its train and test dataloaders"
    )
    parser.add_argument("--dataset", help="class of the data set, as MARS or TrackletDataset")
    parser.add_argument("--data-root", help="its folder")
    parser.add_argument(
        "--options",
        nargs="+",
        action=CfgOptions,
        default={},
        help="other arguments of the data set, as fold=3 or ann_file=own.json",
    )
    text = "default: those that are there"
    parser.add_argument("--splits", nargs="+", choices=SPLITS, help=text)
    parser.add_argument(
        "--own-data",
        action="store_true",
        help="data of one's own in the layout of a published data set: compare no counts",
    )
    parser.add_argument(
        "--frames",
        choices=MODES,
        default="exist",
        help="none; exist: every file is there and not empty; header: it is whole and its header "
        "holds; decode: it decodes without complaint (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--show", type=int, default=20, help="broken frames to print")
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("broken_frames.txt"),
        metavar="TXT",
        help="where all broken frames go, if there are any (default: %(default)s)",
    )
    parser.add_argument("--json", type=Path, help="write everything that was found to this file")
    parser.add_argument("--histogram", type=Path, metavar="PNG", help="draw lengths and sizes")
    return parser.parse_args()


def dataset_configs(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the config of each split that is asked for.

    Raises:
        ValueError: If neither or both of a config and a data set are given, or the config lacks a
            data set.
    """
    if (args.config is None) == (args.dataset is None):
        raise ValueError("give either a config or --dataset with --data-root")
    if args.dataset is not None:
        if args.data_root is None:
            raise ValueError("--dataset needs --data-root, the folder of the data set")
        config = {"type": args.dataset, "data_root": args.data_root, **args.options}
        init_default_scope("mmctl")
        known = getattr(DATASETS.get(args.dataset), "SPLITS", ())
        present = [split for split in SPLITS if split != UNLABELLED or "all" in known]
        return dict.fromkeys(args.splits or present, config)
    wanted = args.splits or [split for split in SPLITS if split != UNLABELLED]
    configs = loader_configs(args, wanted)
    lacking = [split for split in wanted if split not in configs]
    if lacking and (args.splits or not configs):
        raise ValueError(
            f"{args.config} must have {lacking[0]}_dataloader.dataset to check, it has none; "
            "choose others with --splits"
        )
    return configs


def loader_configs(args: argparse.Namespace, wanted: list[str]) -> dict[str, dict[str, Any]]:
    """Return the data set of a config's data loader for each split; ``split='all'`` has all."""
    cfg = read_config(args.config)
    given = {"data_root": args.data_root} if args.data_root else {}
    configs: dict[str, dict[str, Any]] = {}
    rest: dict[str, dict[str, Any]] = {}
    for phase in (split for split in SPLITS if split != UNLABELLED):
        dataset = (cfg.get(f"{phase}_dataloader") or {}).get("dataset")
        if not isinstance(dataset, dict):
            continue
        config = {**dataset, **given, **args.options}
        if config.get("split") == "all":
            rest = dict.fromkeys(args.splits or SPLITS, config) | rest
        else:
            configs |= {phase: config} if phase in wanted else {}
            rest = {UNLABELLED: config} | rest if UNLABELLED in wanted else rest
    return rest | configs


def print_counts(console: Console, title: str, reports: dict[str, CountReport]) -> None:
    """Print counts beside what they should be."""
    table = Table("")
    for column in next(iter(reports.values())).counts:
        table.add_column(column, justify="right")
    table.add_column("official counts")
    for name, report in reports.items():
        mark = Text(report.mark or "none, own data", STYLES.get(report.mark, ""))
        if report.expected:
            mark.append(": " + ", ".join(report.expected))
        table.add_row(name, *(f"{count:,.10g}" for count in report.counts.values()), mark)
    print_table(table, title, console)


def print_findings(
    console: Console, findings: list[tuple[str, str]], show: int, mark: str = ""
) -> None:
    """Print the first of some paths and what there is to say of each."""
    for path, text in findings[:show]:
        # Names of files need not be text.
        line = f"{mark}{path}: {text}".encode("utf-8", "backslashreplace").decode()
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if mark and len(findings) > show:
        console.print(f"{mark}{len(findings) - show:,} more, see --show and --json")


def verdict(report: DatasetReport) -> str:
    """Return the last line."""
    if report.is_broken():
        return "something is broken"
    number = len(report.folders.notes) + report.has_no_match()
    if number:
        what = "1 finding is" if number == 1 else f"{number:,} findings are"
        return f"no file is broken, {what} to be looked at (above)"
    return "nothing is broken"


def print_faults(console: Console, report: DatasetReport, args: argparse.Namespace) -> None:
    """Print what is broken, the first frames of it by name, and write down all of them."""
    faults = report.frames.faults
    print_findings(console, faults, args.show)
    if faults:
        lines = "".join(f"{path}\t{reason}\n" for path, reason in faults)
        args.report.parent.mkdir(parents=True, exist_ok=True)
        write_whole(args.report, lines.encode("utf-8", "surrogateescape"))
        console.print(f"all {len(faults):,} broken frames are listed in {args.report}")
    if args.frames != "none":
        checked = report.frames.num_checked
        console.print(f"frames ({args.frames}): {checked:,} checked, {len(faults):,} broken")
    print_findings(console, report.folders.faults, args.show, "broken: ")
    print_findings(console, report.folders.notes, args.show, "to look at: ")
    if report.has_no_match() and report.is_unlabelled():
        console.print(
            "to look at: every tracklet is a person of its own, so no query has a match: features "
            "can be extracted, numbers need to know who is who",
            soft_wrap=True,
        )
    elif report.has_no_match():
        console.print(
            "no query has a match under any protocol, which is the same person under another "
            "camera: are the camids right?",
            style="bold red",
        )
    if report.shared_pids:
        shown = ", ".join(map(str, report.shared_pids[:5]))
        number = len(report.shared_pids)
        console.print(f"{number} persons are in both splits: {shown}, ...", style="bold red")
    for keypoints in report.keypoints:
        console.print(describe_keypoints(keypoints), soft_wrap=True)
        for fault in keypoints.faults:
            console.print(f"broken: {fault}", style="bold red", soft_wrap=True)


def describe_keypoints(report: KeypointReport) -> str:
    """Return how many rows there are, and of how many it is known whether they fit."""
    text = f"{report.path}: {report.num_rows:,} rows"
    if report.num_joints:
        share = report.num_outside / report.num_joints
        text += f", {share:.2%} of the joints lie outside of their frame"
    left = report.num_rows - report.num_sized
    if left:
        text += f"; {left:,} rows were not compared with the size of their frame"
    return text


def check(splits: list[SplitOnDisk], args: argparse.Namespace) -> DatasetReport:
    """Check with a progress bar."""
    total = sum(len(split.paths) for split in splits)
    with rated_progress("frames", disable=args.frames == "none") as progress:
        bar = progress.add_task("frames", total=total)
        return check_splits(
            splits, args.frames, args.workers, lambda number: progress.advance(bar, number)
        )


def main() -> None:
    args = parse_args()
    configs = dataset_configs(args)
    splits, missing = read_splits(configs, args.own_data, must_exist=args.splits is not None)
    # Logs have no width, and a table squeezed into a guess cannot be read.
    console = Console(width=None if sys.stdout.isatty() else 120)
    for text in missing:
        console.print(f"not checked: {text}", markup=False, highlight=False, soft_wrap=True)
    report = check(splits, args)
    place = f"{splits[0].name} in {splits[0].config.get('data_root', '')}"
    print_counts(console, place, report.subsets)
    if report.protocols:
        print_counts(console, "queries scored and gallery (without junk)", report.protocols)
    print_faults(console, report, args)
    if args.json is not None:
        write_whole(args.json, (json.dumps(report.to_dict(), indent=1) + "\n").encode())
    if args.histogram is not None:
        sizes = frame_sizes(splits, report.frames)
        draw_frame_histogram(tracklet_lengths(splits), sizes, place, args.histogram)
    console.print(verdict(report))
    sys.exit(int(report.is_broken()))


if __name__ == "__main__":
    run_command(main)
