"""Persons that another program has found, as rows of a data set's keypoint array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.keypoints.keypoint_fit import KeypointFit
from mmctl.datasets.keypoints.pose_person import Person
from mmctl.structures import KEYPOINTS, NUM_KEYPOINTS

NUM_SHOWN = 5


class FrameIndex:
    """Finds the row of a frame by its path below the data set's folder, or by its name alone.

    Args:
        names: The frames in the order of the rows, relative to ``data_root``.
        data_root: Folder of the data set: paths that begin with it are cut.
    """

    def __init__(self, names: Sequence[str], data_root: str) -> None:
        self.names = names
        self.root = f"{Path(data_root).resolve().as_posix()}/"
        self._rows: dict[str, int] = {}
        self._by_name: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            for key in (name, _without_suffix(name)):
                self._rows.setdefault(key, row)
                # Two frames whose paths differ in the extension alone.
                if self._rows[key] != row:
                    self._rows[key] = -1
            base = name.rpartition("/")[2]
            for key in {base, _without_suffix(base)}:
                self._by_name.setdefault(key, []).append(row)

    def find(self, person: Person) -> int | None:
        """Return the row of a person's frame, None if the data set has no such frame.

        Raises:
            ValueError: If several frames may be meant.
        """
        path = PurePosixPath(person.frame.replace("\\", "/")).as_posix().removeprefix(self.root)
        row = self._rows.get(path, -1)
        if row >= 0:
            return row
        rows = self._by_name.get(path.rpartition("/")[2], [])
        if len(rows) > 1:
            shown = ", ".join(self.names[row] for row in rows[:NUM_SHOWN])
            more = ", ..." if len(rows) > NUM_SHOWN else ""
            raise ValueError(
                f"{person.place}: {person.frame!r} must be the path of a frame below "
                f"{self.root}, because {len(rows)} frames have that name: {shown}{more}"
            )
        return rows[0] if rows else None


@dataclass
class ImportedKeypoints:
    """What was found for the frames of a data set.

    Attributes:
        keypoints: Rows of the keypoint array, zeros where nothing was found, (frames, 17, 3)
            float32.
        frame_sizes: Height and width of each frame as the other program says, (frames, 2) int64,
            zeros where it does not.
        missing: Rows without a person.
        num_unknown: Persons in frames that the data set does not have.
        num_empty: Persons without any joint of positive score, who do not count.
        num_others: Persons that were not taken because another one in their frame is surer.
        num_high: Scores above 1, which became 1.
        place: Where the first person that counts was read, for messages.
    """

    keypoints: NDArray[np.float32]
    frame_sizes: NDArray[np.int64]
    missing: NDArray[np.int64]
    num_unknown: int
    num_empty: int
    num_others: int
    num_high: int
    place: str

    def unscored(self) -> list[str]:
        """Return the joints that nobody has."""
        scored = np.any(self.keypoints[..., 2] > 0, axis=0)
        return [name for name, has in zip(KEYPOINTS, scored, strict=True) if not has]


def collect_keypoints(
    persons: Iterable[Person], names: Sequence[str], data_root: str
) -> ImportedKeypoints:
    """Take the best person of each frame; among equals the first.

    Persons without any joint of positive score (COCO's unlabelled ones) do not count, because their
    rows would be those of a frame without a person.

    Args:
        persons: What the other program found.
        names: The data set's frames in the order of the rows.
        data_root: Folder of the data set.

    Raises:
        ValueError: If a person's frame is ambiguous, no person that counts is in a frame of the
            data set, coordinates are fractions and not pixels, or most scores are above 1.
    """
    index = FrameIndex(names, data_root)
    keypoints = np.zeros((len(names), NUM_KEYPOINTS, 3), dtype=np.float32)
    frame_sizes = np.zeros((len(names), 2), dtype=np.int64)
    best = np.full(len(names), -np.inf)
    counts, example, place = {"unknown": 0, "empty": 0, "others": 0}, "", ""
    for person in persons:
        row = index.find(person)
        if row is None:
            counts["unknown"] += 1
            example = example or f"{person.place} names {person.frame!r}"
            continue
        if not (person.joints[:, 2] > 0).any():
            counts["empty"] += 1
            example = example or f"{person.place} has no joint of positive score"
            continue
        place = place or person.place
        counts["others"] += bool(np.isfinite(best[row]))
        if person.score > best[row]:
            best[row] = person.score
            keypoints[row] = person.joints
            frame_sizes[row] = person.frame_size or 0
    if not np.isfinite(best).any():
        raise ValueError(
            "at least one person with a joint must be in a frame of the data set, whose first "
            f"frame is {names[0]!r}, got none{f': {example}' if example else ''}"
        )
    fit = KeypointFit()
    fit.add(keypoints)
    for fault in fit.faults():
        raise ValueError(f"{place} and others: {fault}")
    keypoints[..., 2].clip(max=1, out=keypoints[..., 2])
    return ImportedKeypoints(
        keypoints,
        frame_sizes,
        np.flatnonzero(~np.isfinite(best)),
        counts["unknown"],
        counts["empty"],
        counts["others"],
        fit.num_high,
        place,
    )


def check_missing(found: ImportedKeypoints, names: Sequence[str], max_missing: float) -> None:
    """Raise if more than a share of the frames has no person.

    Args:
        found: What was found.
        names: The data set's frames.
        max_missing: The largest share that is fine, in [0, 1].

    Raises:
        ValueError: If more frames lack one; the first ones are named.
    """
    share = len(found.missing) / len(names)
    if share > max_missing:
        shown = ", ".join(names[row] for row in found.missing[:NUM_SHOWN])
        raise ValueError(
            f"at most {max_missing:.1%} of the frames may be without a person, because their maps "
            f"say nothing, got {len(found.missing)} of {len(names)} ({share:.1%}), as {shown}: is "
            "it the whole result? --max-missing takes another share"
        )


def _without_suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and "/" not in suffix else name
