"""Poses of the whole frames of videos, as rows of the keypoint array of the tracklets cut of them.

The boxes that the tracklets keep say whose a pose is and where its crop lies in the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.datasets.keypoints.keypoint_fit import KeypointFit
from mmctl.datasets.keypoints.keypoint_import import ImportedKeypoints
from mmctl.datasets.keypoints.video_poses import VideoPoses, iter_frames
from mmctl.datasets.tracking.crop_places import locate_crops, move_into_crops
from mmctl.datasets.tracking.pose_matching import match_poses
from mmctl.structures import NUM_KEYPOINTS

MIN_MATCHED = 0.5
"""Least share of the boxes, in frames with a pose, that one fits: else they are of other videos."""

_NEEDED = ("boxes", "frame_numbers")


@dataclass(frozen=True)
class CameraBoxes:
    """The crops of a camera.

    Attributes:
        name: Camera and video, for messages.
        rows: Row of each crop in the keypoint array, (n,).
        positions: Frame of each in the video, from 0, (n,).
        boxes: Left, top, width and height in pixels of the frame, (n, 4).
    """

    name: str
    rows: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]


def list_boxes(place: str, entries: Sequence[Mapping[str, Any]]) -> dict[int, CameraBoxes]:
    """Return the crops of each camera.

    Args:
        place: The annotation file, for messages.
        entries: Its tracklets, with ``keypoint_rows``.

    Raises:
        ValueError: If a tracklet does not say boxes and frame numbers, or a camera has several
            videos, in which a number names several frames.
    """
    by_camera: dict[int, list[Mapping[str, Any]]] = {}
    for number, entry in enumerate(entries):
        for key in _NEEDED:
            if key not in entry:
                raise ValueError(
                    f"{place}: tracklet {number} must have {key!r} for poses of whole frames, "
                    "because they say which pose is whose; track_video.py and convert_mot.py write "
                    "them"
                )
        by_camera.setdefault(entry["camid"], []).append(entry)
    cameras = {}
    for camid, own in by_camera.items():
        videos = sorted({entry.get("video", "") for entry in own})
        if len(videos) > 1:
            raise ValueError(
                f"{place}: the tracklets of a camera must be of one video for poses of whole "
                f"frames, because frames are known by their numbers, but those of camera {camid} "
                f"are of {videos[0]!r} and {videos[1]!r}"
            )
        cameras[camid] = CameraBoxes(
            f"camera {camid}" + (f" ({videos[0]})" if videos[0] else ""),
            *(
                np.concatenate([np.asarray(entry[key]) for entry in own])
                for key in ("keypoint_rows", "frame_numbers", "boxes")
            ),
        )
    return cameras


def import_whole_frames(
    cameras: Mapping[int, CameraBoxes],
    poses: Mapping[int, VideoPoses],
    names: Sequence[str],
    sizes: npt.NDArray[np.int64],
    first_frame: int | None = None,
    frame_size: tuple[int, int] | None = None,
) -> ImportedKeypoints:
    """Give each crop the pose that fits its box, in pixels of the crop.

    Args:
        cameras: The crops by camera.
        poses: What a program found in the video of each camera.
        names: All crops in the order of the rows.
        sizes: Height and width of each, (rows, 2).
        first_frame: What the program calls the first frame; None: as
            :meth:`~mmctl.datasets.keypoints.video_poses.VideoPoses.find_first`.
        frame_size: Height and width of the frames; None: what the poses say.

    Returns:
        The rows. ``num_others`` counts persons who fit no box of their frame, ``num_unknown`` those
        in frames without a box.

    Raises:
        ValueError: If a camera lacks poses or is unknown, or the poses are of other videos or of
            frames of another size.
    """
    for name, first, second in (("poses", cameras, poses), ("tracklets", poses, cameras)):
        lacking = sorted(set(first) - set(second))
        if lacking:
            raise ValueError(
                f"each camera of the data set must be given once with its poses, but camera "
                f"{lacking[0]} has no {name}; the data set has cameras {sorted(cameras)}"
            )
    keypoints = np.zeros((len(names), NUM_KEYPOINTS, 3), dtype=np.float32)
    is_found = np.zeros(len(names), dtype=bool)
    counts = np.zeros(4, dtype=np.int64)
    for camid, boxes in cameras.items():
        size = _agree(boxes, poses[camid], frame_size)
        video, high = _check_persons(boxes, poses[camid], size)
        matched, others = _match(boxes, video, poses[camid].find_first(first_frame))
        own = np.flatnonzero(matched >= 0)
        rows = boxes.rows[own]
        places = locate_crops(boxes.boxes, sizes[boxes.rows], size, [names[r] for r in boxes.rows])
        joints = np.stack([video.persons[person].joints for person in matched[own]])
        keypoints[rows] = move_into_crops(joints, places.select(own))
        is_found[rows] = True
        counts += (*others, len(poses[camid].persons) - len(video.persons), high)
    first_path = next(iter(poses.values())).path
    return ImportedKeypoints(
        keypoints,
        np.zeros((len(names), 2), dtype=np.int64),
        np.flatnonzero(~is_found),
        int(counts[1]),
        int(counts[2]),
        int(counts[0]),
        int(counts[3]),
        str(first_path),
    )


def _agree(
    boxes: CameraBoxes, poses: VideoPoses, frame_size: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Return the size of the frames."""
    if frame_size is not None and poses.frame_size not in (None, frame_size):
        said, given = ("x".join(map(str, size)) for size in (poses.frame_size or (), frame_size))
        raise ValueError(
            f"the frames of {boxes.name} must be {given} pixels (height x width), which "
            f"--frame-size says, but {poses.path} has poses of frames of {said}"
        )
    return frame_size or poses.frame_size


def _check_persons(
    boxes: CameraBoxes, poses: VideoPoses, size: tuple[int, int] | None
) -> tuple[VideoPoses, int]:
    """Return the persons with a joint, and how many of their scores are above 1."""
    places = [i for i, person in enumerate(poses.persons) if (person.joints[:, 2] > 0).any()]
    if not places:
        raise ValueError(f"{poses.path} must have at least one person with a joint, got none")
    persons = [poses.persons[place] for place in places]
    fit = KeypointFit()
    known = None if size is None else np.tile(np.array(size, np.int32), (len(persons), 1))
    fit.add(np.stack([person.joints for person in persons]), known)
    for fault in fit.faults():
        raise ValueError(f"{poses.path}, for {boxes.name}: {fault}")
    chosen = VideoPoses(poses.path, persons, poses.numbers[places], poses.listed, size)
    return chosen, fit.num_high


def _match(
    boxes: CameraBoxes, poses: VideoPoses, first: int
) -> tuple[npt.NDArray[np.int64], tuple[int, int]]:
    """Return the person of each box, -1 where there is none.

    Beside it, how many persons fit no box of their frame, and how many are in frames without one.
    """
    _check_end(boxes, poses, first)
    matched = np.full(len(boxes.rows), -1, dtype=np.int64)
    order = np.argsort(boxes.positions, kind="stable")
    ordered = boxes.positions[order]
    beside = elsewhere = seen = 0
    for number, persons in iter_frames(poses):
        low, high = np.searchsorted(ordered, [number - first, number - first + 1])
        own = order[low:high]
        if not len(own):
            elsewhere += len(persons)
            continue
        joints = np.stack([poses.persons[person].joints for person in persons])
        found = match_poses(joints, boxes.boxes[own])
        matched[own] = np.where(found >= 0, persons[found], -1)
        seen += len(own)
        beside += len(persons) - int((found >= 0).sum())
    num_matched = int((matched >= 0).sum())
    if num_matched < max(MIN_MATCHED * seen, 1):
        raise ValueError(
            f"{poses.path}: only {num_matched} of {seen} boxes of {boxes.name}, in frames with a "
            "pose, have one that lies in them: are the poses of another video, of frames of "
            "another size, or counted from another frame (--first-frame)?"
        )
    return matched, (beside, elsewhere)


def _check_end(boxes: CameraBoxes, poses: VideoPoses, first: int) -> None:
    """Refuse poses of a shorter video."""
    if poses.listed is None:
        return
    step = int(np.diff(poses.listed).max(initial=1))
    last, end = int(boxes.positions.max()), int(poses.listed[-1]) - first
    if last >= end + step:
        raise ValueError(
            f"{poses.path}: the poses end with frame {end} (from 0), but {boxes.name} has boxes up "
            f"to frame {last}: are they of another video, or not its whole result?"
        )
