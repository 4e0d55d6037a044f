"""Cut a tracker's boxes out of videos into tracklets that TrackletDataset reads.

``convert_mot.py data/street --camera 1 cam1.txt cam1.mp4 --camera 2 cam2.txt frames/cam2
--identities persons.csv --split random``. Track files have lines of the MOT Challenge,
frame,id,bb_left,bb_top,bb_width,bb_height[,conf,...], or a header that names their columns; a
folder of labels from Ultralytics' track(save_txt=True) is read, too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmctl.datasets.tracking import (
    Camera,
    TrackWriter,
    open_source,
    read_label_folder,
    read_mot_file,
)
from mmctl.datasets.tracking.identity_map import read_identities
from mmctl.datasets.tracking.set_folder import check_folder
from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.split_options import add_split_options, read_split_choice
from mmctl.engine.commands.track_options import (
    add_file_options,
    add_track_options,
    read_camera_number,
    read_track_settings,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder of the data set to write")
    parser.add_argument(
        "--camera",
        nargs=3,
        action="append",
        required=True,
        metavar=("NUMBER", "TRACKS", "FRAMES"),
        help="a camera's number, track file (or folder of labels), and video or folder of frames; "
        "repeat per camera",
    )
    add_split_options(parser, "left out")
    add_file_options(parser)
    add_track_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace a finished data set")
    return parser.parse_args()


def read_camera(values: list[str], args: argparse.Namespace) -> Camera:
    """Read a camera's boxes and open its frames.

    Raises:
        ValueError: If the number is none, or a file is malformed.
    """
    number, tracks, frames = read_camera_number(values[0]), *values[1:]
    source = open_source(Path(frames))
    if Path(tracks).is_dir():
        boxes = read_label_folder(Path(tracks), source, args.first_frame, args.classes)
    else:
        boxes = read_mot_file(Path(tracks), args.first_frame, args.boxes, args.classes)
    return Camera(number, boxes, source)


def main() -> None:
    args = parse_args()
    check_folder(args.out, args.overwrite)
    settings = read_track_settings(args)
    choice = read_split_choice(args)
    identities = read_identities(args.identities) if args.identities else None
    cameras = [read_camera(camera, args) for camera in args.camera]
    writer = TrackWriter(args.out, cameras, settings, identities, choice, args.out.resolve().name)
    for warning in writer.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    total = sum(len(track.positions) for track in writer.tracks)
    with rated_progress("crops") as progress:
        bar = progress.add_task("crops", total=total)
        writer.write(lambda number: progress.advance(bar, number), args.overwrite)
    for reason, number in writer.dropped.items():
        if number:
            print(f"{number:,} boxes left out: {reason}")
    counts = {split: writer.splits.count(split) for split in ("train", "query", "gallery")}
    print(f"{args.out}: {total:,} crops, {len(set(writer.pids))} pids, tracklets: {counts}")


if __name__ == "__main__":
    run_command(main)
