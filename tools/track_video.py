"""Follow the persons in videos: crops, keypoints, times and quality, as TrackletDataset reads them.

``track_video.py gate.mp4 hall.mp4 --out data/street --starts 2024-05-31T12:30:00Z
2024-05-31T12:30:05Z`` detects with torchvision's Keypoint R-CNN and tracks with ByteTrack. Killed
at any moment, the same command goes on. label_tracklets.py says afterwards who is who.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from mmctl.engine import run_command
from mmctl.engine.commands.command_line import CfgOptions
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.track_options import add_track_options, read_track_settings

BATCH = 4


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("videos", nargs="*", metavar="VIDEO", help="video file, or folder of numbered frames")
    add("--out", type=Path, required=True, help="folder of the data set to write")
    add = parser.add_argument_group("whose the videos are").add_argument
    add(
        "--cameras", type=int, nargs="+", metavar="N", help="camera of each video (default: 1 2 ..)"
    )
    add(
        "--starts", nargs="+", metavar="TIME", help="when each video began, as 2024-05-31T12:30:00Z"
    )
    add("--tracks", nargs="+", metavar="FILE", help="track file of each video, for MotFile")
    text = "all of that in a JSON or YAML file, in place of flags"
    add("--camera-list", type=Path, metavar="FILE", help=text)
    add = parser.add_argument_group("who finds and follows the persons").add_argument
    add("--detector", default="TorchvisionKeypointRCNN", help="(default: %(default)s)")
    add("--weights", help="name of torchvision's weights, or a checkpoint (default: DEFAULT)")
    add("--detector-options", nargs="+", action=CfgOptions, default={}, metavar="KEY=VALUE")
    add("--tracker", help="(default: ByteTrack, none for MotFile)")
    add("--tracker-options", nargs="+", action=CfgOptions, default={}, metavar="KEY=VALUE")
    add("--custom-imports", nargs="+", default=[], metavar="MODULE", help="that register others")
    add("--device", help="as cuda:0 or cpu (default: a GPU if there is one)")
    add("--batch-size", type=int, default=BATCH, help="frames at a time (default: %(default)s)")
    add_track_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace what is in the folder")
    return parser.parse_args()


def track(args: argparse.Namespace) -> None:
    """Do what is left, and say what was made."""
    from mmctl.apis.video_tracking import VideoTracking
    from mmctl.apis.video_tracking.components import build_detector, build_tracker
    from mmctl.apis.video_tracking.video_choice import choose_videos

    cameras = choose_videos(args.videos, args.cameras, args.starts, args.tracks, args.camera_list)
    settings = read_track_settings(args)
    given = {"weights": args.weights, "device": args.device}
    detector = build_detector(args.detector, given, args.detector_options, args.custom_imports)
    tracker = build_tracker(args.tracker, args.tracker_options, detector)
    work = VideoTracking(args.out, cameras, detector, tracker, settings, args.batch_size)
    for warning in work.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    num_known = len(work.warnings)
    if work.is_finished() and not args.overwrite:
        print(f"{args.out} has been finished by this command before; --overwrite makes it again")
        return
    with rated_progress("frames") as progress:
        bar = progress.add_task("frames", total=None)
        result = work.run(
            lambda done, total: progress.update(bar, completed=done, total=total), args.overwrite
        )
    for warning in result.warnings[num_known:]:
        print(f"warning: {warning}", file=sys.stderr)
    print_result(args.out, result)


def print_result(out: Path, result: Any) -> None:
    """Say what was made and what was left out."""
    for reason, number in result.dropped.items():
        if number:
            print(f"{number:,} boxes left out: {reason}")
    crops = sum(len(entry["frames"]) for entry in result.entries)
    cameras, used, there = len(result.num_frames), sum(result.num_used), sum(result.num_frames)
    frames = f"{there:,}" if used == there else f"{used:,} of {there:,}"
    print(
        f"{out}: {len(result.entries):,} tracklets with {crops:,} crops from "
        f"{frames} frames of {cameras} camera{'s' if cameras > 1 else ''}"
    )


def main() -> None:
    args = parse_args()
    try:
        track(args)
    except KeyboardInterrupt:
        print("\ninterrupted; running the same command again goes on", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run_command(main)
