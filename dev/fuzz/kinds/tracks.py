"""What trackers write, and the table of who the tracks are."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, Effect, Files, Kind, edit_lines, not_a_file
from mmctl.datasets.tracking.identity_map import read_identities
from mmctl.datasets.tracking.mot_file import read_mot_file

_NAMES = ("frame", "id", "bb_left", "bb_top", "bb_width", "bb_height", "conf")
_NO_NUMBERS = ("abc", "", "1_0", "\u0661", "0x1", "--1", "1e", "true", "None", "1 2")


def _cell(column: int, *values: Any) -> Any:
    def apply(rng: random.Random, content: Any) -> None:
        row = rng.choice(content["rows"])
        row[column] = rng.choice(values)

    return apply


def _no_number(rng: random.Random, content: Any) -> None:
    row = rng.choice(content["rows"])
    row[rng.randrange(len(row))] = rng.choice(_NO_NUMBERS)


def _not_finite(rng: random.Random, content: Any) -> None:
    row = rng.choice(content["rows"])
    row[rng.randrange(len(row))] = rng.choice(("nan", "inf", "-inf", "1e400", "1e31"))


def _same_box(rng: random.Random, content: Any) -> None:
    row = list(rng.choice(content["rows"]))
    row[2] += 1
    content["rows"].append(row)


def _ragged(rng: random.Random, content: Any) -> None:
    rng.choice(content["rows"][1:] or content["rows"]).append(1)
    if len(content["rows"]) == 1:
        content["rows"].append([2, 99, 1, 1, 1, 1])


def _narrow(rng: random.Random, content: Any) -> None:
    content["rows"] = [row[: rng.randint(1, 5)] for row in content["rows"][:1]]


def _no_rows(rng: random.Random, content: Any) -> None:
    content["rows"] = []


def _misname(rng: random.Random, lines: list[str]) -> None:
    lines.insert(0, rng.choice(("a,b,c,d,e,f", "frame,id,left,top", "frame,id,x,y,x", "frame")))


class Tracks(Kind):
    """Files of boxes."""

    name = "tracks"
    changes: ClassVar[Sequence[Change]] = (
        Change("a frame that is none", Effect.REFUSED, _cell(0, 0, -1, 1.5, "1e15", 10**30)),
        Change("a track that is none", Effect.REFUSED, _cell(1, -1, 1.5, "1e15", 10**30)),
        Change("a width that is none", Effect.REFUSED, _cell(4, 0, -3, "-0.0")),
        Change("a height that is none", Effect.REFUSED, _cell(5, 0, -3, "-0.0")),
        Change("a cell that is no number", Effect.REFUSED, _no_number),
        Change("a number that is not finite", Effect.REFUSED, _not_finite),
        Change("a track twice in a frame", Effect.REFUSED, _same_box),
        Change("a longer line", Effect.REFUSED, _ragged),
        Change("lines too short", Effect.REFUSED, _narrow),
        Change("no line", Effect.REFUSED, _no_rows),
    )
    edits: ClassVar[Sequence[Change]] = (
        not_a_file(".txt"),
        edit_lines("a header that names too little", Effect.REFUSED, ".txt", _misname),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw boxes of some tracks."""
        rows, width = [], rng.choice((6, 7))
        for track in rng.sample(range(1, 50), rng.randint(1, 3)):
            first = rng.randint(1, 20)
            for frame in range(first, first + rng.randint(1, 4)):
                box = [rng.choice((rng.randint(1, 900), rng.randint(1, 900) / 4)) for _ in "ltwh"]
                rows.append([frame, track, *box, rng.randint(1, 9) / 16][:width])
        rng.shuffle(rows)
        return {"rows": rows}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file, with or without header."""
        mark, end = rng.choice((",", ",", ", ", "\t")), rng.choice(("\n", "\r\n"))
        lines = [mark.join(str(cell) for cell in row) for row in content["rows"]]
        if rng.random() < 0.2 and lines:
            lines.insert(0, mark.join(_NAMES[: len(content["rows"][0])]))
        text = end.join([*lines, ""] if rng.random() < 0.7 else lines)
        return {"tracks.txt": text.encode("utf-8-sig" if rng.random() < 0.1 else "utf-8")}

    def meaning(self, content: Any) -> Any:
        """Return the columns."""
        rows = content["rows"]
        return {
            "frames": [row[0] for row in rows],
            "tracks": [row[1] for row in rows],
            "boxes": [[float(value) for value in row[2:6]] for row in rows],
            "confidences": [float(row[6]) if len(row) > 6 else 1.0 for row in rows],
        }

    def read(self, folder: Path) -> Any:
        """Read the file."""
        found = read_mot_file(folder / "tracks.txt")
        names = ("frames", "tracks", "boxes", "confidences")
        return {name: getattr(found, name).tolist() for name in names}

    def check(self, meaning: Any) -> None:
        """Assert the rules of boxes."""
        boxes = np.array(meaning["boxes"]).reshape(-1, 4)
        assert len({len(column) for column in meaning.values()}) == 1, "unequal columns"
        assert np.isfinite(boxes).all(), "a box that is not finite"
        assert (boxes[:, 2:] > 0).all(), "a box without area"
        assert np.isfinite(meaning["confidences"]).all(), "a confidence that is not finite"
        pairs = list(zip(meaning["frames"], meaning["tracks"], strict=True))
        assert len(set(pairs)) == len(pairs), "a track twice in a frame"
        assert all(frame >= 1 and track >= 0 for frame, track in pairs), "numbers too low"


def _other_person(rng: random.Random, content: Any) -> None:
    camera, track, pid = rng.choice(content)
    content.append([camera, track, pid + 1])


def _again(rng: random.Random, content: Any) -> None:
    content.insert(rng.randrange(len(content) + 1), list(rng.choice(content)))


def _bad_cell(rng: random.Random, content: Any) -> None:
    row = rng.choice(content)
    row[rng.randrange(3)] = rng.choice((*_NO_NUMBERS, 1.0, "9" * 19, "nan", '"1'))


def _bad_pid(rng: random.Random, content: Any) -> None:
    rng.choice(content)[2] = rng.choice((-2, -(10**17)))


def _bad_row(rng: random.Random, content: Any) -> None:
    at = rng.randrange(len(content))
    content[at] = rng.choice((content[at][:2], [*content[at], 1], ["y" * 3000]))


def _bad_header(rng: random.Random, lines: list[str]) -> None:
    wrong = ("camera,track,pid", "track_id,camera,pid", "", "Camera,track_id,pid", "y" * 9000)
    lines[0] = rng.choice((*wrong, lines[0] + ",x", "a\tb"))


class Identities(Kind):
    """CSV files of persons by camera and track."""

    name = "identities"
    changes: ClassVar[Sequence[Change]] = (
        Change("a track of two persons", Effect.REFUSED, _other_person),
        Change("a line twice", Effect.SAME, _again),
        Change("a cell that is no number", Effect.REFUSED, _bad_cell),
        Change("a pid of nobody", Effect.REFUSED, _bad_pid),
        Change("a line that is none", Effect.REFUSED, _bad_row),
    )
    edits: ClassVar[Sequence[Change]] = (
        not_a_file(".csv"),
        edit_lines("another header", Effect.REFUSED, ".csv", _bad_header),
        edit_lines("no header", Effect.REFUSED, ".csv", lambda rng, lines: lines.pop(0)),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw lines."""
        keys = [(camera, track) for camera in range(1, 4) for track in range(6)]
        chosen = rng.sample(keys, rng.randint(1, 6))
        return [[camera, track, rng.randint(-1, 9)] for camera, track in chosen]

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        end, mark = rng.choice(("\n", "\r\n")), rng.choice((",", ", "))
        lines = [mark.join(map(str, row)) for row in [["camera", "track_id", "pid"], *content]]
        text = end.join([*lines, *([""] * rng.randint(0, 2))])
        return {"people.csv": text.encode("utf-8-sig" if rng.random() < 0.2 else "utf-8")}

    def meaning(self, content: Any) -> Any:
        """Return pid by camera and track."""
        return {(camera, track): pid for camera, track, pid in content}

    def read(self, folder: Path) -> Any:
        """Read the file."""
        return read_identities(folder / "people.csv")

    def check(self, meaning: Any) -> None:
        """Assert that pids are those of persons, distractors or junk."""
        assert all(type(pid) is int and pid >= -1 for pid in meaning.values()), "a pid below -1"
