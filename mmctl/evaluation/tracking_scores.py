"""How well tracks follow people: IDF1 and MOTA, and who each track is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mmctl.evaluation.box_overlap import overlap

MIN_OVERLAP = 0.5
"""Least intersection over union of a track's box with the person it follows."""

JUNK = -1
"""The person of a track that follows nobody for most of its boxes."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tracks:
    """Boxes of the tracks of one video.

    Attributes:
        frames: Frame of each box, from 0, (n,).
        tracks: Track of each box, (n,).
        boxes: Left, top, width, height, (n, 4).
        is_ignored: Whether finding a box neither counts nor harms, (n,); of truth only.
    """

    frames: Ints
    tracks: Ints
    boxes: NDArray[np.float64]
    is_ignored: NDArray[np.bool_] | None = None

    def at(self) -> dict[int, Ints]:
        """Return the rows of each frame that has any."""
        rows: dict[int, list[int]] = defaultdict(list)
        for row, frame in enumerate(self.frames.tolist()):
            rows[frame].append(row)
        return {frame: np.array(found) for frame, found in rows.items()}


def score_tracks(videos: Sequence[tuple[Tracks, Tracks]]) -> dict[str, float]:
    """Compare tracks with the truth by the library ``motmetrics``.

    Tracks of different videos are of different people. As in the MOT Challenge, boxes that match an
    ignored person are left out first.

    Args:
        videos: Truth and tracks of each video.

    Returns:
        ``IDF1``, ``IDP``, ``IDR`` and ``MOTA`` in percent; ``switches``, ``misses``,
        ``false_alarms`` and ``boxes`` of the truth as counts.

    Raises:
        ImportError: If the library is not installed.
        ValueError: If the truth has no box.
    """
    if not any((_wanted(truth)).any() for truth, _ in videos):
        raise ValueError("tracks are compared with the boxes of the truth, but it has none")
    motmetrics = _import_motmetrics()
    accumulators = [_accumulate(motmetrics, truth, found) for truth, found in videos]
    names = {
        "idf1": "IDF1",
        "idp": "IDP",
        "idr": "IDR",
        "mota": "MOTA",
        "num_switches": "switches",
        "num_misses": "misses",
        "num_false_positives": "false_alarms",
        "num_objects": "boxes",
    }
    table = motmetrics.metrics.create().compute_many(
        accumulators, metrics=list(names), generate_overall=True
    )
    overall = table.loc["OVERALL"]
    return {
        name: float(overall[key]) * (100 if name.isupper() or name == "IDF1" else 1)
        for key, name in names.items()
    }


def identify_tracks(truth: Tracks, found: Tracks, pids: Mapping[int, int]) -> dict[int, int]:
    """Return the person of each track: who is in most of its boxes, junk if nobody is.

    Args:
        truth: Boxes of the people.
        found: Boxes of the tracks.
        pids: Person by track of the truth.
    """
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    at = truth.at()
    for frame, rows in found.at().items():
        people = at.get(frame, np.zeros(0, np.int64))
        for row, match in zip(rows, _assign(found.boxes[rows], truth.boxes[people]), strict=True):
            pid = JUNK if match < 0 else pids[int(truth.tracks[people[match]])]
            votes[int(found.tracks[row])][pid] += 1
    persons = {}
    for track, counts in votes.items():
        pid, count = counts.most_common(1)[0]
        persons[track] = pid if 2 * count > counts.total() else JUNK
    return persons


def _accumulate(motmetrics: Any, truth: Tracks, found: Tracks) -> Any:
    accumulator = motmetrics.MOTAccumulator(auto_id=False)
    people_at, found_at = truth.at(), found.at()
    nothing, wanted = np.zeros(0, np.int64), _wanted(truth)
    for frame in sorted({*people_at, *found_at}):
        people, boxes = people_at.get(frame, nothing), found_at.get(frame, nothing)
        matches = _assign(found.boxes[boxes], truth.boxes[people])
        is_kept = np.array([m < 0 or wanted[people[m]] for m in matches], bool)
        people, boxes = people[wanted[people]], boxes[is_kept]
        distances = 1 - overlap(truth.boxes[people], found.boxes[boxes])
        # The library's own distances call a function that NumPy 2 has no more.
        distances[distances > 1 - MIN_OVERLAP] = np.nan
        accumulator.update(
            truth.tracks[people].tolist(), found.tracks[boxes].tolist(), distances, frameid=frame
        )
    return accumulator


def _assign(found: NDArray[np.float64], truth: NDArray[np.float64]) -> list[int]:
    """Return which of the true boxes each one is, -1 for none, so that overlaps are largest."""
    overlaps = overlap(found, truth)
    overlaps[overlaps < MIN_OVERLAP] = 0
    matches = [-1] * len(found)
    for row, column in zip(*linear_sum_assignment(-overlaps), strict=True):
        if overlaps[row, column] > 0:
            matches[row] = int(column)
    return matches


def _wanted(truth: Tracks) -> NDArray[np.bool_]:
    if truth.is_ignored is None:
        return np.ones(len(truth.frames), bool)
    return ~truth.is_ignored


def _import_motmetrics() -> Any:
    try:
        import motmetrics
    except ImportError as error:
        raise ImportError(
            f"tracks are compared by motmetrics (MIT), which cannot be imported ({error}): "
            "pip install motmetrics"
        ) from error
    return motmetrics
