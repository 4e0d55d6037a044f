"""Persons with keypoints from other programs, through the tool that imports them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, Kind, not_a_file
from dev.fuzz.changed_json import (
    anything,
    broken_json,
    missing_key,
    to_json,
    wrong_type,
    wrong_value,
)
from dev.fuzz.commands import run_tool
from mmctl.structures import KEYPOINTS

_FRAMES = ("a/0.png", "a/1.png", "b/7.png")
_SIZE = (64, 32)
_ANNOTATIONS = [
    {"pid": 1, "camid": 1, "split": "train", "frames": ["a/0.png", "a/1.png"]},
    {"pid": 2, "camid": 1, "split": "train", "frames": ["b/7.png"]},
]
_PICTURE = cv2.imencode(".png", np.full((*_SIZE, 3), 90, np.uint8))[1].tobytes()
_NOT_NUMBERS: tuple[Any, ...] = (
    None,
    True,
    False,
    "abc",
    "3",
    [1],
    {},
    float("nan"),
    float("inf"),
    10**400,
)


def _persons(content: Any) -> list[Any]:
    return content.get("annotations", content.get("persons"))


def _joint(*values: Any) -> Any:
    def apply(rng: random.Random, content: Any) -> None:
        points = rng.choice(_persons(content))["keypoints"]
        points[rng.randrange(len(points))] = rng.choice(values)

    return apply


def _too_few(rng: random.Random, content: Any) -> None:
    points = rng.choice(_persons(content))["keypoints"]
    del points[rng.choice((-1, -3)) :]


def _normalised(rng: random.Random, content: Any) -> None:
    for person in _persons(content):
        points = person["keypoints"]
        for axis, length in ((0, _SIZE[1]), (1, _SIZE[0])):
            points[axis::3] = [value / length for value in points[axis::3]]


def _percent(rng: random.Random, content: Any) -> None:
    if content["layout"] == "coco":
        raise DoesNotApplyError
    for person in _persons(content):
        person["keypoints"][2::3] = [100 * value + 1 for value in person["keypoints"][2::3]]


def _other_order(rng: random.Random, content: Any) -> None:
    """Reorder the joints and say so, as COCO files may."""
    if content["layout"] != "coco":
        raise DoesNotApplyError
    order = rng.sample(range(17), 17)
    content["names"] = [KEYPOINTS[index] for index in order]
    for person in content["annotations"]:
        points = np.array(person["keypoints"]).reshape(17, 3)[order]
        person["keypoints"] = points.ravel().tolist()


def _stranger_frame(rng: random.Random, content: Any) -> None:
    odd = (-1, "none/such.png", 10**20, None, 1.5, True, [1])
    rng.choice(_persons(content))["image_id"] = rng.choice(
        odd if content["layout"] == "coco" else odd[2:]
    )


class PoseJson(Kind):
    """COCO files, lists of persons and OpenPose's folders."""

    name = "pose-json"
    damaged: ClassVar[tuple[str, ...]] = ("source.json",)
    changes: ClassVar[Sequence[Change]] = (
        Change("a joint that is no number", Effect.REFUSED, _joint(*_NOT_NUMBERS)),
        Change("a number of joints that nobody knows", Effect.REFUSED, _too_few),
        Change("normalised coordinates", Effect.REFUSED, _normalised),
        Change("scores in percent", Effect.REFUSED, _percent),
        Change("joints in an order that the file names", Effect.SAME_OR_REFUSED, _other_order),
        Change("a frame that is none", Effect.REFUSED, _stranger_frame),
        wrong_type("(annotations|persons)/*", dict),
        wrong_type("(annotations|persons)/*/keypoints", list),
        wrong_type("persons/*/score", float, int, type(None), list),
        wrong_type("images/*/file_name", str),
        wrong_value("images/*/id", None, 1.5, [1], {}),
        missing_key("(annotations|persons)/*/(image_id|keypoints)"),
        missing_key("images/*/(id|file_name)"),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = (*broken_json("source.json"), not_a_file("source.json"))

    def make(self, rng: random.Random) -> Any:
        """Draw a person in every frame; positions are halves, which every float holds."""
        layout = rng.choice(("coco", "list"))
        people = []
        for _ in _FRAMES:
            points: list[float] = []
            for _ in KEYPOINTS:
                score = rng.choice((2, 2, 1)) if layout == "coco" else rng.randint(1, 16) / 16
                points += [rng.randint(4, 60) / 2, rng.randint(4, 120) / 2, score]
            people.append(points)
        if layout == "list":
            persons = [
                {"image_id": frame, "keypoints": points, "score": rng.randint(1, 32) / 32}
                for frame, points in zip(_FRAMES, people, strict=True)
            ]
            return {"layout": layout, "persons": persons}
        ids = rng.sample(range(100), len(_FRAMES))
        images = [{"id": i, "file_name": frame} for i, frame in zip(ids, _FRAMES, strict=True)]
        for image in images:
            image |= {"height": _SIZE[0], "width": _SIZE[1]}
        annotations = [
            {"id": i, "image_id": i, "category_id": 1, "keypoints": points}
            for i, points in zip(ids, people, strict=True)
        ]
        return {"layout": layout, "images": images, "annotations": annotations, "names": None}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write a small data set and the source."""
        files = {"annotations.json": json.dumps({"tracklets": _ANNOTATIONS}).encode()}
        files |= dict.fromkeys(_FRAMES, _PICTURE)
        source = content
        if isinstance(content, dict) and "layout" in content:
            source = content.get("persons")
            if content["layout"] == "coco":
                names = content.get("names") or [*KEYPOINTS]
                category = {"id": 1, "name": "person", "keypoints": names}
                source = {key: content.get(key) for key in ("images", "annotations")}
                source["categories"] = [category]
        return files | {"source.json": to_json(rng, source)}

    def meaning(self, content: Any) -> Any:
        """Return the joints of each frame, in COCO's order."""
        persons = _persons(content)
        frames = {image["id"]: image["file_name"] for image in content.get("images", ())}
        array = np.zeros((len(_FRAMES), 17, 3), np.float32)
        order = [(content.get("names") or [*KEYPOINTS]).index(name) for name in KEYPOINTS]
        for person in persons:
            frame = frames.get(person["image_id"], person["image_id"])
            points = np.array(person["keypoints"], np.float32).reshape(17, 3)[order]
            if content["layout"] == "coco":
                points[:, 2] /= 2  # a hidden joint has half the score of one that is seen
            array[_FRAMES.index(frame)] = points
        return array

    def read(self, folder: Path) -> Any:
        """Import the source."""
        out = folder / "out.npy"
        where = ("--dataset", "TrackletDataset", "--data-root", str(folder), "--out", str(out))
        run_tool("dataset_converters/import_keypoints.py", str(folder / "source.json"), *where)
        return np.load(out)

    def check(self, meaning: Any) -> None:
        """Assert the rules of stored keypoints."""
        assert meaning.shape == (len(_FRAMES), 17, 3), f"shape {meaning.shape}"
        assert meaning.dtype == np.float32, f"type {meaning.dtype}"
        assert np.isfinite(meaning).all(), "a joint that is not finite"
        assert (meaning[..., 2] >= 0).all(), "a score below 0"
        assert (meaning[..., 2] <= 1).all(), "a score above 1"
