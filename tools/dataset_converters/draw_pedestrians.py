"""Draw walking pedestrians in the layout of a data set: nothing has to be downloaded."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from mmctl.datasets.synthetic import WRITERS, DrawnSettings, clear_folder
from mmctl.engine import run_command

CONFIG, PHASES = "configs/quickstart/ctl_r18_quickstart.py", ("train", "val", "test")
TYPES = {
    "mars": "MARS",
    "ilids-vid": "ILIDSVID",
    "prid2011": "PRID2011",
    "dukemtmc-videoreid": "DukeMTMCVideoReID",
    "ls-vid": "LSVID",
}
HELP = {item.name: item.metadata["help"] for item in fields(DrawnSettings)}


def parse_args() -> argparse.Namespace:
    """Read the command line; every setting of the data set is an option."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_root", type=Path, help="folder of the data set, as data/quickstart")
    parser.add_argument("--layout", choices=[*WRITERS], default="mars", help="default: mars")
    for name, default in vars(DrawnSettings()).items():
        several = isinstance(default, tuple)
        kind, count = type(default[0] if several else default), "+" if several else None
        others = [
            f", {key}: {w.defaults[name]}" for key, w in WRITERS.items() if name in w.defaults
        ]
        text = f"{HELP[name]} (default: {default}{''.join(others)})"
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=kind, nargs=count, help=text)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--force", action="store_true", help="replace what was drawn there before")
    return parser.parse_args()


def draw(args: argparse.Namespace) -> None:
    """Draw what is missing in the folder and say what is done."""
    given = {name: getattr(args, name) for name in HELP if getattr(args, name) is not None}
    kind = WRITERS[args.layout]
    root, settings = args.data_root, DrawnSettings(**{**kind.defaults, **given})
    writer = kind(root, settings, args.workers)
    if args.force:
        clear_folder(root)
    if writer.is_finished():
        writer.tidy()
        print(f"{root}: already complete")
        return
    pending = writer.pending()
    writer.check_space(pending)
    total, start = sum(item.num_frames for item in pending), time.perf_counter()
    print(f"{root}: drawing {total} frames of {len(pending)} tracklets, workers: {args.workers}")
    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        bar = progress.add_task("frames", total=total)
        writer.write(lambda num_frames: progress.advance(bar, num_frames))
    seconds = time.perf_counter() - start
    print(f"{root}: complete after {seconds:.1f} s, see contact_sheet.png there")
    print(f"next: {next_command(args.layout, root, settings)}")


def next_command(layout: str, root: Path, settings: DrawnSettings) -> str:
    """Return the command that trains on the data set."""
    options = [f"{phase}_dataloader.dataset.data_root={root}" for phase in PHASES]
    if layout != "mars":
        options += [f"{phase}_dataloader.dataset.type={TYPES[layout]}" for phase in PHASES]
        protocol = "cross-camera" if layout in ("ilids-vid", "prid2011") else "query-excluded"
        options += [f"{phase}_evaluator.protocol={protocol}" for phase in PHASES[1:]]
    options.append(f"model.head.num_classes={settings.num_train_pids}")
    return f"python tools/train.py {CONFIG} --cfg-options {' '.join(options)}"


def main() -> None:
    """Draw; name what went wrong, and what to do after an interrupt."""
    try:
        draw(parse_args())
    except BrokenProcessPool as error:
        raise OSError(f"{error} Running the command again, without --force, goes on.") from error
    except KeyboardInterrupt:
        print("\ninterrupted; running the command again, without --force, goes on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run_command(main)
