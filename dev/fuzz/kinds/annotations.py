"""The annotation file of a user's own tracklets."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, Kind, pick
from dev.fuzz.changed_json import (
    anything,
    broken_json,
    missing_key,
    renamed_key,
    to_json,
    unknown_key,
    wrong_type,
    wrong_value,
)
from mmctl.datasets import TrackletDataset
from mmctl.datasets.listings.annotation_file import MAX_ID

_ENTRY = "tracklets/*"
_ARRAYS = {"frame_numbers", "times", "boxes", "quality"}
_ORIGINS = f"{_ENTRY}/(video|track|frame_numbers|times|start|boxes|quality)"
_COUNTED = f"{_ENTRY}/(frame_numbers|times|boxes|quality)"


def read_splits(
    dataset: type, folder: Path, splits: Sequence[str] = ("train", "test"), **arguments: Any
) -> list[dict[str, Any]]:
    """Return what a data set says of the tracklets of its splits.

    Args:
        dataset: Its class.
        folder: Its ``data_root``.
        splits: Which.
        arguments: More arguments of the class.
    """
    rows = []
    for split in splits:
        built = dataset(data_root=str(folder), split=split, serialize_data=False, **arguments)
        for index in range(len(built)):
            info = dict(built.get_data_info(index))
            info.pop("sample_idx")
            info["frame_paths"] = [path.removeprefix(f"{folder}/") for path in info["frame_paths"]]
            for key in _ARRAYS & info.keys():
                info[key] = info[key].tolist()
            rows.append(info)
    return rows


def check_infos(rows: list[dict[str, Any]]) -> None:
    """Assert what holds for the tracklets of every data set."""
    assert rows, "there must be tracklets"
    for row in rows:
        check_origins(row)
        assert ("pid" in row) == ("split" in row), "one label of two"
        for key in {"pid", "camid", "tracklet_id"} & row.keys():
            assert type(row[key]) is int, f"{key} must be an int, is {row[key]!r:.40}"
            assert -1 <= row[key] <= MAX_ID, f"{key} is {row[key]}"
        assert row["camid"] >= 0, f"camid is {row['camid']}"
        split = row.get("split", "gallery")
        assert split in ("train", "query", "gallery"), f"split {split!r:.40}"
        assert row.get("pid", 1) >= 1 or split == "gallery", f"pid {row['pid']} in {split}"
        assert row["frame_paths"], "a tracklet without frames"
        assert all(type(path) is str and path for path in row["frame_paths"]), "an empty path"
        assert len(set(row["frame_paths"])) == len(row["frame_paths"]), "a frame twice"
    labels = {row["pid"]: row["gt_label"] for row in rows if "gt_label" in row}
    assert sorted(labels) == sorted(labels, key=lambda pid: labels[pid]), "labels not by pid"
    assert sorted(labels.values()) == list(range(len(labels))), "labels with gaps"


def check_origins(row: dict[str, Any]) -> None:
    """Assert what holds for where the frames of a tracklet are from."""
    for key in _ARRAYS & row.keys():
        assert len(row[key]) == len(row["frame_paths"]), f"{key} of other frames"
        values = [value for item in row[key] for value in (item if key == "boxes" else (item,))]
        assert all(math.isfinite(value) for value in values), f"{key} not finite"
    for key in {"frame_numbers", "times"} & row.keys():
        assert row[key] == sorted(row[key]), f"{key} fall"
        assert row[key][0] >= 0, f"{key} below 0"
    assert all(0 <= value <= 1 for value in row.get("quality", ())), "quality out of range"
    assert all(min(box[2:]) > 0 for box in row.get("boxes", ())), "a box without area"
    assert row.get("video", "a").isprintable(), "a name that cannot be shown"
    assert row.get("track", 0) >= 0, "track below 0"


def to_infos(tracklets: list[tuple[int, int, str, list[str]]]) -> list[dict[str, Any]]:
    """Return what :func:`read_splits` must, of pid, camera, split and frames of each tracklet."""
    rows = []
    for splits in (("train",), ("query", "gallery")):
        part = [tracklet for tracklet in tracklets if tracklet[2] in splits]
        pids = sorted({pid for pid, _, split, _ in part if split == "train"})
        for index, (pid, camid, split, frames) in enumerate(part):
            row = {"pid": pid, "camid": camid, "tracklet_id": index, "split": split}
            rows.append({**row, "frame_paths": frames})
            if split == "train":
                rows[-1]["gt_label"] = pids.index(pid)
    return rows


def _swap_frames(rng: random.Random, content: Any) -> None:
    entries = [entry for entry in content["tracklets"] if len(entry["frames"]) > 1]
    frames = pick(rng, entries)["frames"]
    at = rng.randrange(len(frames) - 1)
    frames[at], frames[at + 1] = frames[at + 1], frames[at]


def _double_frame(rng: random.Random, content: Any) -> None:
    entry = rng.choice(content["tracklets"])
    entry["frames"].insert(rng.randrange(len(entry["frames"]) + 1), rng.choice(entry["frames"]))
    for key in {"keypoint_rows", *_ARRAYS} & entry.keys():
        entry[key].append(entry[key][-1])


def _leave_root(rng: random.Random, content: Any) -> None:
    frames = rng.choice(content["tracklets"])["frames"]
    at = rng.randrange(len(frames))
    frames[at] = rng.choice(("../{}", "a/../../{}", "a/..", "..")).format(frames[at])


def _other_pid(rng: random.Random, content: Any) -> None:
    entry = rng.choice([entry for entry in content["tracklets"] if "pid" in entry])
    lowest = -1 if entry["split"] == "gallery" else 1
    entry["pid"] = rng.choice((lowest, 7, 2**31, 2**40, MAX_ID))


def _other_rows(rng: random.Random, content: Any) -> None:
    entry = rng.choice(content["tracklets"])
    if "keypoint_rows" not in entry:
        raise DoesNotApplyError
    rng.choice((entry["keypoint_rows"].append, entry["frames"].append))(entry["frames"][0] + "x")


def _other_length(rng: random.Random, content: Any) -> None:
    places = [(e, key) for e in content["tracklets"] for key in sorted(_ARRAYS & e.keys())]
    entry, key = pick(rng, places)
    entry[key].append(entry[key][-1]) if rng.random() < 0.5 else entry[key].pop()


def _fall(rng: random.Random, content: Any) -> None:
    places = [(e, key) for e in content["tracklets"] for key in ("frame_numbers", "times")]
    entry, key = pick(rng, [(e, k) for e, k in places if len(set(e.get(k, ()))) > 1])
    entry[key].reverse()


def _one_label(rng: random.Random, content: Any) -> None:
    labelled = [entry for entry in content["tracklets"] if "pid" in entry]
    del rng.choice(labelled)[rng.choice(("pid", "split"))]


def _unlabel(rng: random.Random, content: Any) -> None:
    entry = rng.choice([e for e in content["tracklets"] if e.get("split") == "gallery"])
    del entry["pid"], entry["split"]


def _lower(rng: random.Random, content: Any) -> None:
    entry = rng.choice([entry for entry in content["tracklets"] if "pid" in entry])
    entry["pid"] = rng.randint(-5, 0 if entry["split"] != "gallery" else -2)


def _draw_origins(rng: random.Random, known: list[str], count: int) -> dict[str, Any]:
    first, start = rng.choice((0, 7, 2**40)), rng.choice(("", ".5", ".123456"))
    step = rng.choice((0, 0.04, 3))
    origins = {
        "video": rng.choice(("a.mp4", "gate 2", "\u00e4/\u0663.avi")),
        "track": rng.choice((0, 5, MAX_ID)),
        "frame_numbers": [first + 2 * index for index in range(count)],
        "times": [step * index for index in range(count)],
        "start": f"2024-02-29T23:59:59{start}" + rng.choice(("Z", "+00:00")),
        "boxes": [[rng.uniform(-9, 99), -3, rng.choice((1, 0.01, 1e9)), 2] for _ in range(count)],
        "quality": [rng.choice((0, 1, 0.5, rng.random())) for _ in range(count)],
    }
    return {key: origins[key] for key in known}


def _origins(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what must be read of where frames are from: numbers that measure are floats."""
    found = {key: entry[key] for key in (*_ARRAYS, "video", "track", "start") if key in entry}
    for key in {"times", "boxes", "quality"} & found.keys():
        found[key] = np.array(found[key], dtype=np.float64).tolist()
    return found


class Annotations(Kind):
    """JSON files of :class:`TrackletDataset`."""

    name = "annotations"
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("", dict),
        wrong_type("tracklets", list),
        wrong_type("metainfo", dict),
        wrong_type(_ENTRY, dict),
        wrong_type(f"{_ENTRY}/(pid|camid)", int),
        wrong_type(f"{_ENTRY}/split"),
        wrong_type(f"{_ENTRY}/frames", list),
        wrong_value(f"{_ENTRY}/frames", [], "a.jpg", {"0": "a.jpg"}),
        wrong_type(f"{_ENTRY}/frames/*", str),
        wrong_value(f"{_ENTRY}/frames/*", "", "a\0b.jpg", "\ud800.jpg"),
        wrong_type(f"{_ENTRY}/keypoint_rows", list),
        wrong_type(f"{_ENTRY}/keypoint_rows/*", int),
        wrong_value(f"{_ENTRY}/keypoint_rows/*", -1, 2**63, 10**30),
        wrong_value(f"{_ENTRY}/split", "val", "Train", "train ", "query,gallery", "test"),
        wrong_value(f"{_ENTRY}/(pid|camid)", 2**63, 10**30, -2, -(2**63)),
        wrong_type(f"{_ENTRY}/(video|start)", str),
        wrong_value(f"{_ENTRY}/video", "", " ", "a\nb.mp4", "a\0", "\ud800"),
        wrong_type(f"{_ENTRY}/track", int),
        wrong_value(f"{_ENTRY}/track", -1, 2**63, 10**30),
        wrong_type(_COUNTED, list),
        wrong_type(f"{_ENTRY}/frame_numbers/*", int),
        wrong_value(f"{_ENTRY}/frame_numbers/*", -1, 2**63),
        wrong_type(f"{_ENTRY}/times/*", int, float),
        wrong_value(f"{_ENTRY}/times/*", -0.5, float("nan"), float("inf"), 10**400),
        wrong_value(f"{_ENTRY}/start", "2024-05-31", "2024-05-31 12:00:00Z", "12:00", "now"),
        wrong_value(f"{_ENTRY}/start", "2024-02-30T12:00:00Z", "2024-05-31T12:00:00+02:00", "Z"),
        wrong_type(f"{_ENTRY}/boxes/*", list),
        wrong_value(f"{_ENTRY}/boxes/*", [1, 2, 3], [1, 2, 0, 4], [1, 2, 3, -4], [1, None, 3, 4]),
        wrong_type(f"{_ENTRY}/boxes/*/*", int, float),
        wrong_value(f"{_ENTRY}/boxes/*/*", float("nan"), float("inf"), 10**400),
        wrong_type(f"{_ENTRY}/quality/*", int, float),
        wrong_value(f"{_ENTRY}/quality/*", -0.01, 1.01, 2, float("nan")),
        missing_key(f"{_ENTRY}/(camid|frames)"),
        missing_key(_ORIGINS, Effect.SAME),
        Change("one label of two", Effect.REFUSED, _one_label),
        Change("unlabelled", Effect.SAME, _unlabel),
        Change("an item too many or too few", Effect.REFUSED, _other_length),
        Change("against the order of time", Effect.REFUSED, _fall),
        missing_key("tracklets"),
        renamed_key(f"{_ENTRY}/[^/]+"),
        renamed_key("tracklets"),
        unknown_key(f"({_ENTRY})?"),
        Change("pid of nobody", Effect.REFUSED, _lower),
        Change("another pid", Effect.SAME, _other_pid),
        Change("two frames swapped", Effect.REFUSED, _swap_frames),
        Change("a frame twice", Effect.REFUSED, _double_frame),
        Change("a path that leaves the root", Effect.REFUSED, _leave_root),
        Change("a row or a frame too many", Effect.REFUSED, _other_rows),
        wrong_value(f"{_ENTRY}/frames/*", "9" * 5000, "a/\u0663.jpg", "/", effect=Effect.EITHER),
        missing_key(f"{_ENTRY}/frames/*", Effect.EITHER),
        missing_key(_ENTRY, Effect.EITHER),
        anything(),
    )
    edits: ClassVar[Sequence[Change]] = tuple(broken_json())

    def make(self, rng: random.Random) -> Any:
        """Draw tracklets of both splits."""
        known = [key for key in sorted((*_ARRAYS, "video", "track", "start")) if rng.random() < 0.3]
        has_rows, extension = rng.random() < 0.3, rng.choice((".jpg", ".png"))
        width = rng.choice((2, 4, 6))
        entries: list[dict[str, Any]] = []
        others = rng.choices(("train", "gallery", None), k=2)
        for split in ("train", "query", "gallery", *others):
            folder = rng.choice(("a", "b c", "ä", "x/y", "1")) + str(len(entries))
            first, count = rng.randint(0, 50), rng.randint(1, 4)
            frames = [f"{folder}/{first + i:0{width}d}{extension}" for i in range(count)]
            lowest = -1 if split == "gallery" else 1
            labels = {"pid": rng.randint(lowest, 9), "split": split} if split else {}
            entry = {**labels, "camid": rng.randint(0, 6), "frames": frames}
            entries.append(entry | _draw_origins(rng, known, count))
            if has_rows:
                entries[-1]["keypoint_rows"] = [rng.randint(0, 99) for _ in frames]
        metainfo = rng.choice(({}, {"dataset_name": "own"}, {"note": [1, None, 2.5]}))
        return {"metainfo": metainfo, "tracklets": entries}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"annotations.json": to_json(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of both splits, then all."""
        keys = ("pid", "camid", "split", "frames")
        entries = content["tracklets"]
        labelled = [entry for entry in entries if "split" in entry]
        rows = to_infos([tuple(entry[key] for key in keys) for entry in labelled])
        order = [e for e in labelled if e["split"] == "train"]
        order += [e for e in labelled if e["split"] != "train"]
        rows = [row | _origins(entry) for row, entry in zip(rows, order, strict=True)]
        for index, entry in enumerate(entries):
            labels = {key: entry[key] for key in ("pid", "split") if key in entry}
            row = {"camid": entry["camid"], "tracklet_id": index, "frame_paths": entry["frames"]}
            rows.append(row | labels | _origins(entry))
        return rows

    def read(self, folder: Path) -> Any:
        """Build both splits, and all."""
        return read_splits(TrackletDataset, folder, ("train", "test", "all"))

    def check(self, meaning: Any) -> None:
        """Assert the rules of tracklets."""
        check_infos(meaning)
