"""Turn keypoints that another program has written into a data set's keypoint array.

SOURCE is a COCO file (images and annotations), a list of persons with image_id and keypoints (COCO
results, AlphaPose), an object with the persons of each frame by its name (AlphaPose's other
formats, PoseFlow), or a folder with a JSON file per frame (OpenPose, AlphaPose, mmpose, or a list
of x, y, score). Joints are taken by the names that the file says, or else by their number: 17, 18,
25, 26, 133 or 136. x and y are pixels of the stored frame. The surest person of a frame is taken;
frames without one get zeros.

Poses of the whole frames that crops were cut from are given by camera: ``--camera 1 gate.json
--camera 2 hall.json``. The boxes that track_video.py and convert_mot.py keep say whose each is.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

import numpy as np
from rich.progress import track

from mmctl.apis.tracklet_source import add_dataset_options, build_dataset
from mmctl.datasets import TrackletDataset
from mmctl.datasets.checks.frame_check import read_sizes
from mmctl.datasets.checks.keypoint_check import check_frames_fit
from mmctl.datasets.keypoints.keypoint_file import write_stored_array
from mmctl.datasets.keypoints.keypoint_fit import KeypointFit
from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, check_place, hash_frame_list
from mmctl.datasets.keypoints.keypoint_import import (
    ImportedKeypoints,
    check_missing,
    collect_keypoints,
)
from mmctl.datasets.keypoints.pose_json import list_frame_files, read_frame_files, read_persons
from mmctl.datasets.keypoints.video_poses import read_video_poses
from mmctl.datasets.listings.annotation_file import read_annotation_file
from mmctl.datasets.tracking.whole_frame_poses import import_whole_frames, list_boxes
from mmctl.engine import run_command
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.engine.commands.track_options import read_camera_number


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("source", type=Path, nargs="?", help="JSON file, or folder of JSON files")
    add("--config", help="config whose data set is read, that for training if it has one")
    add_dataset_options(parser)
    add("--images", type=Path, help="COCO file whose images say what an integer image_id is")
    add("--out", type=Path, help="default: info/keypoints.npy in the data set's folder")
    text = "largest share of frames without a person (default: 0.05)"
    add("--max-missing", type=float, default=0.05, metavar="SHARE", help=text)
    add("--overwrite", action="store_true", help="replace keypoints that are there")
    add = parser.add_argument_group("poses of whole frames, in place of SOURCE").add_argument
    text = "number of a camera, and the poses of its video; repeat per camera"
    add("--camera", nargs=2, action="append", metavar=("NUMBER", "SOURCE"), help=text)
    text = "what the program calls the first frame (default: the least number that it lists)"
    add("--first-frame", type=int, metavar="N", help=text)
    text = "of the frames, where neither the poses nor the crops say it"
    add("--frame-size", type=int, nargs=2, metavar=("H", "W"), help=text)
    return parser.parse_args()


def describe(found: ImportedKeypoints, fit: KeypointFit, of_whole_frames: bool) -> str:
    """Return what was taken, left out and looked at."""
    one = "matching pose" if of_whole_frames else "person"
    others = "fit no box" if of_whole_frames else "beside a surer one"
    lines = [
        f"{len(found.keypoints)} frames, {len(found.missing)} of them without a {one} (zeros); "
        f"persons left out: {found.num_empty} without a joint, {found.num_others} {others}, "
        f"{found.num_unknown} in frames of no tracklet"
    ]
    if found.num_high:
        lines.append(f"{found.num_high} scores above 1 became 1")
    if found.unscored():
        lines.append(f"joints that nobody has: {', '.join(found.unscored())}")
    if fit.num_sized_persons:
        share = fit.num_outside / fit.num_sized
        lines.append(
            f"{share:.2%} of the joints lie outside of their frame, in {fit.num_sized_persons} "
            "frames that were looked at"
        )
    else:
        lines.append("no frame could be read to see whether the joints lie within it")
    return "\n".join(lines)


def read_crops(args: argparse.Namespace, names: list[str], root: str) -> ImportedKeypoints:
    """Return the poses of the data set's own frames."""
    if args.source.is_dir():
        paths = track(list_frame_files(args.source), "frames")
        persons = read_frame_files(args.source, paths)
    else:
        persons = read_persons(args.source, args.images)
    return collect_keypoints(persons, names, root)


def read_cameras(args: argparse.Namespace, dataset: TrackletDataset) -> ImportedKeypoints:
    """Return the poses of the frames that the data set's own were cut from."""
    if "all" not in dataset.SPLITS:
        raise ValueError(
            "poses of whole frames need the boxes of the tracklets, which a TrackletDataset's list "
            f"keeps and a {type(dataset).__name__} does not"
        )
    numbers = [read_camera_number(number) for number, _ in args.camera]
    twice = [number for number, n in Counter(numbers).items() if n > 1]
    if twice:
        raise ValueError(f"each camera must be given once, got camera {twice[0]} twice")
    entries = read_annotation_file(dataset.ann_file)[1]
    cameras = list_boxes(dataset.ann_file, entries)
    poses = {}
    with rated_progress("videos") as progress:
        bar = progress.add_task("videos", total=len(numbers))
        for number, (_, source) in zip(numbers, args.camera, strict=True):
            poses[number] = read_video_poses(Path(source), args.images)
            progress.advance(bar)
    names = dataset.frame_names()
    sizes = read_sizes([os.path.join(dataset.data_root, name) for name in names])
    size = None if args.frame_size is None else tuple(args.frame_size)
    return import_whole_frames(
        cameras, poses, names, sizes.astype(np.int64), args.first_frame, size
    )


def check_args(args: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    if not 0 <= args.max_missing <= 1:
        raise ValueError(f"--max-missing must be a share in [0, 1], got {args.max_missing}")
    if (args.source is None) == (args.camera is None):
        raise ValueError(
            "name the poses of the data set's own frames by SOURCE, or those of whole frames by "
            "--camera, and not by both"
        )
    for name in ("first_frame", "frame_size"):
        if args.camera is None and getattr(args, name) is not None:
            raise ValueError(f"--{name.replace('_', '-')} is about whole frames: give --camera")
    if args.frame_size is not None and min(args.frame_size) < 1:
        raise ValueError(
            f"--frame-size must be a height and width in pixels, got {args.frame_size}"
        )


def main() -> None:
    args = parse_args()
    check_args(args)
    dataset = build_dataset(args)
    out = args.out or Path(dataset.data_root) / "info" / "keypoints.npy"
    if out.suffix != ".npy":
        raise ValueError(f"--out must end with .npy, got {out}")
    if out.exists() and not args.overwrite:
        raise ValueError(f"{out} exists: choose another place with --out, or add --overwrite")
    check_place(out)
    names = dataset.frame_names()
    if args.camera is None:
        found = read_crops(args, names, dataset.data_root)
    else:
        found = read_cameras(args, dataset)
    check_missing(found, names, args.max_missing)
    fit = check_frames_fit(found, [os.path.join(dataset.data_root, name) for name in names])
    sources = [args.source.name] if args.source else [Path(item[1]).name for item in args.camera]
    origin = f"imported: {', '.join(sources)}"
    header = ArrayHeader("keypoints", len(names), hash_frame_list(names), origin)
    write_stored_array(out, found.keypoints, header)
    print(f"{out}: {describe(found, fit, args.camera is not None)}")


if __name__ == "__main__":
    run_command(main)
