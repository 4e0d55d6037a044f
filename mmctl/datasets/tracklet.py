"""One row of a data set, and what every row must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

SPLITS: dict[str, tuple[str | None, ...]] = {
    "train": ("train",),
    "test": ("query", "gallery"),
    "all": ("train", "query", "gallery", None),
}
"""The splits of tracklets that each split of a data set has; None is that of unlabelled ones."""


@dataclass
class Tracklet:
    """One row of a data set before it is numbered.

    Attributes:
        pid: Person id; -1 marks junk, 0 a distractor. None: unlabelled.
        camid: Camera id.
        split: ``'train'``, ``'query'`` or ``'gallery'``. None: unlabelled.
        frame_paths: Paths of the frames in time order.
        keypoint_rows: Row of each frame in the keypoint array, (S,), where there is one.
        origins: What is known of :data:`~mmctl.datasets.listings.frame_origins.ORIGIN_KEYS`.
    """

    pid: int | None
    camid: int
    split: str | None
    frame_paths: list[str]
    keypoint_rows: npt.NDArray[np.int64] | None = None
    origins: dict[str, Any] = field(default_factory=dict)


def check_tracklets(
    owner: str, made: Any, split: str, has_rows: bool
) -> tuple[list[Tracklet], int | None]:
    """Check what the ``read_tracklets`` of a data set returned.

    Args:
        owner: Class of the data set.
        made: What it returned.
        split: ``'train'``, ``'test'`` or ``'all'``.
        has_rows: Whether there is a stored array, whose rows every tracklet must name.

    Returns:
        The tracklets and the number of rows of the array.

    Raises:
        TypeError: If it is no list of tracklets with a number or ``None``.
        ValueError: If a tracklet breaks a rule; its place in the list is named.
    """
    is_pair = isinstance(made, tuple) and len(made) == 2 and isinstance(made[0], Sequence)
    if not is_pair or not (made[1] is None or _is_integer(made[1])):
        raise TypeError(
            f"{owner}.read_tracklets must return a list of Tracklet and the number of frames of "
            f"all splits, or None where it is not known, got {made!r:.80}"
        )
    for index, tracklet in enumerate(made[0]):
        if not isinstance(tracklet, Tracklet):
            raise TypeError(
                f"{owner}.read_tracklets must return Tracklet(pid, camid, split, frame_paths, "
                f"keypoint_rows), got {tracklet!r:.80} as tracklet {index}"
            )
        fault = _fault_of(tracklet, SPLITS[split], has_rows)
        if fault:
            raise ValueError(f"{owner}: tracklet {index} of split {split!r}: {fault}")
    return made


def _fault_of(tracklet: Tracklet, splits: tuple[str | None, ...], has_rows: bool) -> str | None:
    is_unlabelled = tracklet.split is None and None in splits
    if is_unlabelled and tracklet.pid is not None:
        return f"an unlabelled one has neither pid nor split, got pid {tracklet.pid!r:.80}"
    for name in ("camid",) if is_unlabelled else ("pid", "camid"):
        value = getattr(tracklet, name)
        if not _is_integer(value):
            return f"{name} must be an integer, got {value!r:.80}"
    if tracklet.split not in splits:
        return f"its split must be {' or '.join(map(repr, splits))}, got {tracklet.split!r}"
    paths = tracklet.frame_paths
    if not isinstance(paths, Sequence) or isinstance(paths, str) or not len(paths):
        return f"frame_paths must be a list of at least one path, got {paths!r:.80}"
    if not isinstance(paths[0], str):
        return f"frame_paths must be texts, as str(path), got {paths[0]!r:.80}"
    rows = tracklet.keypoint_rows
    if rows is None:
        return "keypoint_rows must name the rows of a stored array, got None" if has_rows else None
    if (
        not isinstance(rows, np.ndarray)
        or rows.dtype.kind not in "iu"
        or rows.shape != (len(paths),)
    ):
        return (
            f"keypoint_rows must be an integer array with a row per frame, ({len(paths)},), got "
            f"{getattr(rows, 'dtype', type(rows).__name__)} of shape {np.shape(rows)}"
        )
    return f"keypoint_rows must be 0 or more, got {rows.min()}" if rows.min() < 0 else None


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
