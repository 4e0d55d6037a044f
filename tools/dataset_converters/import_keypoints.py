"""Turn keypoints that another program has written into a data set's keypoint array.

SOURCE is a COCO file (images and annotations), a list of persons with image_id and keypoints (COCO
results, AlphaPose), an object with the persons of each frame by its name (AlphaPose's other
formats, PoseFlow), or a folder with a JSON file per frame (OpenPose, AlphaPose, mmpose, or a list
of x, y, score). Joints are taken by the names that the file says, or else by their number: 17, 18,
25, 26, 133 or 136. x and y are pixels of the stored frame. The surest person of a frame is taken;
frames without one get zeros.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.progress import track

from mmctl.apis.tracklet_source import add_dataset_options, build_dataset
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
from mmctl.engine import run_command


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("source", type=Path, help="JSON file, or folder of JSON files")
    add("--config", help="config whose data set is read, that for training if it has one")
    add_dataset_options(parser)
    add("--images", type=Path, help="COCO file whose images say what an integer image_id is")
    add("--out", type=Path, help="default: info/keypoints.npy in the data set's folder")
    text = "largest share of frames without a person (default: 0.05)"
    add("--max-missing", type=float, default=0.05, metavar="SHARE", help=text)
    add("--overwrite", action="store_true", help="replace keypoints that are there")
    return parser.parse_args()


def describe(found: ImportedKeypoints, fit: KeypointFit) -> str:
    """Return what was taken, left out and looked at."""
    lines = [
        f"{len(found.keypoints)} frames, {len(found.missing)} of them without a person (zeros); "
        f"persons left out: {found.num_empty} without a joint, {found.num_others} beside a surer "
        f"one, {found.num_unknown} in frames of no tracklet"
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


def main() -> None:
    args = parse_args()
    if not 0 <= args.max_missing <= 1:
        raise ValueError(f"--max-missing must be a share in [0, 1], got {args.max_missing}")
    dataset = build_dataset(args)
    out = args.out or Path(dataset.data_root) / "info" / "keypoints.npy"
    if out.suffix != ".npy":
        raise ValueError(f"--out must end with .npy, got {out}")
    if out.exists() and not args.overwrite:
        raise ValueError(f"{out} exists: choose another place with --out, or add --overwrite")
    check_place(out)
    names = dataset.frame_names()
    if args.source.is_dir():
        paths = track(list_frame_files(args.source), "frames")
        persons = read_frame_files(args.source, paths)
    else:
        persons = read_persons(args.source, args.images)
    found = collect_keypoints(persons, names, dataset.data_root)
    check_missing(found, names, args.max_missing)
    fit = check_frames_fit(found, [os.path.join(dataset.data_root, name) for name in names])
    header = ArrayHeader(
        "keypoints", len(names), hash_frame_list(names), f"imported: {args.source.name}"
    )
    write_stored_array(out, found.keypoints, header)
    print(f"{out}: {describe(found, fit)}")


if __name__ == "__main__":
    run_command(main)
