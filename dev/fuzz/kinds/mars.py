"""The five files of MARS below ``info``."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, Effect, Files, Kind, not_a_file, pick
from dev.fuzz.changed_mat import lying_mat, to_mat
from dev.fuzz.kinds.annotations import check_infos, read_splits, to_infos
from mmctl.datasets import MARS

SPLITS = ("train", "test")
_CODES = ("<i4", "<u2", "<f8", "<i8")


def _name(pid: int, camid: int, track: int, frame: int) -> str:
    person = "00-1" if pid == -1 else f"{pid:04d}"
    return f"{person}C{camid}T{track:04d}F{frame:03d}.jpg"


def _draw_split(rng: random.Random, split: str) -> tuple[list[str], list[list[int]]]:
    names: list[str] = []
    rows, tracks = [], dict[tuple[int, int], int]()
    lowest = 1 if split == "train" else -1
    for pid in [rng.randint(lowest, 6) for _ in range(rng.randint(2, 5))] + [rng.randint(1, 6)]:
        camid, count, first = rng.randint(1, 6), rng.randint(1, 4), rng.randint(1, 9)
        track = tracks[pid, camid] = tracks.get((pid, camid), 0) + 1
        rows.append([len(names) + 1, len(names) + count, pid, camid])
        names += [_name(pid, camid, track, first + i) for i in range(count)]
    return names, rows


def _row(rng: random.Random, content: Any) -> tuple[list[list[Any]], int]:
    rows = content["rows"][rng.choice(SPLITS)]
    return rows, rng.randrange(len(rows))


def _shift_row(rng: random.Random, content: Any) -> None:
    rows, at = _row(rng, content)
    rows[at][rng.randrange(4)] += rng.choice((-1, 1))


def _huge_row(rng: random.Random, content: Any) -> None:
    rows, at = _row(rng, content)
    column = rng.randrange(4)
    # A distractor's pid is 0 already.
    rows[at][column] = rng.choice([far for far in (-5, 0, 60_000) if far != rows[at][column]])


def _swap_columns(rng: random.Random, content: Any) -> None:
    rows, at = _row(rng, content)
    first, second = rng.choice(((0, 1), (2, 3)))
    if rows[at][first] == rows[at][second]:
        rows[at][first] += 1
    else:
        rows[at][first], rows[at][second] = rows[at][second], rows[at][first]


def _drop_row(rng: random.Random, content: Any) -> None:
    rows, at = _row(rng, content)
    del rows[at]


def _double_row(rng: random.Random, content: Any) -> None:
    rows, at = _row(rng, content)
    rows.insert(rng.randrange(len(rows) + 1), list(rows[at]))


def _drop_column(rng: random.Random, content: Any) -> None:
    rows, _ = _row(rng, content)
    column = rng.randrange(4)
    for row in rows:
        del row[column]


def _exchange(rng: random.Random, content: Any) -> None:
    part = content[rng.choice(("rows", "names"))]
    if part["train"] == part["test"]:
        part["train"] = part["train"][:-1]
    part["train"], part["test"] = part["test"], part["train"]


def _change_name(rng: random.Random, content: Any) -> None:
    names = content["names"][rng.choice(SPLITS)]
    at, name = rng.randrange(len(names)), ""
    name = names[at]
    wrong = (name.lower(), name[:-1], f"{name}x", f"x{name[1:]}", f"../{name[3:]}", "", "\u0663")
    names[at] = rng.choice((*wrong, f" {name}", name.replace("C", "c"), name.replace("jpg", "png")))


def _drop_name(rng: random.Random, content: Any) -> None:
    names = content["names"][rng.choice(SPLITS)]
    del names[rng.randrange(len(names))]


def _swap_names(rng: random.Random, content: Any) -> None:
    split = rng.choice(SPLITS)
    start, end, *_ = pick(rng, [row for row in content["rows"][split] if row[1] > row[0]])
    names = content["names"][split]
    at = rng.randrange(start - 1, end - 1)
    names[at], names[at + 1] = names[at + 1], names[at]


def _train_nobody(rng: random.Random, content: Any) -> None:
    rows, names = content["rows"]["train"], content["names"]["train"]
    row, pid = rng.choice(rows), rng.choice((0, -1))
    row[2] = pid
    for at in range(row[0] - 1, row[1]):
        names[at] = ("00-1" if pid else "0000") + names[at][4:]


def _wrong_query(rng: random.Random, content: Any) -> None:
    count = len(content["rows"]["test"])
    content["queries"].append(rng.choice((0, count + 1, content["queries"][0], 60_000)))


def _query_nobody(rng: random.Random, content: Any) -> None:
    rows = content["rows"]["test"]
    content["queries"].append(1 + pick(rng, [i for i, row in enumerate(rows) if row[2] < 1]))


def _other_query(rng: random.Random, content: Any) -> None:
    persons = [i for i, row in enumerate(content["rows"]["test"], 1) if row[2] > 0]
    content["queries"] = rng.sample(persons, rng.randint(1, len(persons)))


def _fraction(rng: random.Random, content: Any) -> None:
    rows, at = _row(rng, content)
    rows[at][rng.randrange(4)] = rng.choice((1.5, float("nan"), float("inf"), 1e300))


def _arrays(name: str) -> dict[str, np.ndarray]:
    key = name.rpartition("/")[2].removesuffix(".mat").replace("tracks_", "track_")
    return {key: np.array([[1, 2, 1, 1]]) if key.startswith("track") else np.array([[1]])}


class Mars(Kind):
    """``MARS`` by both splits."""

    name = "mars"
    damaged: ClassVar[tuple[str, ...]] = (".mat", ".txt")
    changes: ClassVar[Sequence[Change]] = (
        Change("a number of a row one off", Effect.REFUSED, _shift_row),
        Change("a number of a row far off", Effect.REFUSED, _huge_row),
        Change("two numbers of a row exchanged", Effect.REFUSED, _swap_columns),
        Change("a row missing", Effect.REFUSED, _drop_row),
        Change("a row twice", Effect.REFUSED, _double_row),
        Change("a column missing", Effect.REFUSED, _drop_column),
        Change("files of the splits exchanged", Effect.EITHER, _exchange),
        Change("a name that is none", Effect.REFUSED, _change_name),
        Change("a name missing", Effect.REFUSED, _drop_name),
        Change("two frames of a tracklet swapped", Effect.REFUSED, _swap_names),
        Change("nobody in training", Effect.REFUSED, _train_nobody),
        Change("a query that is none", Effect.REFUSED, _wrong_query),
        Change("a query of nobody", Effect.REFUSED, _query_nobody),
        Change("other queries", Effect.SAME, _other_query),
        Change("no whole number", Effect.REFUSED, _fraction),
    )
    edits: ClassVar[Sequence[Change]] = (not_a_file(".mat", ".txt"), *lying_mat(".mat", _arrays))

    def make(self, rng: random.Random) -> Any:
        """Draw tracklets and queries."""
        content: dict[str, Any] = {"names": {}, "rows": {}}
        for split in SPLITS:
            content["names"][split], content["rows"][split] = _draw_split(rng, split)
        _other_query(rng, content)
        return content

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the five files."""
        end, files = rng.choice(("\n", "\r\n")), {}
        for split in SPLITS:
            text = end.join(content["names"][split]) + rng.choice(("", end))
            files[f"info/{split}_name.txt"] = text.encode()
            rows = np.array(content["rows"][split])
            kept = rows if rows.dtype.kind == "f" or rows.min(initial=0) < 0 else None
            rows = rows.astype(rng.choice(_CODES)) if kept is None else kept
            rows = rows.reshape(len(rows), -1)
            key = f"track_{split}_info"
            files[f"info/tracks_{split}_info.mat"] = to_mat(rng, {key: rows}, rng.random() < 0.01)
        queries = np.array(content["queries"]).astype(rng.choice(_CODES)).reshape(-1, 1)
        queries = queries.T if rng.random() < 0.5 else queries
        files["info/query_IDX.mat"] = to_mat(rng, {"query_IDX": queries}, rng.random() < 0.01)
        return files

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of both splits."""
        tracklets = []
        for split in SPLITS:
            for number, (start, end, pid, camid) in enumerate(content["rows"][split], start=1):
                part = "train"
                if split == "test":
                    part = "query" if number in content["queries"] else "gallery"
                names = content["names"][split][start - 1 : end]
                frames = [f"bbox_{split}/{name[:4]}/{name}" for name in names]
                tracklets.append((pid, camid, part, frames))
        return to_infos(tracklets)

    def read(self, folder: Path) -> Any:
        """Build both splits."""
        return read_splits(MARS, folder)

    def check(self, meaning: Any) -> None:
        """Assert the rules of tracklets."""
        check_infos(meaning)
