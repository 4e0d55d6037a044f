"""Features of tracklets with where they are from: ``features.npz`` and ``tracks.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.evaluation.feature_arrays import SPLITS, check_fields, check_texts
from mmctl.evaluation.tracklet_features import TrackletFeatures
from mmctl.files import open_atomically, read_npz, write_whole

FEATURES, TRACKS = "features.npz", "tracks.csv"

COLUMNS = (
    *("tracklet_id", "camera", "video", "track", "first_frame", "last_frame"),
    *("first_time", "last_time", "start", "pid", "split", "frames", "left_out", "quality", "norm"),
    *("name", "frame_path"),
)
"""Columns of ``tracks.csv``; a cell is empty where something is unknown."""

_NONE = -1
_PAIRS = ("frame_ranges", "times")
_WORDS = {"b": "truth values", "U": "texts", "i": "whole numbers", "f": "floats"}
_KINDS = {
    **dict.fromkeys(("known_pids", "known_cameras"), "b"),
    **dict.fromkeys(("own_splits", "videos", "starts", "names"), "U"),
    **dict.fromkeys(("tracks", "frame_ranges", "num_frames", "num_left_out"), "i"),
    **dict.fromkeys(("norms", "times", "qualities"), "f"),
}
_TYPES = {"norms": np.float32, "times": np.float64, "qualities": np.float64}
"""Of the columns that are not those of TrackletFeatures."""


@dataclass(frozen=True)
class TrackletTable:
    """One row for each tracklet, in the order of the inputs.

    The first six are those of :class:`~mmctl.evaluation.TrackletFeatures`, so every tool that reads
    features reads this file, too: where a person is unknown, the tracklet is a person of its own.

    Attributes:
        features: Unit vectors, (N, C), float32.
        pids: Person ids, (N,), int64; unknown ones are numbers that no other tracklet has.
        camids: Camera ids, (N,), int64; 0 where unknown.
        tracklet_ids: Numbers of the rows, (N,), int64.
        splits: ``'query'`` or ``'gallery'``, (N,); everything else is gallery here.
        frame_paths: The middle frame, (N,).
        known_pids: Whether the person is known, (N,), bool.
        known_cameras: Whether the camera is known, (N,), bool.
        own_splits: What the data set says, (N,): also ``'train'``, '' where nothing.
        norms: Lengths of the features before they became unit vectors, (N,), float32.
        videos: Name of the video, (N,), '' where unknown.
        tracks: Number of the track, (N,), int64, -1 where unknown.
        frame_ranges: First and last frame in the video, from 0, (N, 2), int64, -1 where unknown.
        times: Seconds of these since the video's start, (N, 2), NaN where unknown.
        starts: When the first frame was taken, ISO 8601 in UTC, (N,), '' where unknown.
        num_frames: Frames that are used, (N,), int64.
        num_left_out: Frames that were left out for their quality, (N,), int64.
        qualities: Mean quality of the frames that are used, (N,), NaN where unknown.
        names: What each tracklet is called, (N,).
    """

    features: npt.NDArray[np.float32]
    pids: npt.NDArray[np.int64]
    camids: npt.NDArray[np.int64]
    tracklet_ids: npt.NDArray[np.int64]
    splits: npt.NDArray[np.str_]
    frame_paths: npt.NDArray[np.str_]
    known_pids: npt.NDArray[np.bool_]
    known_cameras: npt.NDArray[np.bool_]
    own_splits: npt.NDArray[np.str_]
    norms: npt.NDArray[np.float32]
    videos: npt.NDArray[np.str_]
    tracks: npt.NDArray[np.int64]
    frame_ranges: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    starts: npt.NDArray[np.str_]
    num_frames: npt.NDArray[np.int64]
    num_left_out: npt.NDArray[np.int64]
    qualities: npt.NDArray[np.float64]
    names: npt.NDArray[np.str_]

    @classmethod
    def from_predictions(cls, predictions: Sequence[Mapping[str, Any]]) -> TrackletTable:
        """Return the table of an inferencer's predictions.

        Args:
            predictions: The dicts that ``TrackletInferencer`` gives, at least one.
        """

        def column(key: str, missing: Any, kind: Any) -> npt.NDArray[Any]:
            found = [prediction.get(key) for prediction in predictions]
            return np.array([missing if value is None else value for value in found], dtype=kind)

        known = column("pid", _NONE, np.int64)
        has_pid = np.array([p.get("pid") is not None for p in predictions])
        own = column("split", "", np.str_)
        return cls(
            np.stack([prediction["feature"] for prediction in predictions]),
            number_unknown(known, has_pid),
            column("camera", 0, np.int64),
            np.arange(len(predictions)),
            np.where(own == SPLITS[0], SPLITS[0], SPLITS[1]),
            column("frame_path", "", np.str_),
            has_pid,
            np.array([p.get("camera") is not None for p in predictions]),
            own,
            column("feature_norm", np.nan, np.float32),
            column("video", "", np.str_),
            column("track", _NONE, np.int64),
            np.stack([column(f"{end}_frame", _NONE, np.int64) for end in ("first", "last")], 1),
            np.stack([column(f"{end}_time", np.nan, np.float64) for end in ("first", "last")], 1),
            column("start", "", np.str_),
            column("num_frames", 0, np.int64),
            np.array([sum((p.get("dropped") or {}).values()) for p in predictions], np.int64),
            column("quality", np.nan, np.float64),
            column("name", "", np.str_),
        )

    @classmethod
    def join(cls, tables: Sequence[TrackletTable]) -> TrackletTable:
        """Return the rows of several tables, numbered anew; at least one table."""
        arrays = {
            field.name: np.concatenate([getattr(table, field.name) for table in tables])
            for field in fields(cls)
        }
        arrays["pids"] = number_unknown(arrays["pids"], arrays["known_pids"])
        arrays["tracklet_ids"] = np.arange(len(arrays["pids"]))
        return cls(**arrays)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return all columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def save(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """Write ``tracks.csv`` and then ``features.npz``, each whole or not at all.

        Args:
            folder: Where they go; it is made.
            settings: More texts for the ``.npz`` file, by name.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # Never an old table of features beside a new list.
        (folder / FEATURES).unlink(missing_ok=True)
        write_whole(folder / TRACKS, self.to_csv().encode("utf-8", "surrogateescape"))
        arrays: dict[str, Any] = dict(self.arrays())
        arrays |= {name: np.array(value) for name, value in (settings or {}).items()}
        with open_atomically(folder / FEATURES, "wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> TrackletTable:
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is none of ours.
        """
        names = [field.name for field in fields(cls)]
        arrays = read_npz(path, "feature file", names)
        for name in names:
            if name not in arrays:
                raise ValueError(
                    f"{path} must be a table of tracklets as tools/extract_features.py writes it, "
                    f"but it lacks {name}"
                )
        shared = {field.name: field.name for field in fields(TrackletFeatures)}
        checked = check_fields(arrays, shared, str(path))
        rows = len(checked["features"])
        others = {
            name: _check_column(arrays[name], name, rows, f"{path}: {name}")
            for name in names
            if name not in shared
        }
        return cls(**checked, **others)

    def to_csv(self) -> str:
        """Return the text of ``tracks.csv``."""
        buffer = io.StringIO()
        table = csv.writer(buffer, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in range(len(self.pids)):
            table.writerow(self._cells(row))
        return buffer.getvalue()

    def _cells(self, row: int) -> list[Any]:
        def number(value: Any) -> Any:
            return "" if value == _NONE else value

        def real(value: float, digits: int) -> str:
            return "" if np.isnan(value) else f"{value:.{digits}f}"

        return [
            self.tracklet_ids[row],
            self.camids[row] if self.known_cameras[row] else "",
            self.videos[row],
            number(self.tracks[row]),
            *map(number, self.frame_ranges[row].tolist()),
            *(real(time, 3) for time in self.times[row].tolist()),
            self.starts[row],
            self.pids[row] if self.known_pids[row] else "",
            self.own_splits[row],
            self.num_frames[row],
            self.num_left_out[row],
            real(float(self.qualities[row]), 4),
            f"{self.norms[row]:.6g}",
            self.names[row],
            self.frame_paths[row],
        ]


def _check_column(values: npt.NDArray[Any], name: str, rows: int, place: str) -> npt.NDArray[Any]:
    """Return a column of a file, of the type that it has in the table."""
    kind, wanted = _KINDS[name], (rows, 2) if name in _PAIRS else (rows,)
    if values.dtype.kind != kind or values.shape != wanted:
        raise ValueError(
            f"{place} must be {_WORDS[kind]} {wanted}, got {values.dtype} {values.shape}"
        )
    if kind == "U":
        return check_texts(values, place)
    return values.astype(_TYPES.get(name, values.dtype.newbyteorder("=")))


def number_unknown(
    pids: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Make each unknown person one of its own, beyond all that are known.

    Args:
        pids: Person ids, (N,); what stands where they are unknown does not matter.
        known: Whether each is known, (N,).
    """
    first = max(0, int(pids[known].max(initial=0))) + 1
    return np.where(known, pids, first + np.cumsum(~known) - 1)
