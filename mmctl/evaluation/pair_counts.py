"""Which tracklets can be compared across cameras, and how many pairs they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmctl.functional.ranking import DISTRACTOR_PID, JUNK_PID


@dataclass(frozen=True)
class PairCounts:
    """What became of all tracklets and pairs.

    Attributes:
        tracklets: Tracklets that are compared.
        persons: Known persons with a pair of tracklets from different cameras.
        distractors: Tracklets with pid 0 among those compared.
        junk: Tracklets with pid -1, left out.
        unknown_persons: Tracklets of whom nobody knows who they are, left out.
        unknown_cameras: Tracklets of which nobody knows the camera, left out.
        one_person: Pairs of one person from different cameras.
        different_persons: Pairs of different persons from different cameras.
        same_camera: Pairs from one camera, left out.
        two_distractors: Pairs of distractors, who may be one person, left out.
    """

    tracklets: int
    persons: int
    distractors: int
    junk: int
    unknown_persons: int
    unknown_cameras: int
    one_person: int
    different_persons: int
    same_camera: int
    two_distractors: int


class ComparedTracklets:
    """The tracklets that take part, sorted by camera, and the pairs that they make.

    Junk is left out, and whoever is unknown: an unknown person may be anybody, an unknown camera
    any camera. Two distractors may be one person, so that their pairs are left out, too.

    Args:
        pids: Person of each tracklet, (N,); -1 junk, 0 distractor.
        camids: Camera of each, (N,).
        known_pids: Whether the person is known, (N,); None: all are.
        known_cameras: Whether the camera is known, (N,); None: all are.

    Attributes:
        rows: Their rows, by camera, (n,).
        pids: Persons of these, (n,).
        units: A number for each person and for each distractor's tracklet, (n,).
        strips: First row of each camera, and that of the next one.
        counts: How many pairs of each kind there are.

    Raises:
        ValueError: If lengths differ, or there is no pair of one person or none of different
            persons; what is missing is said.
    """

    def __init__(
        self,
        pids: NDArray,
        camids: NDArray,
        known_pids: NDArray[np.bool_] | None = None,
        known_cameras: NDArray[np.bool_] | None = None,
    ) -> None:
        everyone = np.ones(len(pids), dtype=bool)
        has_pid = everyone if known_pids is None else known_pids
        has_camera = everyone if known_cameras is None else known_cameras
        lengths = [len(pids), len(camids), len(has_pid), len(has_camera)]
        if len(set(lengths)) > 1:
            raise ValueError(
                "pids, camids, known_pids and known_cameras must have an entry per tracklet each, "
                f"got {lengths}"
            )
        is_junk = has_pid & (pids == JUNK_PID)
        kept = np.flatnonzero(has_pid & has_camera & ~is_junk)
        self.rows = kept[np.argsort(camids[kept], kind="stable")]
        self.pids, self._camids = pids[self.rows], camids[self.rows]
        self.units = self._number_units()
        starts = np.unique(self._camids, return_index=True)[1].tolist()
        self.strips = list(zip(starts, [*starts, len(self.rows)][1:], strict=True))
        self.counts = self._count(
            junk=int(is_junk.sum()),
            unknown_persons=int((~has_pid).sum()),
            unknown_cameras=int((has_pid & ~has_camera & ~is_junk).sum()),
        )
        self._check()

    def _number_units(self) -> NDArray[np.int32]:
        """Return a number for each person and for each distractor's tracklet, (N,)."""
        is_distractor = self.pids == DISTRACTOR_PID
        places = np.arange(len(self.pids))
        keys = np.stack([self.pids, np.where(is_distractor, places, -1)], axis=1)
        return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int32)

    def _count(self, **left_out: int) -> PairCounts:
        """Count the pairs by their labels alone."""
        is_distractor = self.pids == DISTRACTOR_PID
        persons, own = np.unique(self.pids[~is_distractor], return_inverse=True)
        of_person = np.bincount(own, minlength=len(persons))
        one_person = _pairs(of_person)
        views = np.stack([own, self._camids[~is_distractor]], axis=1)
        seen, in_view = np.unique(views, axis=0, return_counts=True)
        np.subtract.at(one_person, seen[:, 0], _pairs(in_view))
        per_camera = np.unique(self._camids, return_counts=True)[1]
        per_distracted = np.unique(self._camids[is_distractor], return_counts=True)[1]
        num, num_distractors = len(self.pids), int(is_distractor.sum())
        same_camera = int(_pairs(per_camera).sum())
        two = int(_pairs(np.array([num_distractors])).sum() - _pairs(per_distracted).sum())
        across = num * (num - 1) // 2 - same_camera - two
        return PairCounts(
            tracklets=num,
            persons=int((one_person > 0).sum()),
            distractors=num_distractors,
            one_person=int(one_person.sum()),
            different_persons=across - int(one_person.sum()),
            same_camera=same_camera,
            two_distractors=two,
            **left_out,
        )

    def _check(self) -> None:
        counts = self.counts
        left_out = counts.junk + counts.unknown_persons + counts.unknown_cameras
        place = f"among {counts.tracklets} tracklets ({left_out} left out)"
        if len(self.strips) < 2:
            raise ValueError(
                "verification compares tracklets of different cameras and needs at least two, got "
                f"{len(self.strips)} {place}"
            )
        if not counts.one_person:
            raise ValueError(
                "verification needs a person with tracklets from two cameras, got none of "
                f"{len(np.unique(self.pids[self.pids > DISTRACTOR_PID]))} {place}; are these "
                "pids labels?"
            )
        if not counts.different_persons:
            raise ValueError(
                "verification needs different persons in different cameras, got only one person "
                f"(pid {self.pids[self.pids > DISTRACTOR_PID][0]}) {place}"
            )


def _pairs(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return counts * (counts - 1) // 2
