"""Kill track_video.py and extract_features.py at random moments, and compare how they end.

``python -m dev.kill_commands`` draws a small street, runs each command once in peace, and then 20
times with one to three SIGKILLs, at any time or before any change of the disk. The same command
called again must leave the very files of the uninterrupted run. Needs ``fork``, so not Windows.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mmpretrain.models  # noqa: F401 (most of a run's time is imports: all inherit these)
import numpy as np
import torch
from rich.progress import track
from rich.table import Table

import mmctl.models  # noqa: F401
from dev.killed_command import MOMENTS, Command, KilledRun, kill_and_finish, run_whole, wait
from mmctl.apis import feature_extraction
from mmctl.apis.model_zoo import build_model
from mmctl.apis.video_tracking import camera_pass
from mmctl.datasets.synthetic.street import StreetSettings, StreetWriter
from mmctl.datasets.tracking import read_mot_file
from mmctl.engine import read_config
from mmctl.engine.commands.whole_tables import print_table
from mmctl.models.detectors import Detector
from mmctl.registry import DETECTORS
from mmctl.structures import Detections

ROOT = Path(__file__).resolve().parents[1]
STREET = StreetSettings(people=8, cameras=2, seconds=10, fps=6.0, size=(96, 160), things=0, seed=3)
COMMANDS = ("track_video.py", "extract_features.py")


class TrueBoxes(Detector):
    """Finds what is true of a drawn street, so that a tracker has something to follow."""

    def start(self, source, tracks):  # type: ignore[no-untyped-def]  # noqa: D102
        self.boxes = read_mot_file(source.path.with_suffix(".txt"))
        return []

    def detect(self, frames, positions):  # type: ignore[no-untyped-def]  # noqa: D102
        own = [self.boxes.boxes[self.boxes.frames == at + 1] for at in positions]
        return [Detections(boxes, np.full(len(boxes), 0.9)) for boxes in own]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="runs of each to kill; default 20")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument(
        "--keep", metavar="DIR", help="work here and keep what differs; default: a temporary folder"
    )
    args = parser.parse_args()
    if args.kills < 1:
        parser.error(f"--kills must be positive, got {args.kills}")
    return args


def prepare() -> None:
    """Make a forked process do its work in small steps, each of which may be its last."""
    torch.set_num_threads(1)
    DETECTORS.register_module(module=TrueBoxes, force=True)
    camera_pass.LEAST_BLOCK = 8
    feature_extraction.BLOCK = 2


def in_child(work) -> None:  # type: ignore[no-untyped-def]
    """Do something in a forked process, for one that has used threads cannot fork others."""
    process = os.fork()
    if not process:
        work()
        os._exit(0)
    if wait(process) != 0:
        raise RuntimeError("what the commands work on could not be made")


def save_checkpoint(path: Path) -> None:
    """Save the quickstart's baseline with random weights."""
    cfg = read_config(str(ROOT / "configs" / "quickstart" / "baseline_r18_quickstart.py"))
    torch.manual_seed(0)
    model = build_model(cfg)
    meta = {"cfg": cfg.pretty_text}
    state = {"state_dict": model.state_dict(), "message_hub": {"runtime_info": meta}, "meta": meta}
    torch.save(state, path)


def make_commands(root: Path, chosen: Sequence[str]) -> list[Command]:
    """Draw a street, track it once, and return the commands."""
    street, checkpoint = root / "street", root / "model.pth"
    in_child(lambda: StreetWriter(street, STREET).write())
    in_child(lambda: save_checkpoint(checkpoint))
    videos = [str(street / f"camera{number}.mp4") for number in (1, 2)]
    options = ["--detector", "TrueBoxes", "--min-size", "8", "4", "--min-length", "2"]
    tracking = Command(COMMANDS[0], [*videos, *options], prepare)
    tracked = root / "tracked"
    if wait(tracking.start(tracked)) != 0:
        raise RuntimeError((root / "output.txt").read_text()[-3000:])
    arguments = [str(checkpoint), str(tracked), "--device", "cpu", "--num-workers", "0"]
    both = [tracking, Command(COMMANDS[1], arguments, prepare)]
    return [command for command in both if command.tool in chosen]


def show(tool: str, runs: list[KilledRun]) -> Table:
    """Return how many of each kind ended equal."""
    table = Table("command", "killed", "runs", "kills", "equal")
    for moment in MOMENTS:
        own = [run for run in runs if run.moment == moment]
        equal = sum(not run.difference for run in own)
        table.add_row(tool, moment, str(len(own)), str(sum(r.kills for r in own)), str(equal))
    return table


def main() -> None:
    args = parse_args()
    generator, different = random.Random(args.seed), 0
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(args.keep or temporary).resolve()
        root.mkdir(parents=True, exist_ok=True)
        for command in make_commands(root, args.commands):
            folder = root / Path(command.tool).stem
            whole = run_whole(command, folder / "whole")
            runs = []
            for number in track(range(args.kills), command.tool, disable=not sys.stdout.isatty()):
                moment = MOMENTS[number % len(MOMENTS)]
                place = folder / f"killed_{number}"
                runs.append(kill_and_finish(command, place, whole, moment, generator))
                for name in runs[-1].difference[:3]:
                    print(f"{place}: differs in {name}")
            print_table(show(command.tool, runs))
            num_equal = sum(not run.difference for run in runs)
            different += len(runs) - num_equal
            print(f"{command.tool}: {num_equal} of {len(runs)} equal", flush=True)
    sys.exit(int(different > 0))


if __name__ == "__main__":
    main()
