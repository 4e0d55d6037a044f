"""Lists, queries and frames of LS-VID."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, Kind, edit_lines, not_a_file
from dev.fuzz.changed_mat import lying_mat, to_mat
from dev.fuzz.kinds.annotations import check_infos, read_splits, to_infos
from mmctl.datasets import LSVID

_SPLITS = ("train", "test")
_LIST = "list_sequence/list_seq_{}.txt"


def _sequence(rng: random.Random, content: Any) -> dict[str, Any]:
    return rng.choice(content[rng.choice(_SPLITS)])


def _no_frames(rng: random.Random, content: Any) -> None:
    _sequence(rng, content)["frames"] = rng.choice(([], ["notes.txt"]))


def _other_camera(rng: random.Random, content: Any) -> None:
    sequence = _sequence(rng, content)
    stem = sequence["prefix"].rpartition("/")[2]
    camera = sequence["camid"] % 15 + 1
    sequence["frames"].append(f"{stem}_{camera:02d}_999999.jpg")


def _odd_frame(rng: random.Random, content: Any) -> None:
    sequence = _sequence(rng, content)
    stem = sequence["prefix"].rpartition("/")[2]
    camera = f"{sequence['camid']:02d}"
    number = sequence["frames"][0].rpartition("_")[2]
    odd = ("_00_7.jpg", "_16_7.jpg", "_x_7.jpg", "_7.jpg", f"_{camera}_a.jpg", "_a\nb_1_2.jpg")
    twice = f"_{camera}_0{number}"
    sequence["frames"].append(stem + rng.choice((*odd, twice)))


def _wrong_query(rng: random.Random, content: Any) -> None:
    count = len(content["test"])
    content["queries"].append(rng.choice((0, -1, count + 1, content["queries"][0], 1.5, 1e300)))


def _same_line(rng: random.Random, content: Any) -> None:
    part = content[rng.choice(_SPLITS)]
    part.append(dict(rng.choice(part)))


def _shift_pids(rng: random.Random, content: Any) -> None:
    for split in _SPLITS:
        for sequence in content[split]:
            sequence["pid"] -= 1


def _edit_line(rng: random.Random, lines: list[str]) -> None:
    at = rng.randrange(len(lines))
    prefix, pid = lines[at].split()
    odd = (prefix, f"{prefix} {pid} 3", f"{prefix} x", f"{prefix} -1", f"{prefix} 1.0", "\u2028")
    far = (f"/{prefix} {pid}", f"../{prefix} {pid}", f"{prefix} {'9' * 30}", f"no/{prefix} {pid}")
    long = (
        f"{'y' * 5000}/a {pid}",
        f"{'y/' * 5000}a {pid}",
        f"\x00/a {pid}",
        f"{prefix}{'y' * 400} 1",
    )
    lines[at] = rng.choice(
        (*odd, *far, *long, f"{prefix},{pid}", f"{'y' * 5000} {pid} z", "\x00 1")
    )


def _swap_columns(rng: random.Random, lines: list[str]) -> None:
    lines[:] = [" ".join(reversed(line.split())) for line in lines]


def _space(rng: random.Random, lines: list[str]) -> None:
    lines[:] = [rng.choice(("{}", " {}", "{} ", "\t{}")).format(line) for line in lines]


def _empty(rng: random.Random, lines: list[str]) -> None:
    lines[:] = rng.choice(([], [""], [" "]))


def _blank(rng: random.Random, lines: list[str]) -> None:
    if len(lines) < 2:
        raise DoesNotApplyError
    lines.insert(rng.randrange(len(lines)), "")


class LsVid(Kind):
    """``LSVID`` by both splits."""

    name = "ls-vid"
    damaged: ClassVar[tuple[str, ...]] = (".txt", ".mat")
    changes: ClassVar[Sequence[Change]] = (
        Change("a tracklet without frames", Effect.REFUSED, _no_frames),
        Change("two cameras in a tracklet", Effect.REFUSED, _other_camera),
        Change("a frame misnamed", Effect.REFUSED, _odd_frame),
        Change("a query that is none", Effect.REFUSED, _wrong_query),
        Change("a tracklet listed twice", Effect.REFUSED, _same_line),
        Change("persons counted from 0", Effect.SAME, _shift_pids),
    )
    edits: ClassVar[Sequence[Change]] = (
        edit_lines("a line that is none", Effect.REFUSED, ".txt", _edit_line),
        edit_lines("columns exchanged", Effect.REFUSED, ".txt", _swap_columns),
        edit_lines("spaces", Effect.SAME, ".txt", _space),
        edit_lines("no line", Effect.REFUSED, ".txt", _empty),
        edit_lines("a blank line between", Effect.SAME_OR_REFUSED, ".txt", _blank),
        not_a_file(".txt", ".mat"),
        *lying_mat(".mat", lambda _: {"query": np.array([[1.0]])}),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw tracklets and queries; persons are counted from 1."""
        content: dict[str, Any] = {}
        for split, numbers in (("train", range(1, 40)), ("test", range(41, 90))):
            content[split] = []
            for pid in [1, *rng.choices(numbers, k=rng.randint(1, 3))][split == "test" :]:
                number, camid = len(content[split]) + rng.choice((1, 10, 100)), rng.randint(1, 15)
                stem, first = f"{pid:04d}_{number:04d}", rng.randint(1, 99)
                prefix = f"tracklet_{split}/{pid:04d}/{stem}"
                if prefix in [sequence["prefix"] for sequence in content[split]]:
                    continue
                frames = [f"{stem}_{camid:02d}_{first + i}.jpg" for i in range(rng.randint(1, 3))]
                sequence = {"prefix": prefix, "pid": pid, "camid": camid, "frames": frames}
                content[split].append(sequence)
        count = len(content["test"])
        content["queries"] = rng.sample(range(1, count + 1), rng.randint(1, count))
        return content

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write lists, queries and empty frames."""
        files: Files = {}
        for split in _SPLITS:
            end = rng.choice(("\n", "\r\n"))
            lines = [f"{sequence['prefix']} {sequence['pid']}" for sequence in content[split]]
            files[_LIST.format(split)] = end.join([*lines, *([""] * rng.randint(0, 1))]).encode()
            for sequence in content[split]:
                place = sequence["prefix"].rpartition("/")[0]
                files |= {f"{place}/{name}": b"" for name in sequence["frames"] or ["x.txt"]}
        queries = np.array([content["queries"]], np.float64)
        queries = queries.T if rng.random() < 0.5 else queries
        files["test/data/info_test.mat"] = to_mat(rng, {"query": queries}, rng.random() < 0.05)
        return files

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of both splits, with pids from 1."""
        shift = int(any(sequence["pid"] == 0 for split in _SPLITS for sequence in content[split]))
        rows = []
        for split in _SPLITS:
            for number, sequence in enumerate(content[split], start=1):
                part = "query" if number in content["queries"] else "gallery"
                place = sequence["prefix"].rpartition("/")[0]
                frames = [f"{place}/{name}" for name in sequence["frames"]]
                part = "train" if split == "train" else part
                rows.append((sequence["pid"] + shift, sequence["camid"], part, frames))
        return to_infos(rows)

    def read(self, folder: Path) -> Any:
        """Build both splits."""
        return read_splits(LSVID, folder)

    def check(self, meaning: Any) -> None:
        """Assert the rules of tracklets."""
        check_infos(meaning)
