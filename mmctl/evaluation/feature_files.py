"""Features of other projects, from the ``.npz`` and ``.mat`` files that they write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from mmctl.evaluation.tracklet_features import SPLITS, TrackletFeatures

_LABELS = ("pids", "camids")
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
            no whole numbers, or features are not finite.
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
    splits = arrays["splits"].ravel()
    unknown = sorted(set(splits.tolist()) - set(SPLITS))
    if len(splits) != len(part["pids"]) or unknown:
        raise ValueError(
            f"{path}: splits must be {SPLITS[0]!r} or {SPLITS[1]!r} for each of the "
            f"{len(part['pids'])} tracklets, got {len(splits)} entries"
            + (f", {unknown[0]!r} among them" if unknown else "")
        )
    return _make(part, splits, arrays)


def _read_part(path: Path, arrays: dict[str, np.ndarray], split: str) -> dict[str, np.ndarray]:
    """Return checked features, pids and camids of a split, or of everything for ''."""
    part = {}
    for field, short in _MAT_NAMES.items():
        # A file of one split may leave out the split's name.
        names = [name for name in (f"{split}_{field}", f"{split}_{short}", field) if name in arrays]
        if not names:
            name = f"{split}_{field}" if split else field
            raise ValueError(
                f"{path} lacks {name}, it has the arrays {sorted(arrays)}. Files may hold {_KNOWN}"
            )
        part[field] = arrays[names[0]]
    features = part["features"]
    if features.ndim != 2 or features.dtype.kind != "f" or not len(features):
        raise ValueError(
            f"{path}: {split or 'all'} features must be a matrix (tracklets, channels) of floating "
            f"point numbers, got {features.dtype} {features.shape}"
        )
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{path}: features must be finite to be ranked, row {bad[0]} of {split or 'all'} is not"
        )
    part["features"] = features.astype(np.float32)
    for field in _LABELS:
        part[field] = _read_labels(path, part[field], f"{split} {field}".strip(), len(features))
    return part


def _read_labels(path: Path, labels: np.ndarray, name: str, length: int) -> np.ndarray:
    if labels.size != length or max(labels.shape, default=0) != length:
        raise ValueError(
            f"{path}: {name} must have one entry per row of features, {length}, got "
            f"{labels.shape}; labels of frames do not fit features of tracklets"
        )
    labels = labels.ravel()
    if labels.dtype.kind not in "iuf" or (labels != np.floor(labels)).any():
        raise ValueError(f"{path}: {name} must be whole numbers, got {labels.dtype}")
    return labels.astype(np.int64)


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
