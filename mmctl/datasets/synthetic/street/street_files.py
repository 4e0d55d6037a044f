"""What lies beside the videos of a street: boxes, keypoints, identities and cameras."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from mmctl.datasets.synthetic.coco_export import PERSON
from mmctl.datasets.synthetic.street.street_segment import SegmentTruth
from mmctl.datasets.synthetic.street.street_settings import StreetSettings
from mmctl.datasets.synthetic.street.walks import Visit
from mmctl.files import open_atomically, write_whole

IDENTITIES, CAMERAS = "persons.csv", "cameras.json"

START = datetime(2024, 5, 1, 12, 0, tzinfo=timezone.utc)
"""When the videos of every street begin."""

MIN_VISIBLE = 0.1
"""Share of a body that must be seen, for the truth to ask for it: others are flagged as to be
ignored, in the list of boxes by a 0 in the place of the confidence, in that of keypoints as a
crowd."""

Truths = Callable[[], Iterator[SegmentTruth]]


def video_name(camid: int) -> str:
    """Return the name of a camera's video."""
    return f"camera{camid}.mp4"


def boxes_name(camid: int) -> str:
    """Return the name of a camera's boxes in the format of the MOT Challenge."""
    return f"camera{camid}.txt"


def poses_name(camid: int) -> str:
    """Return the name of a camera's keypoints and boxes in the format of COCO."""
    return f"camera{camid}_poses.json"


def frame_name(index: int) -> str:
    """Return what frame ``index`` (from 0) is called in lists: as pictures of the MOT Challenge."""
    return f"{index + 1:06d}.jpg"


def write_boxes(path: Path, truths: Truths) -> None:
    """Write ``frame,id,left,top,width,height,flag,class,visibility``, frames counted from 1.

    Corners are measured from the frame's left and upper edge. A flag of 0 marks a person who is all
    but hidden.
    """
    with open_atomically(path, encoding="ascii") as file:
        for truth in truths():
            people = truth.people
            for row, frame in enumerate(truth.frames.tolist()):
                left, top, right, bottom = people.boxes[row].tolist()
                visible = float(people.visible[row])
                box = f"{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f}"
                flag = int(visible >= MIN_VISIBLE)
                file.write(f"{frame + 1},{people.tracks[row]},{box},{flag},1,{visible:.3f}\n")


def write_poses(path: Path, truths: Truths, settings: StreetSettings, visits: list[Visit]) -> None:
    """Write images, annotations and the category of COCO, one entry per line.

    A visible joint has flag 2, a hidden one inside the frame 1, one outside 0 and no place.
    Integers are pixel centres. Beside COCO's keys an annotation has ``track_id``, ``pid`` and
    ``visibility``. Ids count from 1; an image's is the number of its frame in the list of boxes.
    """
    height, width = settings.size
    pids = {visit.track: visit.pid for visit in visits}
    with open_atomically(path, encoding="ascii") as file:
        file.write('{"images": [\n')
        last = settings.num_frames - 1
        for index in range(settings.num_frames):
            image = {"id": index + 1, "file_name": frame_name(index)}
            image |= {"height": height, "width": width}
            file.write(json.dumps(image) + (",\n" if index < last else "\n"))
        file.write('],\n"annotations": [')
        number = 0
        for truth in truths():
            for row in range(len(truth.frames)):
                entry = _describe(truth, row, (height, width), number + 1, pids)
                file.write((",\n" if number else "\n") + json.dumps(entry))
                number += 1
        file.write(f'\n],\n"categories": [{json.dumps(PERSON)}]}}\n')


def _describe(
    truth: SegmentTruth, row: int, size: tuple[int, int], number: int, pids: dict[int, int]
) -> dict[str, object]:
    people, track = truth.people, int(truth.people.tracks[row])
    left, top, right, bottom = (round(side, 2) for side in people.boxes[row].tolist())
    joints = people.keypoints[row].astype(np.float64)
    places, scores = joints[:, :2].round(2), joints[:, 2]
    # The first pixel reaches from -0.5 to 0.5.
    inside = ((places >= -0.5) & (places <= np.array(size[::-1]) - 0.5)).all(axis=1)
    flags = np.where(inside, np.where(scores > 0, 2, 1), 0).tolist()
    triples = np.where(inside[:, None], places, 0).tolist()
    visible = float(people.visible[row])
    return {
        "id": number,
        "image_id": int(truth.frames[row]) + 1,
        "category_id": PERSON["id"],
        "iscrowd": int(visible < MIN_VISIBLE),
        "bbox": [left, top, round(right - left, 2), round(bottom - top, 2)],
        "area": round(float(people.areas[row]), 2),
        "keypoints": [v for xy, flag in zip(triples, flags, strict=True) for v in (*xy, flag)],
        "num_keypoints": int(inside.sum()),
        "track_id": track,
        "pid": pids[track],
        "visibility": round(visible, 3),
    }


def write_identities(path: Path, seen: dict[int, set[int]], visits: dict[int, list[Visit]]) -> None:
    """Write ``camera,track_id,pid`` of every track that is in a frame.

    Args:
        path: The file.
        seen: Tracks in the frames of each camera.
        visits: All visits of each camera.
    """
    rows = [
        f"{camid},{visit.track},{visit.pid}\n"
        for camid, walks in visits.items()
        for visit in walks
        if visit.track in seen[camid]
    ]
    write_whole(path, ("camera,track_id,pid\n" + "".join(rows)).encode("ascii"))


def write_cameras(path: Path, settings: StreetSettings) -> None:
    """Write which camera took which video, and when it began, as a list for track_video.py."""
    start = START.strftime("%Y-%m-%dT%H:%M:%SZ")
    cameras = [
        {"video": video_name(camid), "camera": camid, "start": start}
        for camid in range(1, settings.cameras + 1)
    ]
    write_whole(path, (json.dumps(cameras, indent=1) + "\n").encode("ascii"))
