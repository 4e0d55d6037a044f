"""Folders of DukeMTMC-VideoReID."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from dev.fuzz.case import Change, Effect, Files, Kind
from dev.fuzz.kinds.annotations import check_infos, read_splits, to_infos
from mmctl.datasets import DukeMTMCVideoReID

_SECTIONS = ("train", "query", "gallery")


def _person(rng: random.Random, content: Any) -> tuple[dict[str, Any], str]:
    section = content[rng.choice(_SECTIONS)]
    return section, rng.choice(sorted(section))


def _tracklet(rng: random.Random, content: Any) -> tuple[dict[str, list[str]], str]:
    section, person = _person(rng, content)
    return section[person], rng.choice(sorted(section[person]))


def _rename_person(rng: random.Random, content: Any) -> None:
    section, person = _person(rng, content)
    odd = ("0", "0000", "-1", "anna", "1a", "\u0661", "1\n2", "999999")
    section[rng.choice(odd)] = section.pop(person)


def _split_person(rng: random.Random, content: Any) -> None:
    """Put a tracklet into a second folder of the same number."""
    section, person = _person(rng, content)
    other = rng.choice([name for name in (person.lstrip("0"), f"0{person}") if name != person])
    tracklet = rng.choice(sorted(section[person]))
    section[other] = {f"9{tracklet}": section[person][tracklet]}


def _no_tracklet(rng: random.Random, content: Any) -> None:
    section, person = _person(rng, content)
    section[person] = {}


def _no_frames(rng: random.Random, content: Any) -> None:
    tracklets, name = _tracklet(rng, content)
    tracklets[name] = rng.choice((["notes.txt"], ["._0001C1F1X1.jpg"], [".jpg"]))


def _rename_frame(rng: random.Random, content: Any) -> None:
    tracklets, name = _tracklet(rng, content)
    frames = tracklets[name]
    at = rng.randrange(len(frames))
    frame = frames[at]
    odd = (f"9{frame}", f"x{frame}", frame.replace("C", "D"), "a.jpg", f"a\n{frame}")
    frames[at] = rng.choice((*odd, frame.replace("F", "_F", 1).replace("__F", "F")))


def _other_camera(rng: random.Random, content: Any) -> None:
    tracklets, name = _tracklet(rng, content)
    frames = tracklets[name]
    head, _, tail = frames[-1].partition("C")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    frames.append(f"{head}C{int(tail[:digits]) + 1}{tail[digits:]}")


def _same_frame(rng: random.Random, content: Any) -> None:
    tracklets, name = _tracklet(rng, content)
    tracklets[name].append(tracklets[name][0].replace("X", "X9"))


def _no_section(rng: random.Random, content: Any) -> None:
    content[rng.choice(_SECTIONS)] = {}


def _litter(rng: random.Random, content: Any) -> None:
    tracklets, name = _tracklet(rng, content)
    tracklets[name].append(rng.choice((".DS_Store", "._0001C1F0001X1.jpg", "Thumbs.db", "a.txt")))


class Duke(Kind):
    """``DukeMTMCVideoReID`` by both splits; there are no files whose bytes count."""

    name = "duke"
    damaged: ClassVar[tuple[str, ...]] = ()
    changes: ClassVar[Sequence[Change]] = (
        Change("a person's folder misnamed", Effect.REFUSED, _rename_person),
        Change("two folders of one person", Effect.REFUSED, _split_person),
        Change("a person without tracklets", Effect.REFUSED, _no_tracklet),
        Change("a tracklet without frames", Effect.REFUSED, _no_frames),
        Change("a frame misnamed", Effect.REFUSED, _rename_frame),
        Change("two cameras in a tracklet", Effect.REFUSED, _other_camera),
        Change("two frames of one number", Effect.REFUSED, _same_frame),
        Change("a section missing", Effect.REFUSED, _no_section),
        Change("other files beside the frames", Effect.SAME, _litter),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw persons and tracklets of the three sections."""
        name = rng.choice(("{}C{}F{:04d}X{}.jpg", "{}_C{}_F{:04d}_X{}.jpg"))
        content: dict[str, Any] = {}
        for section in _SECTIONS:
            persons = [f"{number:04d}" for number in rng.sample(range(1, 9000), rng.randint(1, 3))]
            content[section] = {
                person: {
                    f"{number:04d}": self._draw_frames(rng, name, person)
                    for number in rng.sample(range(1, 99), rng.randint(1, 2))
                }
                for person in persons
            }
        return content

    def _draw_frames(self, rng: random.Random, name: str, person: str) -> list[str]:
        camid, first, video = rng.randint(1, 8), rng.randint(0, 50), rng.randint(1, 99999)
        return [name.format(person, camid, first + i, video + i) for i in range(rng.randint(1, 3))]

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write empty frames."""
        return {
            f"{section}/{person}/{tracklet}/{frame}" if frames else f"{section}/{person}/a.txt": b""
            for section, persons in content.items()
            for person, tracklets in persons.items()
            for tracklet, frames in (tracklets or {"": []}).items()
            for frame in frames or [""]
        }

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of both splits."""
        rows = []
        for section, persons in content.items():
            for person in sorted(persons):
                for tracklet in sorted(persons[person]):
                    names = persons[person][tracklet]
                    frames = sorted(n for n in names if n.endswith(".jpg") and n[0] != ".")
                    camid = int(frames[0].partition("C")[2][0])
                    place = f"{section}/{person}/{tracklet}"
                    rows.append((int(person), camid, section, [f"{place}/{n}" for n in frames]))
        return to_infos(rows)

    def read(self, folder: Path) -> Any:
        """Build both splits."""
        return read_splits(DukeMTMCVideoReID, folder)

    def check(self, meaning: Any) -> None:
        """Assert the rules of tracklets."""
        check_infos(meaning)
