"""What is true of a drawn street, and the tracks that were found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets import TrackletDataset
from mmctl.datasets.synthetic.street.street_files import CAMERAS, poses_name
from mmctl.evaluation.tracking_scores import Tracks
from mmctl.files import read_json, shorten, to_record, write_whole
from mmctl.structures import NUM_KEYPOINTS

Persons = dict[tuple[int, int], int]
"""Person by camera and track."""


@dataclass(frozen=True)
class _Person:
    """A line of a street's keypoints, as ``draw_street.py`` writes it."""

    id: int
    image_id: int
    category_id: int
    iscrowd: int
    bbox: tuple[float, float, float, float]
    area: float
    keypoints: list[float]
    num_keypoints: int
    track_id: int
    pid: int
    visibility: float


@dataclass(frozen=True)
class _Video:
    video: str
    camera: int
    start: str


@dataclass(frozen=True, eq=False)
class StreetCameraTruth:
    """What is true of one camera of a street.

    Attributes:
        camid: Camera.
        video: Its video.
        tracks: Boxes of the people.
        keypoints: x, y and COCO's visibility of the joints, (n, 17, 3).
        pids: Person by track.
    """

    camid: int
    video: Path
    tracks: Tracks
    keypoints: NDArray[np.float64]
    pids: Mapping[int, int]


def read_street(folder: Path) -> list[StreetCameraTruth]:
    """Read the truth of all cameras of a drawn street.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file is not as draw_street.py writes it.
    """
    content = read_json(folder / CAMERAS, "camera list of a drawn street")
    if not isinstance(content, list) or not content:
        raise ValueError(f"{folder / CAMERAS} must be a list of videos, got {shorten(content)}")
    truths = []
    for number, item in enumerate(content):
        camera = to_record(_Video, item, f"{folder / CAMERAS}: video {number}")
        truths.append(_read_camera(folder, camera))
    return truths


def _read_camera(folder: Path, camera: _Video) -> StreetCameraTruth:
    path = folder / poses_name(camera.camera)
    content = read_json(path, "keypoints of a drawn street")
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        raise ValueError(f"{path} must be an object with a list under 'annotations'")
    people = [
        to_record(_Person, item, f"{path}: annotation {number}")
        for number, item in enumerate(content["annotations"])
    ]
    tracks = Tracks(
        np.array([person.image_id - 1 for person in people], np.int64),
        np.array([person.track_id for person in people], np.int64),
        np.array([person.bbox for person in people], np.float64).reshape(-1, 4),
        np.array([bool(person.iscrowd) for person in people], bool),
    )
    joints = np.array([person.keypoints for person in people], np.float64).reshape(
        -1, NUM_KEYPOINTS, 3
    )
    pids = {person.track_id: person.pid for person in people}
    return StreetCameraTruth(camera.camera, folder / camera.video, tracks, joints, pids)


def read_tracks(folder: Path) -> dict[int, Tracks]:
    """Read the boxes of the tracklets that track_video.py or convert_mot.py wrote, by camera.

    Raises:
        FileNotFoundError: If there is no such data set.
        ValueError: If its list does not say where the frames are from.
    """
    dataset = TrackletDataset(data_root=str(folder), split="all")
    rows_of: dict[int, list[tuple[Any, Any, Any]]] = {}
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if not {"track", "frame_numbers", "boxes"} <= set(info):
            raise ValueError(
                f"{folder}: tracklet {index} must have 'track', 'frame_numbers' and 'boxes', as "
                "track_video.py and convert_mot.py write them"
            )
        numbers = np.asarray(info["frame_numbers"])
        tracks = np.full(len(numbers), info["track"], np.int64)
        rows_of.setdefault(int(info["camid"]), []).append((numbers, tracks, info["boxes"]))
    return {
        camid: Tracks(*(np.concatenate(column) for column in zip(*rows, strict=True)))
        for camid, rows in rows_of.items()
    }


def write_persons(path: Path, persons: Persons) -> None:
    """Write ``camera,track_id,pid``, which convert_mot.py and track_video.py read."""
    rows = [f"{camid},{track},{pid}\n" for (camid, track), pid in sorted(persons.items())]
    write_whole(path, ("camera,track_id,pid\n" + "".join(rows)).encode("ascii"))
