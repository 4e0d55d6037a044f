"""Train a small Keypoint R-CNN on frames of drawn streets, within minutes and without a GPU.

``train_street_detector.py work_dirs/street_detector.pth`` draws streets of the seeds 1000 and on,
trains, and writes weights that track_video.py takes for videos of draw_street.py. They know nothing
of real people.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import fields
from pathlib import Path

from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.work_dir_check import check_work_dir

HELP = {
    "first_seed": "seed of the first street; test on others",
    "streets": "streets, each of the next seed, with three cameras",
    "frames": "frames drawn of each camera",
    "steps": "training steps",
    "batch_size": "frames of a step",
    "learning_rate": "largest step size",
    "backbone": "resnet10, resnet18 or resnet34",
    "seed": "decides the first weights and the order of the frames",
}


def parse_args() -> argparse.Namespace:
    from mmctl.apis.street_detector import DetectorTraining

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="file of the weights, as detector.pth")
    for item in fields(DetectorTraining):
        option = "--" + item.name.replace("_", "-")
        text = f"{HELP[item.name]} (default: {item.default})"
        parser.add_argument(option, type=type(item.default), default=item.default, help=text)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="that draw")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from mmctl.apis.street_detector import (
        DetectorTraining,
        draw_frames,
        save_detector,
        train_detector,
    )

    training = DetectorTraining(
        **{item.name: getattr(args, item.name) for item in fields(DetectorTraining)}
    )
    check_work_dir(args.out.parent)
    start = time.perf_counter()
    with rated_progress("frames") as progress:
        bar = progress.add_task("frames", total=training.num_drawn)
        frames = draw_frames(training, args.workers, lambda n: progress.advance(bar, n))
    with rated_progress("steps") as progress:
        bar = progress.add_task("steps", total=training.steps)
        model = train_detector(training, frames, lambda n: progress.advance(bar, n))
    save_detector(args.out, model, training)
    seconds = time.perf_counter() - start
    print(f"{args.out}: {training.steps} steps on {len(frames)} frames in {seconds:.0f} s")


if __name__ == "__main__":
    run_command(main)
