"""Keypoint arrays, the headers beside them, and arrays that are not finished."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, Effect, Files, Kind, not_a_file
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
from dev.fuzz.changed_npy import lying_npy, to_npy
from dev.fuzz.kinds.annotations import read_splits
from mmctl.apis.partial_arrays import PartialArrays
from mmctl.apis.planned_array import PlannedArray
from mmctl.datasets import TrackletDataset
from mmctl.datasets.keypoints.keypoint_file import open_keypoint_array
from mmctl.datasets.keypoints.keypoint_header import COORDINATES, ArrayHeader

_FRAMES = ("a/0.jpg", "a/1.jpg", "b/0.jpg", "c/5.jpg")
_ENTRIES = [
    {"pid": 1, "camid": 1, "split": "train", "frames": [*_FRAMES[:2]]},
    {"pid": 2, "camid": 1, "split": "query", "frames": [_FRAMES[2]]},
    {"pid": 2, "camid": 2, "split": "gallery", "frames": [_FRAMES[3]]},
]
_SIZES = "(frame_size|input_size|map_size)"


def _header(rng: random.Random) -> dict[str, Any]:
    names = "".join(f"{name}\n" for name in _FRAMES)
    return {
        "kind": "keypoints",
        "num_frames": len(_FRAMES),
        "frame_list_sha256": hashlib.sha256(names.encode()).hexdigest(),
        "estimator": rng.choice(("drawn", "imported: a.json", "ä" * 20)),
        "checkpoint": rng.choice((None, "a.pth")),
        "weights_sha256": rng.choice((None, "0" * 64)),
        "frame_size": rng.choice((None, [64, 32])),
        "input_size": rng.choice((None, [256, 192])),
        "flip_test": rng.random() < 0.5,
        "mixed_precision": rng.random() < 0.5,
        "map_size": rng.choice((None, [16, 8])),
        "coordinates": COORDINATES,
        "format_version": 1,
    }


def _other_dtype(rng: random.Random, content: Any) -> None:
    content["array"] = content["array"].astype(rng.choice(("f8", "f2", "i4", "c8", "U8", "?")))


def _other_shape(rng: random.Random, content: Any) -> None:
    array = content["array"]
    shapes = (array[..., :2], array[:, :16], array.reshape(-1, 51), array[0], array[None])
    content["array"] = rng.choice(shapes)


def _other_length(rng: random.Random, content: Any) -> None:
    array = content["array"]
    content["array"] = rng.choice((array[:-1], array[:0], np.concatenate([array, array[:1]])))


def _no_header(rng: random.Random, content: Any) -> None:
    content["header"] = None


class KeypointArrays(Kind):
    """``info/keypoints.npy`` with its header, for a data set."""

    name = "keypoint-arrays"
    damaged: ClassVar[tuple[str, ...]] = ("keypoints.npy",)
    changes: ClassVar[Sequence[Change]] = (
        Change("another type", Effect.REFUSED, _other_dtype),
        Change("another shape", Effect.REFUSED, _other_shape),
        Change("another length", Effect.REFUSED, _other_length),
        Change("no header", Effect.SAME, _no_header),
    )
    edits: ClassVar[Sequence[Change]] = (lying_npy("keypoints.npy"), not_a_file("keypoints.npy"))

    def make(self, rng: random.Random) -> Any:
        """Draw an array."""
        generator = np.random.default_rng(rng.getrandbits(64))
        array = generator.uniform(1, 30, (len(_FRAMES), 17, 3)).astype(np.float32)
        array[..., 2] /= 30
        return {"array": array, "header": _header(rng)}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write annotations, array and header."""
        files = {
            "annotations.json": json.dumps({"tracklets": _ENTRIES}).encode(),
            "info/keypoints.npy": to_npy(rng, content["array"]),
        }
        if content["header"] is not None:
            files["info/keypoints.json"] = to_json(rng, content["header"])
        return files

    def meaning(self, content: Any) -> Any:
        """Return the array, and the rows of each tracklet."""
        return {"array": content["array"], "rows": [[0, 1], [2], [3]]}

    def read(self, folder: Path) -> Any:
        """Build both splits with the array."""
        name = "info/keypoints.npy"
        infos = read_splits(TrackletDataset, folder, keypoint_file=name)
        array = np.array(open_keypoint_array(str(folder / name)))
        return {"array": array, "rows": [info["keypoint_rows"].tolist() for info in infos]}

    def check(self, meaning: Any) -> None:
        """Assert shape and type."""
        array = meaning["array"]
        assert array.shape == (len(_FRAMES), 17, 3), f"shape {array.shape}"
        assert array.dtype == np.float32, f"type {array.dtype}"
        assert meaning["rows"] == [[0, 1], [2], [3]], "other rows"


class KeypointHeaders(KeypointArrays):
    """The same with changes of the header, whose array stays what it is."""

    name = "keypoint-headers"
    damaged: ClassVar[tuple[str, ...]] = ("keypoints.json",)
    damage = Effect.SAME_OR_REFUSED
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("header", dict, type(None)),
        wrong_type("header/(kind|coordinates|frame_list_sha256|estimator)", str),
        wrong_type("header/(checkpoint|weights_sha256)", str, type(None)),
        wrong_type("header/(num_frames|format_version)"),
        wrong_type("header/(flip_test|mixed_precision)", bool),
        wrong_type(f"header/{_SIZES}", type(None)),
        wrong_value(f"header/{_SIZES}", [1], [1, 2, 3], ["a", None], [1.5, 2], [True, True], "ab"),
        wrong_value("header/kind", "heatmaps", "Keypoints", ""),
        wrong_value("header/num_frames", 3, 5, -1, 0, 4.0, True, 10**30),
        wrong_value("header/frame_list_sha256", "0" * 64, "", None),
        wrong_value("header/coordinates", "pixels", "", COORDINATES + " "),
        wrong_value("header/format_version", 2, 0, True, 1.0, "1", None),
        missing_key("header/(kind|num_frames|frame_list_sha256|estimator|format_version)"),
        missing_key("header/coordinates", Effect.SAME_OR_REFUSED),
        renamed_key("header/[^/]+"),
        unknown_key("header"),
    )
    edits: ClassVar[Sequence[Change]] = (
        *broken_json("keypoints.json"),
        not_a_file("keypoints.npy"),
    )


_PLAN_ROWS, _PER_BLOCK, _NUM_BLOCKS = 7, 3, 3


def _plan(folder: Path) -> PlannedArray:
    header = ArrayHeader("keypoints", _PLAN_ROWS, "0" * 64, "one")
    return PlannedArray(folder / "keypoints.npy", header, (17, 3), np.dtype(np.float32))


def _block(rng: random.Random, block: int, is_whole: bool) -> bytes:
    """Return the file of a block of rows, or one that is none."""
    num_rows = min(_PER_BLOCK, _PLAN_ROWS - block * _PER_BLOCK)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((num_rows, 17, 3), np.float32))
    whole = buffer.getvalue()
    other = io.BytesIO()
    np.save(other, np.zeros((num_rows + 1, 17, 3), np.float32))
    broken = (whole[:-1], whole + b"\x00", b"", other.getvalue(), whole.replace(b"f4", b"i4"))
    return whole if is_whole else rng.choice(broken)


class PartialWork(Kind):
    """The folder of an extraction that was stopped."""

    name = "partial-arrays"
    damaged: ClassVar[tuple[str, ...]] = ("identity.json",)
    changes: ClassVar[Sequence[Change]] = (
        wrong_type("identity", dict),
        wrong_type("identity/(rows_per_block|arrays)"),
        wrong_type("identity/arrays/keypoints", dict),
        wrong_value("identity/rows_per_block", 1, True, 4),
        wrong_value("identity/arrays/keypoints/num_frames", 8, True),
        wrong_value("identity/rows_per_block", 3.0, effect=Effect.SAME_OR_REFUSED),
        wrong_value("identity/arrays/keypoints/estimator", "two", None, [1] * 3000, "y" * 5000),
        missing_key("identity/(arrays/keypoints/)?[^/]+", Effect.SAME_OR_REFUSED),
        unknown_key("identity/arrays/keypoints"),
        anything(Effect.EITHER),
    )
    edits: ClassVar[Sequence[Change]] = (
        # A link to nothing there is as good as no work: that is begun anew.
        *broken_json("identity.json"),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw which blocks are done, which are not, and which are damaged."""
        headers = {"keypoints": json.loads(_plan(Path()).header.to_bytes())}
        states = [rng.choice(("done", "absent", "damaged")) for _ in range(_NUM_BLOCKS)]
        return {
            "identity": {"rows_per_block": _PER_BLOCK, "arrays": headers},
            "blocks": {
                f"{block:06d}": _block(rng, block, state == "done")
                for block, state in enumerate(states)
                if state != "absent"
            },
            "pending": [block for block, state in enumerate(states) if state != "done"],
        }

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the folder."""
        if not isinstance(content, dict) or "blocks" not in content:
            content = {"blocks": {}, "identity": content}
        blocks = content["blocks"] if isinstance(content["blocks"], dict) else {}
        files = {
            f"keypoints-{block}.npy": rows
            for block, rows in blocks.items()
            if isinstance(rows, bytes)
        }
        files["identity.json"] = to_json(rng, content["identity"])
        return {f"keypoints.partial/{name}": content for name, content in files.items()}

    def meaning(self, content: Any) -> Any:
        """Return the blocks that are to be made."""
        return content["pending"]

    def read(self, folder: Path) -> Any:
        """Go on with the work."""
        work = PartialArrays([_plan(folder)], _PER_BLOCK)
        try:
            work.prepare()
            return work.pending()
        finally:
            work.close()

    def check(self, meaning: Any) -> None:
        """Assert that the blocks are those of the plan."""
        assert set(meaning) <= set(range(_NUM_BLOCKS)), "another block"
