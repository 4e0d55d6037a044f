"""All persons of one frame, as pose programs write them."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from mmctl.datasets.keypoints.pose_person import Person, read_person

_LAYOUTS = {"people": ("pose_keypoints_2d", "pose_keypoints"), "bodies": ("joints",)}
"""Where OpenPose (and AlphaPose in its format ``open``), and AlphaPose in ``cmu``, keep persons,
and the joints of each."""

_SCORES = ("score", "scores", "bbox_score")
_COCO_FIRST = ("coco", "coco_wholebody", "ochuman", "halpe", "halpe26")
"""Data sets of mmpose whose joints have an order of their number."""


def read_frame(place: str, frame: str, content: Any) -> Iterator[Person]:
    """Read the persons of a frame.

    Args:
        place: Where they stand, for messages.
        frame: Path or name of the frame.
        content: An object of OpenPose, AlphaPose or mmpose's demos; a list of persons with
            ``keypoints`` (mmpose, PoseFlow); a list of the joints of one person; an empty list.

    Yields:
        The persons in their order.

    Raises:
        ValueError: If it breaks a rule; place, rule and value are named.
    """
    names = None
    if isinstance(content, dict):
        for key, joints in _LAYOUTS.items():
            if isinstance(content.get(key), list):
                yield from _read_layout(place, frame, content[key], joints)
                return
        if isinstance(content.get("instance_info"), list):
            names = _read_meta(place, content.get("meta_info"))
            content = content["instance_info"]
    if not isinstance(content, list):
        raise ValueError(
            f"{place} must be an object with a list under 'people' (OpenPose), 'bodies' "
            "(AlphaPose) or 'instance_info' (mmpose), a list of persons, or a list of x, y, score "
            f"of the joints of one, got {reprlib.repr(content)}"
        )
    if not content:
        return
    if not isinstance(content[0], dict):
        yield read_person(place, frame, content)
        return
    for number, person in enumerate(content):
        yield _read_instance(f"{place}: person {number}", frame, person, names)


def _read_layout(
    place: str, frame: str, persons: list[Any], keys: tuple[str, ...]
) -> Iterator[Person]:
    for number, person in enumerate(persons):
        found = [key for key in keys if isinstance(person, dict) and key in person]
        if not found:
            raise ValueError(f"{place}: person {number} must be an object with {keys[0]!r}")
        yield read_person(f"{place}: person {number}", frame, person[found[0]])


def _read_instance(place: str, frame: str, person: Any, names: list[str] | None) -> Person:
    if not isinstance(person, dict) or "keypoints" not in person:
        is_video = isinstance(person, dict) and "instances" in person
        hint = ", but these are the numbered frames of a video, whose names are not said"
        raise ValueError(f"{place} must be an object with 'keypoints'{hint if is_video else ''}")
    if "image_id" in person:
        raise ValueError(
            f"{place} must be of the frame {frame!r}, but names its own, "
            f"{reprlib.repr(person['image_id'])}: give the file of a whole data set itself, not "
            "its folder"
        )
    scored = [key for key in _SCORES if person.get(key) is not None]
    return read_person(
        place,
        frame,
        person["keypoints"],
        scores=person.get("keypoint_scores"),
        names=names,
        score=person[scored[0]] if scored else None,
    )


def _read_meta(place: str, meta: Any) -> list[str] | None:
    """Return the names of the joints that mmpose's file says; None for an order known by number."""
    meta = meta if isinstance(meta, Mapping) else {}
    names = meta.get("keypoint_id2name")
    if isinstance(names, dict):
        numbers = list(map(str, range(len(names))))
        if sorted(names, key=str) == sorted(numbers):
            joints = [names[number] for number in numbers]
            if all(isinstance(name, str) for name in joints):
                return joints
    elif names is None and meta.get("dataset_name") in _COCO_FIRST:
        return None
    raise ValueError(
        f"{place}: 'meta_info' must name the joints under 'keypoint_id2name' by their numbers from "
        f"0, or a 'dataset_name' of {', '.join(_COCO_FIRST)}, got {reprlib.repr(dict(meta))}"
    )
