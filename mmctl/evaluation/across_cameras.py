"""Who is nearest in the other cameras: what features say where nobody is labelled."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mmctl.evaluation.refinement import evaluation_device
from mmctl.evaluation.tracklet_features import TrackletFeatures
from mmctl.files import write_whole
from mmctl.functional.distance import distance_blocks
from mmctl.functional.ranking import JUNK_PID

_IDENTITY = ("row", "tracklet_id", "pid", "camid", "frame_path")
COLUMNS = (
    *_IDENTITY,
    *("rank", "distance", "mutual"),
    *(f"other_{name}" for name in _IDENTITY),
)
"""Columns of the table; ``row`` counts the tracklets of the file from 0."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest tracklets of other cameras, for every tracklet but junk.

    Attributes:
        distance: ``'cosine'`` or ``'euclidean'``.
        rows: The tracklets, (N,).
        nearest: Rows of their neighbours, nearest first, (N, k); -1 where there are no more.
        distances: Distances to them, (N, k), float32; infinite where there are no more.
    """

    distance: str
    rows: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray

    def is_mutual(self) -> np.ndarray:
        """Return which tracklets are in turn the nearest one of their nearest, (N,), bool."""
        places = np.searchsorted(self.rows, self.nearest[:, 0])
        return self.nearest[places, 0] == self.rows


def rank_across_cameras(
    tracklets: TrackletFeatures, *, distance: str = "cosine", num_matches: int = 10
) -> Neighbours:
    """Rank the tracklets of all other cameras for each tracklet, whoever is a query.

    Equal distances rank by the position in the file.

    Args:
        tracklets: Features with their cameras; junk (pid -1) is left out.
        distance: ``'cosine'`` or ``'euclidean'``.
        num_matches: Neighbours of each tracklet.

    Returns:
        The neighbours.

    Raises:
        ValueError: If ``num_matches`` is not positive, or there are not two cameras.
    """
    if num_matches < 1:
        raise ValueError(f"num_matches must be positive to rank anything, got {num_matches}")
    rows = np.flatnonzero(tracklets.pids != JUNK_PID)
    camids = tracklets.camids[rows]
    if len(np.unique(camids)) < 2:
        raise ValueError(
            "tracklets of at least two cameras are needed to rank one camera's for another's, got "
            f"{len(rows)} of camera {', '.join(map(str, np.unique(camids)))}"
        )
    features = torch.from_numpy(tracklets.features[rows]).to(evaluation_device())
    found: list[np.ndarray] = []
    nearness: list[np.ndarray] = []
    for block in distance_blocks(features, features, metric=distance):
        values = block.cpu().numpy().astype(np.float32)
        own = camids[sum(map(len, found)) :][: len(values)]
        values[own[:, None] == camids] = np.inf
        order = np.argsort(values, axis=1, kind="stable")[:, :num_matches]
        nearness.append(np.take_along_axis(values, order, axis=1))
        found.append(np.where(np.isinf(nearness[-1]), -1, rows[order]))
    return Neighbours(distance, rows, np.concatenate(found), np.concatenate(nearness))


def write_neighbours(path: Path, tracklets: TrackletFeatures, neighbours: Neighbours) -> None:
    """Write a CSV table with a line for each tracklet and neighbour, whole or not at all.

    Args:
        path: The file; missing folders are made.
        tracklets: The tracklets that were ranked.
        neighbours: Their neighbours.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_to_lines(tracklets, neighbours))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _to_lines(tracklets: TrackletFeatures, neighbours: Neighbours) -> Iterator[list]:
    mutual = neighbours.is_mutual()
    for place, row in enumerate(neighbours.rows.tolist()):
        for rank, other in enumerate(neighbours.nearest[place].tolist()):
            if other >= 0:
                distance = f"{neighbours.distances[place, rank]:.6f}"
                ranked = [rank + 1, distance, int(rank == 0 and mutual[place])]
                yield [*_identify(tracklets, row), *ranked, *_identify(tracklets, other)]


def _identify(tracklets: TrackletFeatures, row: int) -> list:
    tracklet_id = int(tracklets.tracklet_ids[row])
    known_id = tracklet_id if tracklet_id >= 0 else ""
    return [
        *(row, known_id, tracklets.pids[row], tracklets.camids[row]),
        str(tracklets.frame_paths[row]),
    ]
