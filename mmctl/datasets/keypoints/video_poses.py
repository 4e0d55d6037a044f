"""The persons of all frames of a video, as pose programs write them, by the number of the frame."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.datasets.keypoints.pose_frame import read_frame
from mmctl.datasets.keypoints.pose_json import (
    WHAT,
    frame_of,
    is_named,
    list_frame_files,
    parse_persons,
    read_images,
)
from mmctl.datasets.keypoints.pose_person import Person
from mmctl.files import read_json

_NUMBER = re.compile(r"([0-9]{1,18})[^0-9]*$")
_ENDING = re.compile(r"[.](bmp|jpe?g|png|webp|json)$", re.IGNORECASE)


@dataclass(frozen=True)
class VideoPoses:
    """What a program found in a video.

    Attributes:
        path: File or folder that they are from.
        persons: The persons.
        numbers: Number of the frame of each, as the program counts, (m,).
        listed: Numbers of all frames that the program looked at, sorted; None where it lists
            persons alone.
        frame_size: Height and width of the frames, where the program says them.
    """

    path: Path
    persons: list[Person]
    numbers: npt.NDArray[np.int64]
    listed: npt.NDArray[np.int64] | None
    frame_size: tuple[int, int] | None = None

    def find_first(self, first: int | None = None) -> int:
        """Return what the program calls the first frame of the video.

        Args:
            first: What the user says; None: the least number, if it is one that programs begin
                with and the frames without persons are listed, too.

        Raises:
            ValueError: If nobody can know.
        """
        if first is None and self.listed is not None and self.listed[0] in (0, 1):
            return int(self.listed[0])
        if first is None:
            found = "frames without a person are not in it"
            if self.listed is not None:
                found = f"the first of its frames has number {self.listed[0]}"
            raise ValueError(
                f"--first-frame must say what the program calls the first frame of the video of "
                f"{self.path}, 0 or 1 as a rule, because {found}"
            )
        seen = self.numbers if self.listed is None else self.listed
        if len(seen) and seen.min() < first:
            raise ValueError(
                f"{self.path}: frames must be counted from {first}, which --first-frame says, got "
                f"frame {seen.min()}"
            )
        return first


def read_video_poses(path: Path, images: Path | None = None) -> VideoPoses:
    """Read the persons of a video.

    A file is one of those that :func:`~mmctl.datasets.keypoints.pose_json.read_persons` takes, or
    mmpose's list of numbered frames; a folder has a file per frame. The number of a frame is the
    last one in its name.

    Args:
        path: The file or folder.
        images: A COCO file that says which frame an ``image_id`` is.

    Raises:
        FileNotFoundError: If there is no such file, or no file in the folder.
        ValueError: If it breaks a rule: file, entry, rule and value are named.
    """
    if path.is_dir():
        persons, frames = _read_folder(path)
        return _to_poses(path, persons, frames)
    content = read_json(path, WHAT)
    numbered = _find_numbered(path, content)
    if numbered is not None:
        return _read_numbered(path, *numbered)
    listed: Iterable[str] | None = None
    sizes: set[Any] = set()
    if isinstance(content, dict) and is_named(content):
        listed = content
    elif images is not None or isinstance(content, dict):
        source = content if images is None else read_json(images, WHAT)
        found = list(read_images(images or path, source).values())
        listed, sizes = [image.name for image in found], {image.size for image in found}
        if len(sizes) > 1:
            shown = " and ".join(sorted(map(str, sizes))[:2])
            raise ValueError(
                f"{images or path}: frames of a video have one size, got {shown} (height, width)"
            )
    persons = list(parse_persons(path, content, images))
    return _to_poses(path, persons, listed, next(iter(sizes), None))


def _read_folder(folder: Path) -> tuple[list[Person], list[str]]:
    persons: list[Person] = []
    frames = []
    for path in list_frame_files(folder):
        content = read_json(path, WHAT)
        frames.append(frame_of(path, folder, content))
        persons += read_frame(str(path), frames[-1], content)
    return persons, frames


def _find_numbered(path: Path, content: Any) -> tuple[list[Any], Any] | None:
    """Return mmpose's numbered frames and what it says of the joints; None if it has none."""
    meta = None
    if isinstance(content, dict) and isinstance(content.get("instance_info"), list):
        content, meta = content["instance_info"], content.get("meta_info")
    is_numbered = isinstance(content, list) and bool(content)
    if is_numbered and all(isinstance(item, dict) and "instances" in item for item in content):
        return content, meta
    if meta is not None:
        raise ValueError(f"{path} must have the numbered frames of a video under 'instance_info'")
    return None


def _read_numbered(path: Path, frames: Sequence[Mapping[str, Any]], meta: Any) -> VideoPoses:
    persons: list[Person] = []
    names = []
    for place, frame in enumerate(frames):
        number = frame.get("frame_id")
        if type(number) is not int or not 0 <= number < 10**18:
            raise ValueError(
                f"{path}: entry {place}: 'frame_id' must be the number of a frame, 0 or more, got "
                f"{reprlib.repr(number)}"
            )
        names.append(str(number))
        content = frame["instances"]
        if meta is not None:
            content = {"instance_info": content, "meta_info": meta}
        persons += read_frame(f"{path}: entry {place}", names[-1], content)
    return _to_poses(path, persons, names)


def _to_poses(
    path: Path,
    persons: list[Person],
    listed: Iterable[str] | None,
    frame_size: tuple[int, int] | None = None,
) -> VideoPoses:
    names: dict[int, str] = {}
    numbers = [_to_number(person.place, person.frame, names) for person in persons]
    found = None
    if listed is not None:
        found = np.unique([_to_number(str(path), name, names) for name in listed]).astype(np.int64)
        if not len(found):
            raise ValueError(f"{path} must list at least one frame, got none")
    return VideoPoses(path, persons, np.array(numbers, np.int64), found, frame_size)


def _to_number(place: str, frame: str, names: dict[int, str]) -> int:
    """Return the number of a frame; two frames with one number are of two videos."""
    name = _ENDING.sub("", frame.replace("\\", "/"))
    found = _NUMBER.search(name.rpartition("/")[2])
    if found is None:
        raise ValueError(
            f"{place}: the name of every frame must end with its number, because boxes know theirs "
            f"by it, got {frame[:200]!r}"
        )
    number = int(found[1])
    if names.setdefault(number, name) != name:
        raise ValueError(
            f"{place}: all frames must be of one video, but {names[number][:200]!r} and "
            f"{name[:200]!r} have the number {number}"
        )
    return number


def iter_frames(poses: VideoPoses) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield the number of each frame with a person, and which persons are in it.

    Args:
        poses: The persons of a video.
    """
    order = np.argsort(poses.numbers, kind="stable")
    numbers, starts = np.unique(poses.numbers[order], return_index=True)
    yield from zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)
