"""The annotation file of a user's own tracklets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

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


def read_splits(dataset: type, folder: Path, **arguments: Any) -> list[dict[str, Any]]:
    """Return what a data set says of the tracklets of both splits.

    Args:
        dataset: Its class.
        folder: Its ``data_root``.
        arguments: More arguments of the class.
    """
    rows = []
    for split in ("train", "test"):
        built = dataset(data_root=str(folder), split=split, serialize_data=False, **arguments)
        for index in range(len(built)):
            info = dict(built.get_data_info(index))
            info.pop("sample_idx")
            info["frame_paths"] = [path.removeprefix(f"{folder}/") for path in info["frame_paths"]]
            rows.append(info)
    return rows


def check_infos(rows: list[dict[str, Any]]) -> None:
    """Assert what holds for the tracklets of every data set."""
    assert rows, "there must be tracklets"
    for row in rows:
        for key in ("pid", "camid", "tracklet_id"):
            assert type(row[key]) is int, f"{key} must be an int, is {row[key]!r:.40}"
            assert -1 <= row[key] <= MAX_ID, f"{key} is {row[key]}"
        assert row["camid"] >= 0, f"camid is {row['camid']}"
        assert row["split"] in ("train", "query", "gallery"), f"split {row['split']!r:.40}"
        assert row["pid"] >= 1 or row["split"] == "gallery", f"pid {row['pid']} in {row['split']}"
        assert row["frame_paths"], "a tracklet without frames"
        assert all(type(path) is str and path for path in row["frame_paths"]), "an empty path"
        assert len(set(row["frame_paths"])) == len(row["frame_paths"]), "a frame twice"
    labels = {row["pid"]: row["gt_label"] for row in rows if row["split"] == "train"}
    assert sorted(labels) == sorted(labels, key=lambda pid: labels[pid]), "labels not by pid"
    assert sorted(labels.values()) == list(range(len(labels))), "labels with gaps"


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
    if "keypoint_rows" in entry:
        entry["keypoint_rows"].append(0)


def _leave_root(rng: random.Random, content: Any) -> None:
    frames = rng.choice(content["tracklets"])["frames"]
    at = rng.randrange(len(frames))
    frames[at] = rng.choice(("../{}", "a/../../{}", "a/..", "..")).format(frames[at])


def _other_pid(rng: random.Random, content: Any) -> None:
    entry = rng.choice(content["tracklets"])
    lowest = -1 if entry["split"] == "gallery" else 1
    entry["pid"] = rng.choice((lowest, 7, 2**31, 2**40, MAX_ID))


def _other_rows(rng: random.Random, content: Any) -> None:
    entry = rng.choice(content["tracklets"])
    if "keypoint_rows" not in entry:
        raise DoesNotApplyError
    rng.choice((entry["keypoint_rows"].append, entry["frames"].append))(entry["frames"][0] + "x")


def _lower(rng: random.Random, content: Any) -> None:
    entry = rng.choice(content["tracklets"])
    entry["pid"] = rng.randint(-5, 0 if entry["split"] != "gallery" else -2)


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
        missing_key(f"{_ENTRY}/(pid|camid|split|frames)"),
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
        has_rows, extension = rng.random() < 0.3, rng.choice((".jpg", ".png"))
        width = rng.choice((2, 4, 6))
        entries: list[dict[str, Any]] = []
        for split in ("train", "query", "gallery", *rng.choices(("train", "gallery"), k=2)):
            folder = rng.choice(("a", "b c", "ä", "x/y", "1")) + str(len(entries))
            first, count = rng.randint(0, 50), rng.randint(1, 4)
            frames = [f"{folder}/{first + i:0{width}d}{extension}" for i in range(count)]
            lowest = -1 if split == "gallery" else 1
            entry = {"pid": rng.randint(lowest, 9), "camid": rng.randint(0, 6), "split": split}
            entries.append({**entry, "frames": frames})
            if has_rows:
                entries[-1]["keypoint_rows"] = [rng.randint(0, 99) for _ in frames]
        metainfo = rng.choice(({}, {"dataset_name": "own"}, {"note": [1, None, 2.5]}))
        return {"metainfo": metainfo, "tracklets": entries}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"annotations.json": to_json(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return the tracklets of both splits."""
        keys = ("pid", "camid", "split", "frames")
        return to_infos([tuple(entry[key] for key in keys) for entry in content["tracklets"]])

    def read(self, folder: Path) -> Any:
        """Build both splits."""
        return read_splits(TrackletDataset, folder)

    def check(self, meaning: Any) -> None:
        """Assert the rules of tracklets."""
        check_infos(meaning)
