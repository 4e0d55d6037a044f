"""Poses of the whole frames of a video, through the tool that imports them to crops."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from dev.fuzz.case import Change, Effect, Files, Kind, not_a_file
from dev.fuzz.changed_json import (
    anything,
    broken_json,
    missing_key,
    to_json,
    wrong_type,
    wrong_value,
)
from dev.fuzz.commands import run_tool

_CROP = (64, 32)
_LEFT = (20, 24, 28)
_TOP = 9
"""Where the crops of the three frames begin."""

_NAMES = tuple(f"crops/{index}.png" for index in range(len(_LEFT)))
_PICTURE = cv2.imencode(".png", np.full((*_CROP, 3), 90, np.uint8))[1].tobytes()
_ENTRY = {
    "camid": 1,
    "frames": [*_NAMES],
    "frame_numbers": [0, 1, 2],
    "boxes": [[left, _TOP, _CROP[1], _CROP[0]] for left in _LEFT],
}


def _shift(rng: random.Random, content: Any) -> None:
    for frame in content["frames"]:
        for person in frame:
            person["keypoints"] = [[x + 300, y] for x, y in person["keypoints"]]


def _renumber(rng: random.Random, content: Any) -> None:
    content["numbers"] = [number + rng.choice((7, 100)) for number in content["numbers"]]


class VideoPoses(Kind):
    """The numbered frames of mmpose."""

    name = "video-poses"
    damaged: ClassVar[tuple[str, ...]] = ("poses.json",)
    changes: ClassVar[Sequence[Change]] = (
        Change("poses beside all boxes", Effect.REFUSED, _shift),
        Change("frames of a part that nobody names", Effect.REFUSED, _renumber),
        wrong_type("numbers/*", int),
        wrong_value("numbers/*", -1, 10**18, 10**30),
        wrong_type("frames/*/*/keypoints", list),
        wrong_type("frames/*/*/scores", list),
        missing_key("frames/*/*/keypoints"),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = (*broken_json("poses.json"), not_a_file("poses.json"))

    def make(self, rng: random.Random) -> Any:
        """Draw the person of each box, and sometimes one beside."""
        frames = []
        for left in _LEFT:
            people = []
            for start in (left, left + 200)[: rng.choice((1, 1, 2))]:
                corners = [(start + 2, _TOP + 3), (start + 29, _TOP + 60)]
                points = [
                    (start + rng.randint(4, 58) / 2, _TOP + rng.randint(8, 120) / 2)
                    for _ in range(15)
                ]
                scores = [rng.randint(1, 16) / 16 for _ in range(17)]
                joints = [list(point) for point in corners + points]
                people.append({"keypoints": joints, "scores": scores})
            rng.shuffle(people)
            frames.append(people)
        first = rng.choice((0, 1))
        return {"frames": frames, "numbers": [first + at for at in range(len(_LEFT))]}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write a small data set and the poses."""
        files = {"annotations.json": json.dumps({"tracklets": [_ENTRY]}).encode()}
        files |= dict.fromkeys(_NAMES, _PICTURE)
        source: Any = content
        if isinstance(content, dict) and {"frames", "numbers"} <= set(content):
            frames, numbers = content["frames"], content["numbers"]
            if isinstance(frames, list) and isinstance(numbers, list):
                source = [
                    {"frame_id": number, "instances": _instances(people)}
                    for number, people in zip(numbers, frames, strict=False)
                ]
        return files | {"poses.json": to_json(rng, source)}

    def meaning(self, content: Any) -> Any:
        """Return the joints of each crop, in its pixels."""
        rows = []
        for people, left in zip(content["frames"], _LEFT, strict=True):
            # Whoever begins in the box, and not 200 pixels beside it.
            own = min(people, key=lambda person: person["keypoints"][0][0])
            points = np.array(own["keypoints"], np.float64) - [left, _TOP]
            rows.append(np.hstack([points, np.array(own["scores"])[:, None]]))
        return np.array(rows, np.float32)

    def read(self, folder: Path) -> Any:
        """Import the poses."""
        out = folder / "out.npy"
        where = ("--dataset", "TrackletDataset", "--data-root", str(folder), "--out", str(out))
        poses = ("--camera", "1", str(folder / "poses.json"))
        run_tool("dataset_converters/import_keypoints.py", *where, *poses)
        return np.load(out)

    def check(self, meaning: Any) -> None:
        """Assert the rules of stored keypoints."""
        assert meaning.shape == (len(_LEFT), 17, 3), f"shape {meaning.shape}"
        assert meaning.dtype == np.float32, f"type {meaning.dtype}"
        assert np.isfinite(meaning).all(), "a joint that is not finite"
        scores = meaning[..., 2]
        assert (scores >= 0).all(), "a score below 0"
        assert (scores <= 1).all(), "a score above 1"
        beyond = (meaning[..., :2] < -0.5) | (meaning[..., :2] > np.array(_CROP[::-1]) - 0.5)
        assert not scores[beyond.any(axis=-1)].any(), "a joint beyond the crop that is seen"


def _instances(people: Any) -> Any:
    """Return the persons of a frame as mmpose calls what they have."""
    if not isinstance(people, list):
        return people
    names = {"scores": "keypoint_scores"}
    return [
        {names.get(key, key): value for key, value in person.items()}
        if isinstance(person, dict)
        else person
        for person in people
    ]
