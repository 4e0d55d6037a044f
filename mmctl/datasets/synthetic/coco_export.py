"""Drawn pedestrians as COCO keypoint annotations, which pose toolboxes read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.listings.mars_names import FrameNames, read_frame_names
from mmctl.datasets.synthetic.drawing_state import COCO_FILES, finished_marker, read_marker
from mmctl.datasets.synthetic.plan import JUNK_PID
from mmctl.datasets.synthetic.random_streams import SPLITS
from mmctl.files import write_whole
from mmctl.structures import KEYPOINT_EDGES, KEYPOINTS

PERSON = {
    "id": 1,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(KEYPOINTS),
    "skeleton": [[first + 1, second + 1] for first, second in KEYPOINT_EDGES],
}
"""The only category; COCO counts the ends of its edges from 1."""

BODY_SHARE = 0.53
"""Share of the rectangle around a person that the person covers, by which COCO's evaluation tools
estimate the area where there is no silhouette."""


def write_coco_files(data_root: Path) -> list[Path]:
    """Write ``info/coco_train.json`` and ``info/coco_test.json`` of a drawn data set.

    Args:
        data_root: Folder of the data set; file names in the annotations start from there.

    Returns:
        The files.

    Raises:
        FileNotFoundError: If the folder holds no finished set of drawn pedestrians.
        ValueError: If the keypoints are not exact, or not one row per frame.
    """
    marker = finished_marker(data_root)
    if not marker.is_file():
        raise FileNotFoundError(
            f"{marker} does not exist, so {data_root} is no finished set of drawn pedestrians, "
            "whose keypoints are known; draw one with tools/dataset_converters/draw_pedestrians.py"
        )
    settings = read_marker(marker)["settings"]
    if settings.get("keypoint_mistakes"):
        raise ValueError(
            f"{data_root} must have exact keypoints to be annotated with, but was drawn with "
            f"keypoint_mistakes {settings['keypoint_mistakes']}; draw another set without"
        )
    height, width = settings["size"]
    info = data_root / "info"
    names = {split: read_frame_names(info / f"{split}_name.txt") for split in SPLITS}
    keypoints = np.load(info / "keypoints.npy")
    expected = sum(len(item.names) for item in names.values())
    if len(keypoints) != expected:
        raise ValueError(
            f"{info / 'keypoints.npy'} must have a row per frame of the data set, which has "
            f"{expected}, got {len(keypoints)}; draw the data set anew with --force"
        )
    paths, first_row = [], 0
    for split, frames in names.items():
        rows = slice(first_row, first_row + len(frames.names))
        content = describe_split(split, frames, keypoints[rows], (height, width), first_row)
        paths.append(info / COCO_FILES[split])
        write_whole(paths[-1], json.dumps(content).encode("ascii"))
        first_row = rows.stop
    return paths


def describe_split(
    split: str,
    frames: FrameNames,
    keypoints: NDArray[np.float32],
    size: tuple[int, int],
    first_row: int = 0,
) -> dict[str, Any]:
    """Return the annotations of one split in COCO's format.

    Every frame is an image, whose id is its row in the data set's keypoint array, counted from 1.
    Every frame but those of junk has one person, with the id of the image, whose box is the whole
    frame: the frames are what a detector cut out. A visible joint has flag 2, a hidden one inside
    the frame 1 and one outside 0. Coordinates stay as they are: integers are pixel centres in
    mmpose, too.

    Args:
        split: 'train' or 'test', the folder ``bbox_<split>`` of the frames.
        frames: The split's frames.
        keypoints: x, y and score of the same frames, (F, 17, 3).
        size: Height and width of the frames.
        first_row: Row of the first frame in the data set's keypoint array.
    """
    images, annotations = [], []
    for index, (name, pid) in enumerate(zip(frames.names, frames.pids, strict=True)):
        # From 1: COCO's evaluation takes a match with annotation 0 for none.
        number = first_row + index + 1
        path = f"bbox_{split}/{name[:4]}/{name}"
        images.append({"id": number, "file_name": path, "height": size[0], "width": size[1]})
        if pid != JUNK_PID:
            person = {"id": number, "image_id": number, "category_id": PERSON["id"], "iscrowd": 0}
            annotations.append(person | _describe_person(keypoints[index], size))
    return {"images": images, "annotations": annotations, "categories": [PERSON]}


def _describe_person(joints: NDArray[np.float32], size: tuple[int, int]) -> dict[str, Any]:
    height, width = size
    places, scores = joints[:, :2].astype(np.float64), joints[:, 2]
    # The first pixel reaches from -0.5 to 0.5.
    inside = np.all((places >= -0.5) & (places <= np.array([width, height]) - 0.5), axis=1)
    flags = np.where(inside, np.where(scores > 0, 2, 1), 0)
    sides = np.ptp(places[inside], axis=0) if inside.any() else np.zeros(2)
    triples = np.where(inside[:, None], places, 0).round(2).tolist()
    return {
        "bbox": [0, 0, width, height],
        "area": round(BODY_SHARE * float(sides.prod()), 2),
        "keypoints": [
            value for xy, flag in zip(triples, flags.tolist(), strict=True) for value in (*xy, flag)
        ],
        "num_keypoints": int(inside.sum()),
    }
