"""Features of other projects, from the ``.npz`` and ``.mat`` files that they write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmctl.evaluation.feature_arrays import SPLITS, Arrays, check_fields
from mmctl.evaluation.tracklet_features import TrackletFeatures
from mmctl.files import read_mat, read_npz

_SHORT_NAMES = {"features": "f", "pids": "label", "camids": "cam"}
_OPTIONAL = ("tracklet_ids", "frame_paths")
_KNOWN_LABELS = ("known_pids", "known_cameras")
_NAMES = (
    *(f"{split}_{name}" for split in SPLITS for pair in _SHORT_NAMES.items() for name in pair),
    *_SHORT_NAMES,
    *("splits", *_OPTIONAL, *_KNOWN_LABELS),
)
"""The arrays that are read; a file may hold others."""

_KNOWN = (
    "features, pids and camids with splits ('query' or 'gallery') or, in two files, of queries and "
    "gallery; query_features, query_pids, query_camids, gallery_features ...; or query_f, "
    "query_label, query_cam, gallery_f ..."
)


def read_features(path: str | Path, gallery: str | Path | None = None) -> TrackletFeatures:
    """Read features with their labels: our own files and those described in docs/en/protocols.md.

    A gallery array that holds the queries as well (equal feature, pid and camid) has them taken
    out, because the protocol says whether they are in the gallery.

    Args:
        path: ``.npz`` or ``.mat`` file: all tracklets, or the queries if ``gallery`` is given.
        gallery: ``.npz`` or ``.mat`` file of the gallery alone.

    Returns:
        The tracklets, queries first where query and gallery were apart; without ids (-1) and paths
        ('') where the file has none.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is unreadable or lacks an array, lengths or widths differ, labels are
            no whole numbers or too low, features are not finite or so large that their squares
            overflow float32, or an array is sparse.
    """
    return _make(_read_fields(Path(path), gallery))


@dataclass(frozen=True)
class KnownFeatures:
    """Features, and which of their labels somebody knows.

    Attributes:
        tracklets: The features with their labels.
        known_pids: Whether the person is known, (N,); all are where the file does not say.
        known_cameras: Whether the camera is known, (N,), likewise.
    """

    tracklets: TrackletFeatures
    known_pids: NDArray[np.bool_]
    known_cameras: NDArray[np.bool_]


def read_known_features(path: str | Path, gallery: str | Path | None = None) -> KnownFeatures:
    """Read what :func:`read_features` reads, and which persons and cameras are known.

    ``tools/extract_features.py`` writes both: there an unknown person is one of its own, and an
    unknown camera is camera 0.

    Args:
        path: As for :func:`read_features`.
        gallery: As for :func:`read_features`.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: As :func:`read_features`, and if what is known is no row of truth values.
    """
    fields = _read_fields(Path(path), gallery)
    return KnownFeatures(_make(fields), *(fields[name] for name in _KNOWN_LABELS))


def _read_fields(path: Path, gallery: str | Path | None) -> Arrays:
    arrays = _read_arrays(path)
    if gallery is not None:
        halves = [
            _read_split(path, arrays, "query"),
            _read_split(Path(gallery), _read_arrays(Path(gallery)), "gallery"),
        ]
        return _join(halves, f"{path} and {gallery}")
    for split in SPLITS:
        if any(name.startswith(f"{split}_") for name in arrays):
            return _join([_read_split(path, arrays, split) for split in SPLITS], str(path))
    if "splits" not in arrays:
        raise ValueError(f"{path} must say which tracklets are queries, {_describe(arrays)}")
    return _read_split(path, arrays, "")


def _read_arrays(path: Path) -> Arrays:
    readers = {".npz": read_npz, ".mat": read_mat}
    if path.suffix not in readers:
        raise ValueError(f"a feature file must end in .npz or .mat, got {path}")
    return readers[path.suffix](path, "feature file", _NAMES)


def _read_split(path: Path, arrays: Arrays, split: str) -> Arrays:
    """Return checked features, pids and camids of a split, or of everything for ''."""
    names = {}
    for field, short in _SHORT_NAMES.items():
        # A file of one split may leave out the split's name.
        known = [name for name in (f"{split}_{field}", f"{split}_{short}", field) if name in arrays]
        if not known:
            name = f"{split}_{field}" if split else field
            raise ValueError(f"{path} lacks {name}, {_describe(arrays)}")
        names[field] = known[0]
    if not split:
        names |= {name: name for name in ("splits", *_OPTIONAL) if name in arrays}
    checked = check_fields(arrays, names, str(path))
    return checked | _read_known(arrays, len(checked["features"]), path)


def _read_known(arrays: Arrays, count: int, path: Path) -> Arrays:
    """Return which persons and cameras are known, (N,) each."""
    known = {name: arrays.get(name, np.ones(count, dtype=bool)) for name in _KNOWN_LABELS}
    for name, values in known.items():
        if values.dtype != bool or values.shape != (count,):
            raise ValueError(
                f"{path}: {name} must be truth values ({count},), got {values.dtype} {values.shape}"
            )
    return known


def _describe(arrays: Arrays) -> str:
    return f"it has the arrays {sorted(arrays)} of those that are read: {_KNOWN}"


def _join(halves: list[Arrays], name: str) -> Arrays:
    widths = [half["features"].shape[1] for half in halves]
    if widths[0] != widths[1]:
        raise ValueError(f"{name}: query and gallery must have features of one width, got {widths}")
    query, gallery = halves
    own = set(_keys(query))
    others = np.array([key not in own for key in _keys(gallery)])
    gallery = {field: values[others] for field, values in gallery.items()}
    joined = {field: np.concatenate([query[field], gallery[field]]) for field in query}
    counts = (len(query["pids"]), len(gallery["pids"]))
    return joined | {"splits": np.repeat(np.array(SPLITS), counts)}


def _keys(half: Arrays) -> Iterator[tuple[bytes, int, int]]:
    rows = zip(half["features"], half["pids"].tolist(), half["camids"].tolist(), strict=True)
    return ((feature.tobytes(), pid, camid) for feature, pid, camid in rows)


def _make(fields: Arrays) -> TrackletFeatures:
    count = len(fields["pids"])
    unknown = {"tracklet_ids": np.full(count, -1), "frame_paths": np.full(count, "")}
    read = {name: values for name, values in fields.items() if name not in _KNOWN_LABELS}
    return TrackletFeatures(**(unknown | read))
