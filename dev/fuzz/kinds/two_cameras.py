"""Folders and splits of iLIDS-VID and PRID-2011."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, Effect, Files, Kind, pick
from dev.fuzz.changed_json import (
    broken_json,
    missing_key,
    renamed_key,
    to_json,
    unknown_key,
    wrong_type,
    wrong_value,
)
from dev.fuzz.changed_mat import lying_mat, to_mat
from dev.fuzz.kinds.annotations import check_infos, read_splits, to_infos
from mmctl.datasets import ILIDSVID, PRID2011

FOLD = 1


def _any_frames(rng: random.Random, content: Any) -> tuple[dict[str, list[str]], str]:
    camera = rng.choice(content["cameras"])
    return camera, rng.choice(sorted(camera))


def _one_camera(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    del camera[person]


def _rename_person(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    stem = person.rstrip("0123456789")
    odd = ("anna", f"{stem}000", f"{stem}1a", f"x{person}", f"{stem}-1", f"{stem}\n1", stem)
    camera[rng.choice(odd)] = camera.pop(person)


def _second_folder(rng: random.Random, content: Any) -> None:
    _, person = _any_frames(rng, content)
    stem = person.rstrip("0123456789")
    digits = person.removeprefix(stem)
    others = [name for name in (digits.lstrip("0"), f"0{digits}") if name != digits]
    other = stem + rng.choice(others)
    for frames in content["cameras"]:
        frames[other] = frames[person]


def _no_frames(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    camera[person] = rng.choice((["notes.txt"], [".png"], ["._0001.png"], ["0001.PNG.part"]))


def _unordered(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    # Sorted by name the second one comes first.
    camera[person] = rng.choice((["f_9.png", "f_10.png"], ["a_2.png", "b_1.png"], ["a.png"]))


def _same_number(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    camera[person] = ["a_01.png", "b_01.png"]


def _litter(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    names = (".DS_Store", "._0001.png", "Thumbs.db", "readme.txt", "0001.jpg.tmp")
    camera[person].append(rng.choice(names))


def _gap(rng: random.Random, content: Any) -> None:
    camera, person = _any_frames(rng, content)
    camera[person] = [name for name in camera[person] if name.endswith(".png")]
    camera[person].append(f"z_{rng.randint(10**5, 10**6)}.png")


def _both_halves(rng: random.Random, content: Any) -> None:
    fold = rng.choice(content["splits"])
    first, second = rng.choice((("train", "test"), ("test", "train"), ("train", "train")))
    fold[first].append(pick(rng, fold[second]))


def _stranger(rng: random.Random, content: Any) -> None:
    fold = rng.choice(content["splits"])
    names = ("person999", "person_0199", "", "../person001", "person001 ", "1")
    fold[rng.choice(("train", "test"))].append(rng.choice(names))


def _one_fold(rng: random.Random, content: Any) -> None:
    del content["splits"][FOLD:]


class TwoCameras(Kind):
    """What the two data sets share; splits are JSON here."""

    damaged: ClassVar[tuple[str, ...]] = (".json", ".mat")
    dataset: ClassVar[type]
    stem: ClassVar[str]
    width: ClassVar[int]
    root: ClassVar[str]
    cameras: ClassVar[tuple[str, str]]
    changes: ClassVar[Sequence[Change]] = (
        Change("a person in one camera", Effect.REFUSED, _one_camera),
        Change("a person's folder misnamed", Effect.REFUSED, _rename_person),
        Change("two folders of one person", Effect.REFUSED, _second_folder),
        Change("a folder without frames", Effect.REFUSED, _no_frames),
        Change("frames out of order", Effect.REFUSED, _unordered),
        Change("two frames of one number", Effect.REFUSED, _same_number),
        Change("other files beside the frames", Effect.SAME, _litter),
        Change("frames missing between", Effect.SAME, _gap),
        Change("a person twice in a fold", Effect.REFUSED, _both_halves),
        Change("a stranger in a fold", Effect.REFUSED, _stranger),
        Change("a fold too few", Effect.REFUSED, _one_fold),
        wrong_type("splits", list),
        wrong_type("splits/*", dict),
        wrong_type("splits/*/(train|test)", list),
        wrong_type("splits/*/(train|test)/*"),
        wrong_value("splits", [], [[]], ["person001"]),
        missing_key("splits/*/(train|test)"),
        renamed_key("splits/*/(train|test)"),
        unknown_key("splits/*"),
    )
    edits: ClassVar[Sequence[Change]] = tuple(broken_json())

    def make(self, rng: random.Random) -> Any:
        """Draw persons with their frames, and two folds."""
        numbers = sorted(rng.sample(range(1, 180), rng.choice((2, 4))))
        persons = [f"{self.stem}{number:0{self.width}d}" for number in numbers]
        cameras = []
        for _ in self.cameras:
            first = rng.randint(1, 90)
            counts = [rng.randint(1, 3) for _ in persons]
            cameras.append(
                {
                    person: [f"{person}_{first + i:05d}.png" for i in range(count)]
                    for person, count in zip(persons, counts, strict=True)
                }
            )
        half = len(persons) // 2
        splits = []
        for _ in range(rng.randint(2, 3)):
            order = rng.sample(persons, len(persons))
            splits.append({"train": order[half:], "test": order[:half]})
        return {"cameras": cameras, "splits": splits, "persons": persons}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write empty frames and the splits."""
        files = {
            f"{self.root}/{camera}/{person}/{name}": b""
            for camera, persons in zip(self.cameras, content["cameras"], strict=True)
            for person, names in persons.items()
            for name in names
        }
        return files | self.render_splits(rng, content)

    def render_splits(self, rng: random.Random, content: Any) -> Files:
        """Write the file of the splits."""
        splits = content["splits"]
        named = splits if rng.random() < 0.3 else {"splits": splits}
        return {"own.json": to_json(rng, named)}

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of the fold."""
        tracklets = []
        for split in ("train", "test"):
            for camid, camera in enumerate(content["cameras"], start=1):
                part = "train" if split == "train" else ("query", "gallery")[camid - 1]
                for person in sorted(content["splits"][FOLD][split]):
                    place = f"{self.root}/{self.cameras[camid - 1]}/{person}"
                    names = [n for n in camera[person] if n.endswith(".png") and n[0] != "."]
                    frames = [f"{place}/{name}" for name in sorted(names)]
                    tracklets.append((int(person[len(self.stem) :]), camid, part, frames))
        return to_infos(sorted(tracklets, key=lambda t: (t[1], t[0])))

    def read(self, folder: Path) -> Any:
        """Build both halves of the fold."""
        name = "own.mat" if (folder / "own.mat").exists() else "own.json"
        return read_splits(self.dataset, folder, split_file=name, fold=FOLD)

    def check(self, meaning: Any) -> None:
        """Assert the rules of tracklets, and that nobody is trained on and tested."""
        check_infos(meaning)
        halves = [{row["pid"] for row in meaning if "gt_label" in row}]
        halves.append({row["pid"] for row in meaning if "gt_label" not in row})
        assert not halves[0] & halves[1], "a person in both halves"


class IlidsVid(TwoCameras):
    """iLIDS-VID, whose official splits are a MATLAB file."""

    name = "ilids-vid"
    dataset = ILIDSVID
    stem, width, root = "person", 3, "i-LIDS-VID/sequences"
    cameras = ("cam1", "cam2")


class Prid2011(TwoCameras):
    """PRID-2011."""

    name = "prid2011"
    dataset = PRID2011
    stem, width, root = "person_", 4, "prid_2011/multi_shot"
    cameras = ("cam_a", "cam_b")


def _wrong_number(rng: random.Random, content: Any) -> None:
    row = rng.choice(content["numbers"])
    row[rng.randrange(len(row))] = rng.choice((0, -1, len(row) + 1, 1.5, float("nan"), 1e300))


def _number_twice(rng: random.Random, content: Any) -> None:
    row = rng.choice(content["numbers"])
    row[0] = row[1]


def _from_zero(rng: random.Random, content: Any) -> None:
    content["numbers"] = [[number - 1 for number in row] for row in content["numbers"]]


def _narrow(rng: random.Random, content: Any) -> None:
    content["numbers"] = [row[:-1] for row in content["numbers"]]


def _fewer_folds(rng: random.Random, content: Any) -> None:
    del content["numbers"][FOLD:]


class IlidsSplits(IlidsVid):
    """The official split file of iLIDS-VID."""

    name = "ilids-splits"
    damaged: ClassVar[tuple[str, ...]] = (".mat",)
    changes: ClassVar[Sequence[Change]] = (
        Change("a number that is nobody's", Effect.REFUSED, _wrong_number),
        Change("a number twice", Effect.REFUSED, _number_twice),
        Change("numbers from 0", Effect.REFUSED, _from_zero),
        Change("a person less", Effect.REFUSED, _narrow),
        Change("a fold too few", Effect.REFUSED, _fewer_folds),
    )
    edits: ClassVar[Sequence[Change]] = tuple(
        lying_mat(".mat", lambda _: {"ls_set": np.arange(1.0, 5.0)[None]})
    )

    def make(self, rng: random.Random) -> Any:
        """Draw persons and permutations of their numbers."""
        content = super().make(rng)
        count = len(content["persons"])
        content["numbers"] = [rng.sample(range(1, count + 1), count) for _ in range(2)]
        return content

    def render_splits(self, rng: random.Random, content: Any) -> Files:
        """Write the MATLAB file."""
        numbers = np.array(content["numbers"])
        return {"own.mat": to_mat(rng, {"ls_set": numbers}, rng.random() < 0.05)}

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of the fold: the first half of a row are the test persons."""
        names = [content["persons"][number - 1] for number in content["numbers"][FOLD]]
        half = len(names) // 2
        fold = {"train": names[half:], "test": names[:half]}
        return super().meaning({**content, "splits": {FOLD: fold}})
