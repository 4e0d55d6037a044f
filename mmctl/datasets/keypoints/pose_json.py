"""Persons with keypoints, as other programs write them into JSON files.

A file of a whole data set is COCO's object with ``images`` and ``annotations``, a list of persons
with ``image_id`` and ``keypoints`` (COCO results, AlphaPose), or an object with the persons of each
frame by its name (AlphaPose's other formats, PoseFlow). A folder has a file for each frame, with
what OpenPose, AlphaPose or mmpose write of it, or a plain list of joints.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmctl.datasets.keypoints.pose_frame import read_frame
from mmctl.datasets.keypoints.pose_person import Person, read_person
from mmctl.datasets.listings.frame_folders import is_hidden
from mmctl.files import read_json, shorten

_PER_FRAME_SUFFIX = "_keypoints"
"""What OpenPose appends to the name of a frame."""

_PER_FRAME_PREFIX = "results_"
"""What mmpose's demos put before the name of a picture."""

_LARGEST_SIDE = 1_000_000
"""Pixels: more than any picture has."""

WHAT = "pose file"
_NAMELESS = (
    "must name its frames, which mmpose's predictions do not: run it over the data set's own "
    "frames, with a file for each, and give the folder of those files"
)


@dataclass(frozen=True)
class ListedImage:
    """An image of a COCO file.

    Attributes:
        name: Its file.
        size: Height and width, where the file says them.
    """

    name: str
    size: tuple[int, int] | None


def read_persons(path: Path, images: Path | None = None) -> Iterator[Person]:
    """Read a JSON file of a whole data set.

    Args:
        path: The file.
        images: A COCO file whose ``images`` say which frame an integer ``image_id`` is, and whose
            ``categories`` may name the joints.

    Yields:
        The persons in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it breaks a rule; file, entry, rule and value are named.
    """
    yield from parse_persons(path, read_json(path, WHAT), images)


def parse_persons(path: Path, content: Any, images: Path | None = None) -> Iterator[Person]:
    """Read the content of a JSON file of a whole data set, as :func:`read_persons`.

    Args:
        path: The file, for messages.
        content: What was parsed of it.
        images: As there.
    """
    is_object = isinstance(content, dict)
    if is_named(content):
        yield from _read_named_frames(path, content)
        return
    entries = content["annotations"] if is_object and "annotations" in content else content
    if not isinstance(entries, list):
        raise ValueError(
            f"{path} must be a list of persons, an object with lists under 'images' and "
            f"'annotations', or one with the persons of each frame, got {type(entries).__name__}"
        )
    names: dict[Any, ListedImage] = {}
    orders: dict[Any, list[str]] = {}
    if is_object or images is not None:
        source = content if images is None else read_json(images, WHAT)
        names = read_images(images or path, source)
        has_own = is_object and "categories" in content
        orders = _read_orders(*((path, content) if has_own else (images or path, source)))
    for number, entry in enumerate(entries):
        place = f"{path}: {'annotations' if is_object else 'entry'} {number}"
        yield _read_entry(place, entry, names, orders, is_object)


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
    extension: ``a/000_keypoints.json`` and ``a/000.json`` belong to ``a/000.jpg``, and mmpose's
    ``a/results_000.json`` as well.

    Args:
        folder: Where the paths of the frames begin.
        paths: The files.

    Yields:
        The persons, frame by frame.

    Raises:
        ValueError: If a file breaks a rule; file, entry, rule and value are named.
    """
    for path in paths:
        content = read_json(path, WHAT)
        yield from read_frame(str(path), frame_of(path, folder, content), content)


def is_named(content: Any) -> bool:
    """Return whether parsed JSON has the persons of each frame by its name."""
    return isinstance(content, dict) and not {"annotations", "images"} & set(content)


def frame_of(path: Path, folder: Path, content: Any) -> str:
    """Return the frame that a file of a single frame is of: the path that the file would have.

    Args:
        path: The file.
        folder: Where the paths of the frames begin.
        content: What was parsed of it.
    """
    stem = path.stem.removesuffix(_PER_FRAME_SUFFIX)
    if isinstance(content, dict) and "instance_info" in content:
        stem = stem.removeprefix(_PER_FRAME_PREFIX)
    return (path.relative_to(folder).parent / stem).as_posix()


def _read_named_frames(path: Path, content: Mapping[str, Any]) -> Iterator[Person]:
    if "instance_info" in content:
        raise ValueError(f"{path} {_NAMELESS}")
    if not content or not all(isinstance(value, (list, dict)) for value in content.values()):
        raise ValueError(
            f"{path} must be a list of persons, or an object with lists under 'images' and "
            f"'annotations', or with the persons of each frame under its name, got an object with "
            f"{reprlib.repr(list(content))}"
        )
    for frame, persons in content.items():
        yield from read_frame(f"{path}: {frame[:200]!r}", frame, persons)


def _read_entry(
    place: str,
    entry: Any,
    names: Mapping[Any, ListedImage],
    orders: Mapping[Any, list[str]],
    is_annotation: bool,
) -> Person:
    if isinstance(entry, dict) and "instances" in entry:
        raise ValueError(f"{place} {_NAMELESS}")
    if not isinstance(entry, dict) or not {"image_id", "keypoints"} <= set(entry):
        hint = "; a folder, not a file, is given where each file is of one frame"
        raise ValueError(f"{place} must be an object with 'image_id' and 'keypoints'{hint}")
    image = _find_image(place, entry["image_id"], names)
    return read_person(
        place,
        image.name,
        entry["keypoints"],
        names=_find_order(place, entry, orders) if entry["keypoints"] else None,
        score=entry.get("score"),
        frame_size=image.size,
        is_labelled=is_annotation and "score" not in entry,
    )


def read_images(path: Path, content: Any) -> dict[Any, ListedImage]:
    """Return the images of a COCO file by their ids.

    Args:
        path: The file, for messages.
        content: What was parsed of it.

    Raises:
        ValueError: If they break a rule; image, rule and value are named.
    """
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise ValueError(f"{path} must have a list under 'images', got {type(images).__name__}")
    names: dict[Any, ListedImage] = {}
    for number, image in enumerate(images):
        place = f"{path}: image {number}"
        if not isinstance(image, dict) or not {"id", "file_name"} <= set(image):
            raise ValueError(f"{place} must be an object with 'id' and 'file_name'")
        if not _is_id(image["id"]) or not isinstance(image["file_name"], str):
            raise ValueError(
                f"{place}: 'id' must be an integer or a string, because annotations name it, and "
                "'file_name' a string, because it is the path of a frame, got "
                f"{reprlib.repr(image['id'])} and {reprlib.repr(image['file_name'])}"
            )
        found = ListedImage(image["file_name"], _read_size(place, image))
        if names.setdefault(image["id"], found).name != found.name:
            raise ValueError(
                f"{path}: an image id must belong to one file, but {image['id']!r} belongs to "
                f"{names[image['id']].name!r} and to {found.name!r} (image {number})"
            )
    return names


def _read_size(place: str, image: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return height and width; None where the file does not say both (0 says nothing)."""
    size = image.get("height"), image.get("width")
    if None in size or 0 in size:
        return None
    if not all(type(side) is int and 0 < side <= _LARGEST_SIDE for side in size):
        raise ValueError(
            f"{place}: 'height' and 'width' must be pixels from 1 to {_LARGEST_SIDE:,}, got "
            f"{shorten(list(size))}"
        )
    return size  # type: ignore[return-value]


def _read_orders(path: Path, content: Mapping[str, Any]) -> dict[Any, list[str]]:
    """Return the names of the joints of each category; none where a category does not say."""
    categories = content.get("categories", [])
    if not isinstance(categories, list):
        raise ValueError(f"{path}: 'categories' must be a list, got {reprlib.repr(categories)}")
    orders: dict[Any, list[str]] = {}
    for number, category in enumerate(categories):
        if not isinstance(category, dict) or not _is_id(category.get("id")):
            raise ValueError(f"{path}: category {number} must be an object with an 'id'")
        joints = category.get("keypoints") or []
        if not isinstance(joints, list) or not all(isinstance(name, str) for name in joints):
            raise ValueError(
                f"{path}: category {number}: 'keypoints' must be a list of names, got "
                f"{reprlib.repr(joints)}"
            )
        if orders.setdefault(category["id"], joints) != joints:
            raise ValueError(f"{path}: category id {category['id']!r} must be one category's")
    return orders


def _find_order(
    place: str, entry: Mapping[str, Any], orders: Mapping[Any, list[str]]
) -> list[str] | None:
    """Return the names of an entry's joints; None where the file names none."""
    if not any(orders.values()):
        return None
    number = entry.get("category_id")
    joints = orders.get(number) if _is_id(number) else None
    named = [joints for joints in orders.values() if joints]
    # Results may have other numbers than the file that names the joints, which are then the same.
    if joints is None and all(other == named[0] for other in named):
        return named[0]
    if not joints:
        raise ValueError(
            f"{place}: 'category_id' must be of a category that names its joints, because others "
            f"of the file do, which are {reprlib.repr([n for n in orders if orders[n]])}, got "
            f"{reprlib.repr(number)}"
        )
    return joints


def _find_image(place: str, image_id: Any, names: Mapping[Any, ListedImage]) -> ListedImage:
    if _is_id(image_id) and image_id in names:
        return names[image_id]
    if isinstance(image_id, str) and not names:
        return ListedImage(image_id, None)
    raise ValueError(
        f"{place}: 'image_id' must be the name of a frame, or the id of one of the {len(names)} "
        f"'images' of a COCO file (--images names one), got {reprlib.repr(image_id)}"
    )


def _is_id(value: Any) -> bool:
    return type(value) in (int, str)
