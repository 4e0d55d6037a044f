"""Cut a tracker's boxes out of videos into tracklets that TrackletDataset reads.

``convert_mot.py data/street --camera 1 cam1.txt cam1.mp4 --camera 2 cam2.txt frames/cam2
--identities persons.csv --split random``. Track files have lines of the MOT Challenge,
frame,id,bb_left,bb_top,bb_width,bb_height[,conf,...], or a header that names their columns; a
folder of labels from Ultralytics' track(save_txt=True) is read, too.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from mmctl.datasets.tracking import (
    Camera,
    TrackSettings,
    TrackWriter,
    open_source,
    read_label_folder,
    read_mot_file,
)
from mmctl.datasets.tracking.identity_map import read_identities
from mmctl.datasets.tracking.mot_file import BOXES
from mmctl.datasets.tracking.set_folder import check_folder
from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.split_options import add_split_options, read_split_choice

DEFAULTS = TrackSettings()


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
    add = parser.add_argument_group("how track files are read").add_argument
    add("--boxes", choices=BOXES, help="left, top and then width, height or right, bottom")
    add("--classes", type=int, nargs="+", help="classes that are persons, where there are several")
    add = parser.add_argument_group("what is kept of the tracks").add_argument
    add("--first-frame", type=int, default=DEFAULTS.first_frame, help="number of the first frame")
    add("--stride", type=int, default=DEFAULTS.stride, help="use every so-many-th frame")
    add("--min-confidence", type=float, default=DEFAULTS.min_confidence)
    add("--min-size", type=int, nargs=2, metavar=("H", "W"), default=list(DEFAULTS.min_size))
    add("--max-gap", type=int, default=DEFAULTS.max_gap, help="lost for longer: two tracklets")
    add("--min-length", type=int, default=DEFAULTS.min_length, help="least crops of a tracklet")
    add(
        "--skip-missing-frames",
        action="store_true",
        help="leave out boxes beyond the end of a video that was cut off",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a finished data set")
    return parser.parse_args()


def read_camera(values: list[str], args: argparse.Namespace) -> Camera:
    """Read a camera's boxes and open its frames.

    Raises:
        ValueError: If the number is none, or a file is malformed.
    """
    number, tracks, frames = values
    if not re.fullmatch("[0-9]{1,18}", number):
        raise ValueError(
            f"a camera's number must be an integer, 0 or more, of at most 18 digits, got "
            f"{number[:60]!r}"
        )
    source = open_source(Path(frames))
    if Path(tracks).is_dir():
        boxes = read_label_folder(Path(tracks), source, args.first_frame, args.classes)
    else:
        boxes = read_mot_file(Path(tracks), args.first_frame, args.boxes, args.classes)
    return Camera(int(number), boxes, source)


def main() -> None:
    args = parse_args()
    check_folder(args.out, args.overwrite)
    settings = TrackSettings(
        args.first_frame,
        args.stride,
        args.min_confidence,
        tuple(args.min_size),
        args.max_gap,
        args.min_length,
        args.skip_missing_frames,
    )
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
