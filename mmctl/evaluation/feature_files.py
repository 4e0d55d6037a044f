"""Features of other projects, from the ``.npz`` and ``.mat`` files that they write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from mmctl.evaluation.tracklet_features import SPLITS, TrackletFeatures
from mmctl.functional.distance import check_norms

_LOWEST = {
    "pids": (-1, "-1 is junk and 0 a distractor"),
    "camids": (0, "it is a camera's number"),
    "tracklet_ids": (-1, "-1 is an unknown one"),
}
"""The lowest value of each label, and why."""

_MAT_NAMES = {"features": "f", "pids": "label", "camids": "cam"}
_UNREADABLE = (
    *(ValueError, OSError, EOFError, TypeError, NotImplementedError),
    *(BadZipFile, MatReadError),
)
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
        The tracklets, queries first where query and gallery were apart; numbered in this order
        where the file has no ``tracklet_ids``.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a file is unreadable or lacks an array, lengths or widths differ, labels are
            no whole numbers or too low, features are not finite or so large that their squares
            overflow float32, or an array is sparse.
    """
    path = Path(path)
    arrays = _read_arrays(path)
    if gallery is not None:
        parts = [
            _read_part(path, arrays, "query"),
            _read_part(Path(gallery), _read_arrays(Path(gallery)), "gallery"),
        ]
        return _join(parts, f"{path} and {gallery}")
    for split in SPLITS:
        if any(name.startswith(f"{split}_") for name in arrays):
            return _join([_read_part(path, arrays, split) for split in SPLITS], str(path))
    return _read_whole(path, arrays)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise FileNotFoundError(f"feature file {path} does not exist")
    if path.suffix not in (".npz", ".mat"):
        raise ValueError(f"a feature file must end in .npz or .mat, got {path}")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        content = loadmat(path)
        return {name: value for name, value in content.items() if not name.startswith("__")}
    except _UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as a feature file: {error}") from error


def _read_whole(path: Path, arrays: dict[str, np.ndarray]) -> TrackletFeatures:
    """Read one array of all tracklets with their splits."""
    if "splits" not in arrays:
        raise ValueError(
            f"{path} must say which tracklets are queries, got the arrays {sorted(arrays)}. Files "
            f"may hold {_KNOWN}"
        )
    part = _read_part(path, arrays, "")
    count = len(part["pids"])
    splits = _read_texts(path, arrays, "splits", count)
    unknown = sorted(set(splits.tolist()) - set(SPLITS))
    if unknown:
        raise ValueError(
            f"{path}: splits must be {SPLITS[0]!r} or {SPLITS[1]!r} for each of the {count} "
            f"tracklets, got {unknown[0]!r} among them"
        )
    extra = {}
    if "tracklet_ids" in arrays:
        extra["tracklet_ids"] = _read_labels(path, arrays, "tracklet_ids", "tracklet_ids", count)
    if "frame_paths" in arrays:
        extra["frame_paths"] = _read_texts(path, arrays, "frame_paths", count)
    return _make(part, splits, extra)


def _read_part(path: Path, arrays: dict[str, np.ndarray], split: str) -> dict[str, np.ndarray]:
    """Return checked features, pids and camids of a split, or of everything for ''."""
    names = {}
    for field, short in _MAT_NAMES.items():
        # A file of one split may leave out the split's name.
        known = [name for name in (f"{split}_{field}", f"{split}_{short}", field) if name in arrays]
        if not known:
            name = f"{split}_{field}" if split else field
            raise ValueError(
                f"{path} lacks {name}, it has the arrays {sorted(arrays)}. Files may hold {_KNOWN}"
            )
        names[field] = known[0]
    features = _read_matrix(path, arrays, names["features"])
    return {"features": features} | {
        field: _read_labels(path, arrays, names[field], field, len(features))
        for field in ("pids", "camids")
    }


def _take(path: Path, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    values = arrays[name]
    # SciPy reads a sparse matrix as an object of its own.
    if not isinstance(values, np.ndarray):
        raise ValueError(
            f"{path}: {name} must be a full array, because no entry may be left out, got "
            f"{type(values).__name__}; write full({name}) in MATLAB"
        )
    return values


def _read_matrix(path: Path, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    values = _take(path, arrays, name)
    if values.ndim != 2 or values.dtype.kind != "f" or not values.size:
        raise ValueError(
            f"{path}: {name} must be a matrix (tracklets, channels) of floating point numbers, at "
            f"least one of each, got {values.dtype} {values.shape}"
        )
    # PyTorch knows neither another machine's byte order nor wider numbers.
    with np.errstate(over="ignore"):
        native = values.astype(np.float32 if values.itemsize <= 4 else np.float64, copy=False)
    check_norms(torch.from_numpy(native), f"{path}: {name}")
    return native.astype(np.float32, copy=False)


def _read_labels(
    path: Path, arrays: dict[str, np.ndarray], name: str, field: str, length: int
) -> np.ndarray:
    labels = _take(path, arrays, name)
    _check_length(path, labels, name, length)
    labels = labels.ravel()
    if labels.dtype.kind not in "iuf":
        raise ValueError(f"{path}: {name} must be whole numbers, got {labels.dtype}")
    lowest, reason = _LOWEST[field]
    wrong = np.flatnonzero(~_are_labels(labels, lowest))
    if len(wrong):
        raise ValueError(
            f"{path}: {name} must be whole numbers, {lowest} or more and below 2**63 ({reason}), "
            f"got {labels[wrong[0]]} in row {wrong[0]}"
        )
    return labels.astype(np.int64)


def _are_labels(labels: np.ndarray, lowest: int) -> np.ndarray:
    if labels.dtype.kind == "f":
        labels = labels.astype(np.float64)
        # The largest int64 itself is no float: the next one is 2**63.
        return (labels == np.floor(labels)) & (labels >= lowest) & (labels < 2.0**63)
    return (labels >= lowest) & (labels <= np.iinfo(np.int64).max)


def _read_texts(path: Path, arrays: dict[str, np.ndarray], name: str, length: int) -> np.ndarray:
    texts = _take(path, arrays, name)
    _check_length(path, texts, name, length)
    if texts.dtype.kind != "U":
        raise ValueError(f"{path}: {name} must be text for each tracklet, got {texts.dtype}")
    return texts.ravel()


def _check_length(path: Path, values: np.ndarray, name: str, length: int) -> None:
    if values.size != length or max(values.shape, default=0) != length:
        raise ValueError(
            f"{path}: {name} must have one entry per row of features, {length}, got "
            f"{values.shape}; labels of frames do not fit features of tracklets"
        )


def _join(parts: list[dict[str, np.ndarray]], name: str) -> TrackletFeatures:
    widths = [part["features"].shape[1] for part in parts]
    if widths[0] != widths[1]:
        raise ValueError(f"{name}: query and gallery must have features of one width, got {widths}")
    query, gallery = parts
    own = set(_keys(query))
    others = np.array([key not in own for key in _keys(gallery)])
    gallery = {field: values[others] for field, values in gallery.items()}
    joined = {field: np.concatenate([query[field], gallery[field]]) for field in query}
    counts = (len(query["pids"]), len(gallery["pids"]))
    return _make(joined, np.repeat(np.array(SPLITS), counts), {})


def _keys(part: dict[str, np.ndarray]) -> Iterator[tuple[bytes, int, int]]:
    rows = zip(part["features"], part["pids"].tolist(), part["camids"].tolist(), strict=True)
    return ((feature.tobytes(), pid, camid) for feature, pid, camid in rows)


def _make(
    part: dict[str, np.ndarray], splits: np.ndarray, extra: dict[str, np.ndarray]
) -> TrackletFeatures:
    count = len(part["pids"])
    return TrackletFeatures(
        **part,
        tracklet_ids=extra.get("tracklet_ids", np.arange(count)),
        splits=splits.astype(str),
        frame_paths=extra.get("frame_paths", np.full(count, "")),
    )
