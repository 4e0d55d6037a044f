"""Which lines of a track file are persons: flags of ground truth, classes, confidences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

PEDESTRIAN = 1
"""A walking person among the classes of the MOT Challenge, which count from 1."""

NO_CONFIDENCE = -1.0

_SHOWN = 6
"""Classes that a message names."""

Column = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def keep_persons(
    path: Path,
    table: Mapping[str, Column],
    has_header: bool,
    classes: Sequence[int] | None,
) -> tuple[Mask, Column, Counter[str]]:
    """Return which boxes of a file are persons, their confidences, and what is left out and why.

    Ground truth has a flag in the place of the confidence: 0 marks what an evaluation ignores, as
    cars, reflections and people on posters, of which a tracklet must not be made.

    Args:
        path: The file, for messages.
        table: Its columns, (n,) each.
        has_header: Whether a header names the columns.
        classes: The classes that are persons; None to find out.

    Raises:
        ValueError: If there are several classes and nothing says which are persons, or
            ``classes`` are given and there is no such column.
    """
    left_out: Counter[str] = Counter()
    confidences = table.get("conf", np.ones(len(table["frame"])))
    keep = np.ones(len(confidences), dtype=bool)
    if _is_flag(confidences):
        keep = confidences > 0
        left_out["flagged 0 (ignored) in the confidence column"] = int((~keep).sum())
    labels = table.get("class")
    if labels is not None and (has_header or _is_class(labels)):
        if classes is None and _is_ground_truth(table):
            classes = (PEDESTRIAN,)
        keep = _keep_classes(path, labels, keep, classes, left_out)
    elif classes is not None:
        raise ValueError(f"{path}: --classes needs a class in column 8 or under a header, got none")
    if not keep.any():
        reasons = ", ".join(f"{number:,} {why}" for why, number in left_out.items())
        raise ValueError(f"{path} must have a box of a person, got none: {reasons}")
    if not (confidences[confidences != NO_CONFIDENCE] < 0).any():
        confidences = np.where(confidences == NO_CONFIDENCE, 1.0, confidences)
    return keep, confidences, left_out


def _keep_classes(
    path: Path,
    labels: Column,
    keep: Mask,
    classes: Sequence[int] | None,
    left_out: Counter[str],
) -> Mask:
    found = np.unique(labels[keep])
    if classes is None and len(found) > 1:
        names = ", ".join(f"{label:g}" for label in found[:_SHOWN])
        raise ValueError(
            f"{path}: the class column must have one class, or --classes must say which are "
            f"persons, because others would become persons, got {len(found)} classes: {names}"
        )
    wanted = found if classes is None else np.array(classes)
    other = keep & ~np.isin(labels, wanted)
    named = " or ".join(f"{label:g}" for label in wanted)
    left_out[f"of another class than {named}"] = int(other.sum())
    return keep & ~other


def _is_flag(confidences: Column) -> bool:
    """Return whether the column says yes and no: a tracker that is never unsure has no zeros."""
    return bool(np.isin(confidences, (0, 1)).all() and (confidences == 0).any())


def _is_class(labels: Column) -> bool:
    """Return whether numbers count classes; in tracks they are -1, or a place in the world."""
    return bool((labels == np.floor(labels)).all() and labels.min() >= -1 and labels.max() >= 0)


def _is_ground_truth(table: Mapping[str, Column]) -> bool:
    """Return whether a flag, a class from 1 and a visible share stand where MOT16 and later do."""
    if not {"conf", "class", "visibility"} <= set(table):
        return False
    visible = table["visibility"]
    return bool(
        np.isin(table["conf"], (0, 1)).all()
        and table["class"].min() >= PEDESTRIAN
        and visible.min() >= 0
        and visible.max() <= 1
    )
