"""Compute a feature for each tracklet: of a data set, of folders of crops, or of tracked videos.

``extract_features.py epoch_240.pth data/street --out work_dirs/street`` takes the config in the
checkpoint; ``--config`` names another one. ``extract_features.py epoch_240.pth --camera 1 cam1.txt
cam1.mp4 --camera 2 cam2.txt cam2.mp4 --out work_dirs/street`` takes videos and a tracker's output.
Nobody need be labelled. The result is ``features.npz`` and ``tracks.csv``. Run the same command
again after an interruption and it goes on.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmctl.apis import TrackedVideo, TrackletInferencer
from mmctl.apis.feature_extraction import FeatureExtraction
from mmctl.apis.inference.model_identity import choose_feature
from mmctl.apis.inference.read_inputs import InputOptions, Inputs
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.track_options import (
    add_file_options,
    add_track_options,
    read_camera_number,
    read_track_settings,
)
from mmctl.evaluation.tracklet_table import FEATURES, TRACKS, TrackletTable


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    text = "weights: a file, or the work dir of a training; or an exported graph, NAME.onnx"
    add("checkpoint", help=text)
    add("inputs", nargs="*", help="folders of crops, of a data set, or a config with a data set")
    add("--out", type=Path, required=True, help="folder of the result")
    add("--config", help="config of the model (default: the one in the checkpoint)")
    add("--dataset", help="class of the data sets whose folders are given, as MARS")
    add("--split", default="test", help="of --dataset (default: %(default)s)")
    add("--camid", type=int, help="number of the camera of folders that say none")
    text = "feature before or after the neck (default: as the config says, the paper's: before)"
    add("--feature", choices=["before", "after"], help=text)
    add("--keypoints", help=".npy file of keypoints, a row per frame")
    add("--device", help="default: the GPU if there is one, else the CPU")
    text = "execution providers of a graph, the preferred first (default: the CPU)"
    add("--providers", nargs="+", metavar="NAME", help=text)
    add("--amp", action="store_true", default=None, help="mixed precision")
    add("--batch-size", type=int, default=8, help="clips at a time (default: %(default)s)")
    add("--num-workers", type=int, default=2, help="threads that load frames (default: 2)")
    text = "leave frames of a lower quality (0 to 1) out (default: none)"
    add("--min-quality", type=float, default=0.0, help=text)
    add("--weighted", action="store_true", help="clips count by the quality of their frames")
    add("--overwrite", action="store_true", help="replace a result of another origin")
    add_video_options(parser)
    return parser.parse_args()


def add_video_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("videos and what a tracker found in them").add_argument
    text = "a camera's number, track file, and video or folder of frames; repeat per camera"
    add("--camera", nargs=3, action="append", metavar=("NUMBER", "TRACKS", "FRAMES"), help=text)
    add_file_options(parser)
    add_track_options(parser)


def list_inputs(args: argparse.Namespace) -> list[Any]:
    """Return what the command line names, as the inferencer takes it.

    Raises:
        ValueError: If it names nothing, or a camera's number is none.
    """
    inputs: list[Any] = list(args.inputs)
    if args.dataset is not None:
        inputs = [
            {"type": args.dataset, "data_root": folder, "split": args.split} for folder in inputs
        ]
    settings = read_track_settings(args)
    classes = None if args.classes is None else tuple(args.classes)
    for number, tracks, frames in args.camera or ():
        inputs.append(
            TrackedVideo(frames, tracks, read_camera_number(number), settings, args.boxes, classes)
        )
    if not inputs:
        raise ValueError("name folders, a config with a data set, or videos with --camera")
    return inputs


def describe_left_out(table: TrackletTable) -> str:
    """Return a line about frames that were left out for their quality; '' if none was."""
    left_out, used = int(table.num_left_out.sum()), int(table.num_frames.sum())
    if not left_out:
        return ""
    return (
        f"{left_out:,} of {left_out + used:,} frames left out for their quality, in "
        f"{(table.num_left_out > 0).sum():,} of {len(table.pids):,} tracklets"
    )


def extract(args: argparse.Namespace) -> None:
    """Do what is left, and say what was made."""
    choice = FrameChoice(args.min_quality, args.weighted)
    inferencer = TrackletInferencer(
        *(args.config, args.checkpoint, args.device, args.amp, args.num_workers, False),
        providers=args.providers,
    )
    if args.feature is not None:
        choose_feature(inferencer.model, args.feature)
    options = InputOptions(inferencer.reads, keypoints=args.keypoints, camera=args.camid)
    inputs = Inputs(list_inputs(args), options)
    extraction = FeatureExtraction(inferencer, inputs, args.out, args.batch_size, choice)
    with rated_progress("tracklets") as progress:
        bar = progress.add_task("tracklets", total=extraction.total)
        table = extraction.run(lambda n: progress.update(bar, completed=n), args.overwrite)
    if describe_left_out(table):
        print(describe_left_out(table))
    known = int(table.known_pids.sum())
    print(
        f"{args.out / FEATURES}, {TRACKS}: {len(table.pids):,} tracklets, "
        f"{table.features.shape[1]} channels, {known:,} with a known person"
    )


def main() -> None:
    args = parse_args()
    try:
        extract(args)
    except KeyboardInterrupt:
        print("\ninterrupted; running the same command again goes on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run_command(main)
