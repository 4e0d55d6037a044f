"""What the arrays of a feature file must be, whoever wrote it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SPLITS = ("query", "gallery")

Arrays = dict[str, NDArray[Any]]

_LAST_CHARACTER = 0x10FFFF

_LOWEST = {
    "pids": (-1, "-1 is junk and 0 a distractor"),
    "camids": (0, "it is a camera's number"),
    "tracklet_ids": (-1, "-1 is an unknown one"),
}
"""The lowest value of each label, and why."""


def check_fields(arrays: Arrays, names: dict[str, str], place: str) -> Arrays:
    """Check some arrays of a file, as the fields of TrackletFeatures that they are.

    Args:
        arrays: The arrays by their names in the file.
        names: Name in the file of each field, ``features`` first.
        place: The file, for the message.

    Returns:
        The arrays by field: features as float32, labels as int64, texts; (N, C) and (N,).

    Raises:
        ValueError: If one is no such array, or has another length than the features.
    """
    features = _check_matrix(arrays[names["features"]], f"{place}: {names['features']}")
    checked: Arrays = {"features": features}
    for field, name in names.items():
        if field != "features":
            values, said = arrays[name], f"{place}: {name}"
            _check_length(values, said, len(features))
            checked[field] = (
                _check_labels(values.ravel(), said, *_LOWEST[field])
                if field in _LOWEST
                else check_texts(values.ravel(), said)
            )
    if "splits" in checked:
        _check_splits(checked["splits"], f"{place}: {names['splits']}")
    return checked


def check_texts(values: NDArray[Any], place: str) -> NDArray[np.str_]:
    """Return an array of texts whose characters are some.

    Args:
        values: An array of a file.
        place: File and array, for the message.

    Raises:
        ValueError: If it is none.
    """
    if values.dtype.kind != "U":
        raise ValueError(f"{place} must be text for each tracklet, got {values.dtype}")
    numbers = np.frombuffer(values.astype(values.dtype.newbyteorder("=")).tobytes(), np.uint32)
    if (numbers > _LAST_CHARACTER).any():
        raise ValueError(
            f"{place} must be text for each tracklet, got {numbers.max():#x} in it, which is no "
            "character"
        )
    return values


def _check_splits(splits: NDArray[np.str_], place: str) -> None:
    unknown = sorted(set(splits.tolist()) - set(SPLITS))
    if unknown:
        raise ValueError(
            f"{place} must be {SPLITS[0]!r} or {SPLITS[1]!r} for each of the {len(splits)} "
            f"tracklets, got {unknown[0]!r} among them"
        )


def _check_matrix(values: NDArray[Any], place: str) -> NDArray[np.float32]:
    if values.ndim != 2 or values.dtype.kind != "f" or not values.size:
        raise ValueError(
            f"{place} must be a matrix (tracklets, channels) of floating point numbers, at "
            f"least one of each, got {values.dtype} {values.shape}"
        )
    # PyTorch knows neither another machine's byte order nor wider numbers.
    with np.errstate(over="ignore"):
        native = values.astype(np.float32 if values.itemsize <= 4 else np.float64, copy=False)
    _check_norms(native, place)
    return native.astype(np.float32, copy=False)


def _check_norms(features: NDArray[Any], place: str) -> None:
    """Refuse what :func:`~mmctl.functional.distance.check_norms` refuses."""
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.sqrt(np.einsum("nc,nc->n", features, features, dtype=np.float64))
    if not (norms <= np.sqrt(np.finfo(np.float32).max) / 4).all():
        # Reading good files does not wait for torch.
        import torch

        from mmctl.functional.distance import check_norms

        check_norms(torch.from_numpy(features), place)


def _check_labels(labels: NDArray[Any], place: str, lowest: int, reason: str) -> NDArray[np.int64]:
    if labels.dtype.kind not in "iuf":
        raise ValueError(f"{place} must be whole numbers, got {labels.dtype}")
    wrong = np.flatnonzero(~_are_labels(labels, lowest))
    if len(wrong):
        raise ValueError(
            f"{place} must be whole numbers, {lowest} or more and below 2**63 ({reason}), "
            f"got {labels[wrong[0]]} in row {wrong[0]}"
        )
    return labels.astype(np.int64)


def _are_labels(labels: NDArray[Any], lowest: int) -> NDArray[np.bool_]:
    if labels.dtype.kind == "f":
        labels = labels.astype(np.float64)
        # The largest int64 itself is no float: the next one is 2**63.
        return (labels == np.floor(labels)) & (labels >= lowest) & (labels < 2.0**63)
    return (labels >= lowest) & (labels <= np.iinfo(np.int64).max)


def _check_length(values: NDArray[Any], place: str, length: int) -> None:
    if values.size != length or max(values.shape, default=0) != length:
        raise ValueError(
            f"{place} must have one entry per row of features, {length}, got "
            f"{values.shape}; labels of frames do not fit features of tracklets"
        )
