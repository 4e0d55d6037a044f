"""Run a pose estimator over all frames of a data set once and keep the keypoints in one array.

The data set is that of a config (for training, if it has one) or named by ``--dataset`` and
``--data-root``; the frames of all its splits are read. Run it again after an interruption and it
goes on. With several GPUs: ``torchrun --nproc_per_node GPUS tools/dataset_converters/
extract_keypoints.py ... --launcher pytorch``.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import init_dist, is_distributed, is_main_process
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmctl.apis import BrokenFramesError, ExtractionSettings, KeypointExtraction
from mmctl.apis.tracklet_source import add_dataset_options, build_dataset
from mmctl.engine import init_cpu_distributed, run_command
from mmctl.models.pose import FrozenPoseEstimator

ZOO = "body_2d_keypoint/topdown_heatmap/coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192"
ESTIMATOR = f"mmpose::{ZOO}.py"
CHECKPOINT = f"https://download.openmmlab.com/mmpose/v1/{ZOO}-81c58e40_20220909.pth"
HEATMAPS = Path("info/heatmaps.npy")
TIMEOUT = 7 * 24 * 3600
"""Seconds that a process waits for the others, whose share may take far longer than its own."""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def add_size(option: str, default: tuple[int, int] | None, text: str) -> None:
        parser.add_argument(
            option, nargs=2, type=int, metavar=("H", "W"), default=default, help=text
        )

    add = parser.add_argument
    add("config", nargs="?", help="config whose data set is read, that for training if it has one")
    add_dataset_options(parser)
    add("--estimator", default=ESTIMATOR, help="config file or mmpose:: name (default: HRNet-W32)")
    add("--checkpoint", help="weights of the estimator (default: mmpose's, for HRNet-W32)")
    add_size("--frame-size", (256, 128), "resize frames first (default: 256 128)")
    add_size("--input-size", None, "resize for the estimator then (default: not)")
    add("--flip-test", action="store_true", help="average with the mirrored frames")
    add("--out", type=Path, help="default: info/keypoints.npy in the data set's folder")
    text = "keep raw heatmaps, too (default place: info/heatmaps.npy in the data set's folder)"
    add("--heatmaps", nargs="?", type=Path, const=HEATMAPS, metavar="FILE", help=text)
    add_size("--map-size", (16, 8), "of the heatmaps that are kept (default: 16 8)")
    add("--batch-size", type=int, default=64, help="frames at a time (default: 64)")
    add("--num-workers", type=int, default=2, help="processes that read frames (default: 2)")
    add("--amp", action="store_true", help="mixed precision")
    add("--allow-broken", action="store_true", help="zeros for frames that cannot be read")
    add(
        "--overwrite",
        action="store_true",
        help="replace what was made in another way or is damaged",
    )
    add("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    add("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def plan_extraction(args: argparse.Namespace) -> KeypointExtraction:
    """Build everything: a mistake shows before the work begins."""
    dataset = build_dataset(args)
    dataset.frame_names()  # before weights are loaded, or even fetched
    checkpoint = args.checkpoint
    if checkpoint is None:
        if args.estimator != ESTIMATOR:
            raise ValueError(
                "--checkpoint must name the weights of --estimator, because random ones find no "
                f"keypoints, got none for {args.estimator}"
            )
        checkpoint = CHECKPOINT
    estimator = FrozenPoseEstimator(
        args.estimator, checkpoint, args.input_size, args.flip_test, args.batch_size
    )
    root = Path(dataset.data_root)
    paths = {"keypoints": args.out or root / "info" / "keypoints.npy"}
    if args.heatmaps is not None:
        paths["heatmaps"] = root / HEATMAPS if args.heatmaps == HEATMAPS else args.heatmaps
    for path in paths.values():
        if path.suffix != ".npy":
            raise ValueError(f"the place of an array must end with .npy, got {path}")
    settings = ExtractionSettings(
        tuple(args.frame_size),
        tuple(args.map_size),
        args.batch_size,
        args.num_workers,
        args.amp,
        args.allow_broken,
    )
    return KeypointExtraction(dataset, estimator, Path(args.estimator).stem, paths, settings)


def extract(extraction: KeypointExtraction, overwrite: bool) -> None:
    """Show how far it is, and where the result lies."""
    paths = ", ".join(str(array.path) for array in extraction.partial.arrays.values())
    if extraction.is_complete():
        extraction.run()
        print_once(f"{paths}: already complete")
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} frames/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not is_main_process()) as progress:
        bar = progress.add_task("frames", total=len(extraction.names), rate=0.0)
        started: list[int] = []

        def report(done: int, under_way: int) -> None:
            started.append(done) if not started else None
            progress.update(bar, completed=done + under_way)
            task = progress.tasks[bar]
            rate = (done + under_way - started[0]) / max(task.elapsed or 0, 1e-9)
            progress.update(bar, rate=rate)

        extraction.run(report, overwrite)
    print_once(f"{paths}: complete, {len(extraction.names)} frames")


def end_with_launcher() -> None:
    """End this process when its launcher is killed: it would wait for the others for ever."""
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def print_once(text: str) -> None:
    if is_main_process():
        print(text)


def main() -> None:
    args = parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    if args.launcher != "none":
        end_with_launcher()
    init_cpu_distributed(Config({"env_cfg": {"dist_cfg": {"timeout": TIMEOUT}}}), args.launcher)
    if args.launcher != "none" and not is_distributed():
        init_dist(args.launcher, timeout=TIMEOUT)
    try:
        extract(plan_extraction(args), args.overwrite)
    except BrokenFramesError:
        if is_main_process():
            raise
        sys.exit(2)  # the main process names the frames of all
    except KeyboardInterrupt:
        print("\ninterrupted; running the same command again goes on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run_command(main)
