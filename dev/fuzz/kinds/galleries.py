"""Galleries: their database with its index, and the feature files that they take."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dev.fuzz.case import Change, DoesNotApplyError, Effect, Files, Kind, not_a_file
from dev.fuzz.changed_npy import lying_npz, to_npz
from mmctl.gallery import Gallery, RecordSet, TrackletRecord, read_records

_MODEL = "0123456789abcdef" * 4
_WIDTH = 8
_SECOND = 1_000_000


def _unit(rng: random.Random) -> np.ndarray:
    feature = np.array([rng.gauss(0, 1) for _ in range(_WIDTH)])
    return (feature / np.linalg.norm(feature)).astype(np.float32)


def _statement(name: str, *statements: str) -> Change:
    """Return the change that lets another program do something to the database."""

    def apply(rng: random.Random, content: Any) -> None:
        row = rng.randint(1, len(content["records"]))
        content["statements"].append(rng.choice(statements).format(row=row))

    return Change(name, Effect.REFUSED, apply)


def _hard_name(rng: random.Random, content: Any) -> None:
    names = ("<b>", "'; DROP TABLE features; --", "../../x", "\x1b[2J", "[red]", "–", "a" * 4000)
    content["records"][0]["name"] = content["records"][0]["video"] = rng.choice(names)


class Galleries(Kind):
    """A gallery of a few tracklets, as a killed or a hostile program may leave it."""

    name = "gallery"
    changes: ClassVar[Sequence[Change]] = (
        Change("a name that is no name", Effect.SAME, _hard_name),
        _statement("a newer version", "PRAGMA user_version = 2", "PRAGMA user_version = 99"),
        _statement("another program", "PRAGMA application_id = 5", "PRAGMA user_version = 0"),
        _statement(
            "other tables",
            "CREATE TABLE more (a)",
            "CREATE VIEW v AS SELECT 1",
            "CREATE TRIGGER t AFTER INSERT ON tracklets BEGIN DELETE FROM tracklets; END",
            "ALTER TABLE tracklets ADD COLUMN b",
            "DROP INDEX tracklets_by_video",
            "DROP TABLE features",
        ),
        _statement(
            "settings that cannot be",
            "DELETE FROM settings WHERE name = 'model'",
            "UPDATE settings SET value = 'x' WHERE name = 'width'",
            "UPDATE settings SET value = 0 WHERE name = 'width'",
            "UPDATE settings SET value = 9 WHERE name = 'width'",
            "UPDATE settings SET value = 'int8' WHERE name = 'dtype'",
            "UPDATE settings SET value = '../x' WHERE name = 'engine'",
            "UPDATE settings SET value = NULL WHERE name = 'changes'",
            "UPDATE settings SET value = 'x' WHERE name = 'features'",
        ),
        _statement(
            "values of another type",
            "UPDATE tracklets SET camera = 'x' WHERE row = {row}",
            "UPDATE tracklets SET camera = 1.5 WHERE row = {row}",
            "UPDATE tracklets SET video = x'ff00' WHERE row = {row}",
            "UPDATE tracklets SET video = CAST(x'ff' AS TEXT) WHERE row = {row}",
            "UPDATE tracklets SET quality = 'good' WHERE row = {row}",
            "UPDATE tracklets SET end_time = 9e18 WHERE row = {row}",
            "UPDATE tracklets SET added = 9223372036854775807 WHERE row = {row}",
        ),
        _statement(
            "another tracklet than the id says",
            "UPDATE tracklets SET id = 'x' WHERE row = {row}",
            "UPDATE tracklets SET first_frame = 999999 WHERE row = {row}",
        ),
        _statement(
            "a feature that is another",
            "DELETE FROM features WHERE row = {row}",
            "UPDATE features SET feature = zeroblob(32) WHERE row = {row}",
            "UPDATE features SET feature = x'00' WHERE row = {row}",
            "UPDATE features SET feature = 'text' WHERE row = {row}",
            "UPDATE features SET checksum = 5 WHERE row = {row}",
            "INSERT INTO features VALUES (99, 0, x'00')",
        ),
    )
    edits: ClassVar[Sequence[Change]] = (not_a_file(".sqlite"),)

    def make(self, rng: random.Random) -> Any:
        """Draw tracklets."""
        records = []
        for number in range(rng.randint(1, 5)):
            start = rng.choice((None, rng.randint(0, 2**31) * _SECOND))
            records.append(
                {
                    "feature": _unit(rng),
                    "camera": rng.choice((None, 0, 3)),
                    "video": rng.choice(("", "a.mp4")),
                    "track": number,
                    "first_frame": rng.choice((None, rng.randint(0, 10**6))),
                    "start": start,
                    "end": start and start + rng.randint(0, 99) * _SECOND,
                    "quality": rng.choice((None, 0.5)),
                    "pid": rng.choice((None, -1, 0, 7)),
                    "name": f"n{number}",
                }
            )
        return {"records": records, "statements": []}

    def render(self, rng: random.Random, content: Any) -> Files:
        """Make the gallery and let the other program at it."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "g"
            with Gallery(folder) as gallery:
                records = [TrackletRecord(**record) for record in content["records"]]
                gallery.add(RecordSet(records, _MODEL))
            if content["statements"]:
                database = folder / "gallery.sqlite"
                with closing(sqlite3.connect(database, isolation_level=None)) as connection:
                    for statement in content["statements"]:
                        connection.execute(statement)
            if rng.random() < 0.3:
                shutil.rmtree(folder / "exact")  # it can be made again
            return {
                str(path.relative_to(temporary)): path.read_bytes()
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            }

    def meaning(self, content: Any) -> Any:
        """Return the tracklets."""
        keys = ("camera", "video", "track", "first_frame", "quality", "pid", "name")
        return [
            {key: record[key] for key in keys} | {"feature": record["feature"].tolist()}
            for record in content["records"]
        ]

    def read(self, folder: Path) -> Any:
        """Look at all of it and search it."""
        with Gallery(folder / "g") as gallery:
            tracklets = list(gallery.list())
            features = gallery.features([tracklet.id for tracklet in tracklets])
            if len(features):
                (result,) = gallery.search(features[0], 3)
                assert result.num_searched == len(features), "not all are searched"
            health = gallery.verify()
            if not health.is_healthy:
                raise ValueError(health.faults[0])
        keys = ("camera", "video", "track", "first_frame", "quality", "pid", "name")
        return [
            {key: getattr(tracklet, key) for key in keys} | {"feature": feature.tolist()}
            for tracklet, feature in zip(tracklets, features, strict=True)
        ]

    def check(self, meaning: Any) -> None:
        """Assert that features are unit vectors."""
        for tracklet in meaning:
            length = float(np.linalg.norm(np.array(tracklet["feature"])))
            assert abs(length - 1) < 0.01, f"a feature of length {length}"

    def is_named(self, message: str, folder: Path, case: Any) -> bool:
        """Return whether the gallery is named."""
        return str(folder / "g") in message


def _changed(name: str, column: str, *values: Any) -> Change:
    def apply(rng: random.Random, content: Any) -> None:
        value = rng.choice(values)
        if value is None:
            del content[column]
        else:
            content[column] = np.array([value] * len(content["pids"]))

    return Change(name, Effect.REFUSED, apply)


def _not_unit(rng: random.Random, content: Any) -> None:
    row = rng.randrange(len(content["features"]))
    content["features"][row] *= np.float32(rng.choice((0, 0.9, 2, np.nan, np.inf)))


def _other_shape(rng: random.Random, content: Any) -> None:
    features = content["features"]
    content["features"] = rng.choice((features[:0], features[0], features[None], features > 0))


def _backwards(rng: random.Random, content: Any) -> None:
    content["starts"][:] = "2024-05-31T12:00:00Z"
    content["times"] = content["times"][:, ::-1].copy()
    if (np.diff(content["times"], axis=1) >= 0).all():
        raise DoesNotApplyError


class GalleryFeatures(Kind):
    """``features.npz`` of tools/extract_features.py, on its way into a gallery."""

    name = "gallery-features"
    damage = Effect.SAME_OR_REFUSED
    changes: ClassVar[Sequence[Change]] = (
        Change("a feature that is no unit vector", Effect.REFUSED, _not_unit),
        Change("features of another shape", Effect.REFUSED, _other_shape),
        Change("an end before the beginning", Effect.REFUSED, _backwards),
        _changed("no tracks", "tracks", None, "a", 1.5, True, [1, 2]),
        _changed("no names", "names", None, 5, ["a", "b"]),
        _changed("no times", "times", None, 5.0, [np.inf, np.inf], [1, 2]),
        _changed("no moments", "starts", "now", "2024-05-31", "2024-05-31T12:00:00", 5),
        _changed("a camera that is none", "camids", -1, "1", 1.0),
        _changed("crops elsewhere", "frame_paths", "/etc/passwd", "../x.jpg", "a/../../x.jpg"),
        Change("no model", Effect.REFUSED, lambda _, c: c.update(model=np.array(""))),
    )
    edits: ClassVar[Sequence[Change]] = (
        not_a_file(".npz"),
        *lying_npz(".npz", ("features", "tracks", "times")),
    )

    def make(self, rng: random.Random) -> Any:
        """Draw the arrays of a file."""
        count = rng.randint(1, 4)
        begin = np.array([float(rng.randint(0, 99)) for _ in range(count)])
        return {
            "features": np.stack([_unit(rng) for _ in range(count)]),
            "pids": np.array([rng.randint(0, 5) for _ in range(count)]),
            "known_pids": np.array([rng.random() < 0.5 for _ in range(count)]),
            "camids": np.array([rng.randint(0, 5) for _ in range(count)]),
            "known_cameras": np.ones(count, dtype=bool),
            "videos": np.array([rng.choice(("", "a.mp4")) for _ in range(count)]),
            "tracks": np.arange(count) - rng.choice((0, 1)),
            "frame_ranges": np.array([[n, n + 5] for n in range(count)]),
            "times": np.stack([begin, begin + rng.randint(0, 9)], axis=1),
            "starts": np.array([rng.choice(("", "2024-05-31T12:00:00Z"))] * count, dtype="U20"),
            "num_frames": np.full(count, 6),
            "qualities": np.array([rng.choice((0.5, np.nan)) for _ in range(count)]),
            "norms": np.full(count, 3.0, np.float32),
            "names": np.array([f"n{n}" for n in range(count)]),
            "frame_paths": np.array([f"crops/{n}.jpg" for n in range(count)]),
            "model": np.array(_MODEL),
        }

    def render(self, rng: random.Random, content: Any) -> Files:
        """Write the file."""
        return {"features.npz": to_npz(rng, content)}

    def meaning(self, content: Any) -> Any:
        """Return what must be read of each row."""
        return [
            {
                "feature": content["features"][row].tolist(),
                "camera": int(content["camids"][row]),
                "video": str(content["videos"][row]),
                "track": None if content["tracks"][row] == -1 else int(content["tracks"][row]),
                "pid": int(content["pids"][row]) if content["known_pids"][row] else None,
                "crop": str(content["frame_paths"][row]),
            }
            for row in range(len(content["features"]))
        ]

    def read(self, folder: Path) -> Any:
        """Read the file."""
        found = read_records(folder / "features.npz", folder)
        keys = ("camera", "video", "track", "pid", "crop")
        return [
            {"feature": record.feature.tolist()} | {key: asdict(record)[key] for key in keys}
            for record in found
        ]
