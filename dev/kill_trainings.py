"""Kill trainings at random moments, resume them, and compare how they end.

``python -m dev.kill_trainings`` trains a tiny CTL on drawn people: once in peace
with each precision, then 50 times with a SIGKILL at any time, in the midst of writing a file or
while a clip is drawn. Every killed training is resumed; its weights, optimizer, schedules, random
states and losses must equal those of the uninterrupted one bit by bit. Needs ``fork``, so not
Windows.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from dev.killed_training import MOMENTS, KilledTraining, run_whole
from dev.tiny_training import Setting, draw_people
from mmctl.engine.commands.whole_tables import print_table

SETTINGS = [Setting(amp, workers) for amp in (False, True) for workers in (0, 2)]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="trainings to kill; default 50")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--keep", metavar="DIR", help="work here and keep what differs; default: a temporary folder"
    )
    args = parser.parse_args()
    if args.kills < 1:
        parser.error(f"--kills must be positive, got {args.kills}")
    return args


def kill_and_resume(root: Path, args: argparse.Namespace) -> Iterator[KilledTraining]:
    """Yield the trainings after their end, the moments and settings in turn."""
    generator = random.Random(args.seed)
    data = draw_people(root / "people")
    whole = {}
    for number in range(args.kills):
        setting = SETTINGS[number // len(MOMENTS) % len(SETTINGS)]
        if setting.amp not in whole:
            whole[setting.amp] = run_whole(root / f"whole_amp_{setting.amp}", data, setting)
        moment = MOMENTS[number % len(MOMENTS)]
        folder = root / f"killed_{number}"
        training = KilledTraining(folder, data, setting, moment, whole[setting.amp])
        training.kill(generator)
        training.resume()
        yield training
        if training.is_equal:
            shutil.rmtree(folder)


def show(trainings: list[KilledTraining], console: Console) -> None:
    """Print how many of each kind ended equal."""
    table = Table("killed", "precision", "workers", "resumed from", "equal")
    kinds = Counter((t.moment, t.setting) for t in trainings)
    for (moment, setting), number in sorted(kinds.items(), key=str):
        chosen = [t for t in trainings if (t.moment, t.setting) == (moment, setting)]
        places = Counter(t.resumed_from.split("_")[0] for t in chosen)
        table.add_row(
            moment,
            "bfloat16" if setting.amp else "float32",
            str(setting.workers),
            ", ".join(f"{count} {place}" for place, count in sorted(places.items())),
            f"{sum(t.is_equal for t in chosen)} of {number}",
        )
    print_table(table, console=console)
    for training in trainings:
        if not training.is_equal:
            console.print(f"{training.folder}: differs in {training.difference}", style="red")


def main() -> None:
    args = parse_args()
    console = Console()
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        tempfile.TemporaryDirectory() as temporary,
        Progress(*columns, console=console, auto_refresh=False) as bar,
    ):  # a thread would be in the way of fork
        root = Path(args.keep or temporary).resolve()
        root.mkdir(parents=True, exist_ok=True)
        task = bar.add_task("kill and resume", total=args.kills)
        trainings = []
        for training in kill_and_resume(root, args):
            trainings.append(training)
            bar.update(task, advance=1, refresh=True)
    show(trainings, console)
    num_equal = sum(training.is_equal for training in trainings)
    console.print(f"{num_equal} of {len(trainings)} equal")
    sys.exit(0 if num_equal == len(trainings) else 1)


if __name__ == "__main__":
    main()
