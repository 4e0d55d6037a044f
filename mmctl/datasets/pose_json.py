"""Persons with keypoints, as other programs write them into JSON files.

Three layouts are read: one JSON object with ``images`` and ``annotations`` (COCO); one JSON list of
persons with ``image_id`` and ``keypoints`` (COCO results, AlphaPose); and a folder with a JSON file
per frame (OpenPose's, or a plain list of 17 joints).
"""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.frame_folders import is_hidden
from mmctl.datasets.joint_orders import JOINT_ORDERS, to_coco
from mmctl.structures import NUM_KEYPOINTS

_PER_FRAME_SUFFIX = "_keypoints"
"""What OpenPose appends to the name of a frame."""


@dataclass(frozen=True)
class Person:
    """One person that a program found in a frame.

    Attributes:
        frame: Path or name of the frame, with or without its extension.
        joints: x, y, score of COCO's joints, (17, 3) float32.
        score: How sure the program is; the mean score of the joints where it does not say.
        place: Where it was read, for messages.
    """

    frame: str
    joints: NDArray[np.float32]
    score: float
    place: str


def read_persons(path: Path, images: Path | None = None) -> Iterator[Person]:
    """Read a JSON file of a whole data set.

    Args:
        path: The file, COCO's object or a list of persons.
        images: A COCO file whose ``images`` say which frame an integer ``image_id`` is.

    Yields:
        The persons in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it breaks a rule; file, entry, rule and value are named.
    """
    content = _load_json(path)
    source = content if images is None else _load_json(images)
    names = _read_image_names(images or path, source) if isinstance(source, dict) else {}
    entries, key = content, None
    if isinstance(content, dict):
        key = "annotations"
        entries = content.get(key)
    if not isinstance(entries, list):
        raise ValueError(
            f"{path} must be a list of persons, or an object with lists under 'images' and "
            f"'annotations', got {type(content).__name__}"
        )
    for number, entry in enumerate(entries):
        place = f"{path}: {key or 'entry'} {number}"
        if not isinstance(entry, dict) or not {"image_id", "keypoints"} <= set(entry):
            raise ValueError(f"{place} must be an object with 'image_id' and 'keypoints'")
        frame = _find_name(place, entry["image_id"], names)
        joints = _read_joints(place, entry["keypoints"], "score" not in entry and key is not None)
        yield _to_person(place, frame, joints, entry.get("score"))


def list_frame_files(folder: Path) -> list[Path]:
    """Return the JSON files below a folder, sorted.

    Raises:
        FileNotFoundError: If there is none.
    """
    paths = sorted(path for path in folder.rglob("*.json") if not is_hidden(path.name))
    if not paths:
        raise FileNotFoundError(f"{folder} must hold a .json file per frame, got none")
    return paths


def read_frame_files(folder: Path, paths: Iterable[Path]) -> Iterator[Person]:
    """Read JSON files of single frames.

    The frame has the file's path below ``folder``, without ``_keypoints`` and with its own
    extension: ``a/000_keypoints.json`` and ``a/000.json`` belong to ``a/000.jpg``.

    Args:
        folder: Where the paths of the frames begin.
        paths: The files.

    Yields:
        The persons, frame by frame.

    Raises:
        ValueError: If a file breaks a rule; file, entry, rule and value are named.
    """
    for path in paths:
        content = _load_json(path)
        frame = path.relative_to(folder).with_suffix("").as_posix()
        frame = frame.removesuffix(_PER_FRAME_SUFFIX)
        if isinstance(content, dict) and isinstance(content.get("people"), list):
            for number, person in enumerate(content["people"]):
                place = f"{path}: person {number}"
                if not isinstance(person, dict) or "pose_keypoints_2d" not in person:
                    raise ValueError(f"{place} must be an object with 'pose_keypoints_2d'")
                yield _to_person(place, frame, _read_joints(place, person["pose_keypoints_2d"]))
        elif isinstance(content, list):
            if content:
                yield _to_person(str(path), frame, _read_joints(str(path), content))
        else:
            raise ValueError(
                f"{path} must be an object with a list under 'people' (OpenPose), or a list of "
                f"{NUM_KEYPOINTS} times x, y, score"
            )


def _load_json(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist or is no file")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error


def _read_image_names(path: Path, content: Mapping[str, Any]) -> dict[Any, str]:
    images = content.get("images")
    if not isinstance(images, list):
        raise ValueError(f"{path} must have a list under 'images', got {type(images).__name__}")
    names: dict[Any, str] = {}
    for number, image in enumerate(images):
        if not isinstance(image, dict) or not {"id", "file_name"} <= set(image):
            raise ValueError(f"{path}: image {number} must be an object with 'id' and 'file_name'")
        _check_image(f"{path}: image {number}", image)
        if names.setdefault(image["id"], image["file_name"]) != image["file_name"]:
            raise ValueError(
                f"{path}: an image id must belong to one file, but {image['id']!r} belongs to "
                f"{names[image['id']]!r} and to {image['file_name']!r} (image {number})"
            )
    return names


def _check_image(place: str, image: Mapping[str, Any]) -> None:
    if not isinstance(image["id"], (int, str)):
        raise ValueError(
            f"{place}: 'id' must be an integer or a string, because annotations name it, got "
            f"{_shorten(image['id'])}"
        )
    if not isinstance(image["file_name"], str):
        raise ValueError(
            f"{place}: 'file_name' must be a string, because it is the path of a frame, got "
            f"{_shorten(image['file_name'])}"
        )


def _find_name(place: str, image_id: Any, names: Mapping[Any, str]) -> str:
    if isinstance(image_id, (int, str)) and image_id in names:
        return names[image_id]
    if isinstance(image_id, str) and not names:
        return image_id
    raise ValueError(
        f"{place}: 'image_id' must be the name of a frame, or the id of one of the {len(names)} "
        f"'images' of a COCO file (--images names one), got {_shorten(image_id)}"
    )


def _read_joints(place: str, values: Any, are_visibilities: bool = False) -> NDArray[np.float32]:
    """Return COCO's joints of a flat or nested list, (17, 3)."""
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 becomes inf
            joints = np.array(values, dtype=np.float32)
        if joints.ndim == 1 and len(joints) % 3 == 0:
            joints = joints.reshape(-1, 3)
        if joints.ndim != 2 or joints.shape[1] != 3:
            raise ValueError(f"they have the shape {joints.shape}")
        joints = to_coco(joints)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{place}: the keypoints must be x, y and score of each joint: {error}; they are "
            f"{_shorten(values)}"
        ) from error
    if not np.isfinite(joints).all():
        raise ValueError(f"{place}: the keypoints must be finite numbers, got {joints.tolist()}")
    if are_visibilities:
        if not np.isin(joints[:, 2], (0, 1, 2)).all():
            raise ValueError(
                f"{place}: the third number of a joint must be COCO's visibility 0, 1 or 2, or the "
                f"entry must have a 'score' if it is a score, got {joints[:, 2].tolist()}"
            )
        joints[:, 2] = joints[:, 2] > 0
    joints[:, 2] = joints[:, 2].clip(min=0)
    return joints


def _to_person(place: str, frame: str, joints: NDArray[np.float32], score: Any = None) -> Person:
    if score is None:
        return Person(frame, joints, float(joints[:, 2].mean()), place)
    if isinstance(score, list) and len(score) == 1:  # some versions of AlphaPose
        score = score[0]
    if not _is_finite(score):
        raise ValueError(f"{place}: 'score' must be a finite number, got {_shorten(score)}")
    return Person(frame, joints, float(score), place)


def _is_finite(value: Any) -> bool:
    """Return whether a value is a number that fits into a float."""
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def _shorten(value: Any) -> str:
    """Return a value for a message: all numbers of a person, but not all digits of a huge one."""
    shortened = reprlib.Repr()
    shortened.maxlist = 3 * max(JOINT_ORDERS)
    return shortened.repr(value)
