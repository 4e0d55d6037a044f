"""Tracklets, persons, cameras and frames of a data set, counted subset by subset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mmctl.datasets.tracklet_dataset import TrackletDataset

Infos = list[dict[str, Any]]


@dataclass(frozen=True)
class SubsetCounts:
    """Counts of one subset of a data set.

    Attributes:
        tracklets: Number of tracklets.
        pids: Number of persons; junk and distractors are none.
        cameras: Number of cameras.
        frames: Number of frames.
        shortest: Frames of the shortest tracklet.
        longest: Frames of the longest tracklet.
        median: Frames of the middle tracklet.
    """

    tracklets: int
    pids: int
    cameras: int
    frames: int
    shortest: int
    longest: int
    median: float

    def to_dict(self) -> dict[str, float]:
        """Return the counts by name."""
        return asdict(self)


def read_infos(dataset: TrackletDataset) -> Infos:
    """Return the data infos of all tracklets."""
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def count_subsets(infos: Infos) -> dict[str, SubsetCounts]:
    """Count the subsets that a split has.

    Args:
        infos: Data infos of the training split, of the test split, or of unlabelled tracklets.

    Returns:
        ``unlabelled``,
        ``train``, or ``test`` (everything), ``query``, ``gallery`` (all that are no queries) and,
        where there are some, ``junk`` and ``distractors``.
    """
    if not any("split" in info for info in infos):
        return {"unlabelled": _count(infos)}
    if all(info["split"] == "train" for info in infos):
        return {"train": _count(infos)}
    gallery = [info for info in infos if info["split"] == "gallery"]
    subsets = {
        "test": infos,
        "query": [info for info in infos if info["split"] == "query"],
        "gallery": gallery,
        "junk": [info for info in gallery if info["pid"] == -1],
        "distractors": [info for info in gallery if info["pid"] == 0],
    }
    return {name: _count(subset) for name, subset in subsets.items() if subset}


def count_protocols(infos: Infos) -> dict[str, dict[str, int]]:
    """Count what each way of treating the queries ranks.

    Args:
        infos: Data infos of the test split.

    Returns:
        By protocol: ``queries``, ``scored`` (those with the same person in another camera of the
        gallery) and ``gallery`` (tracklets without junk).
    """
    queries = [info for info in infos if info["split"] == "query"]
    galleries = {
        "query-in-gallery": infos,
        "query-excluded": [info for info in infos if info["split"] == "gallery"],
    }
    counts = {}
    for protocol, gallery in galleries.items():
        cameras = defaultdict(set)
        for info in gallery:
            if info["pid"] > 0:
                cameras[info["pid"]].add(info["camid"])
        scored = sum(bool(cameras[info["pid"]] - {info["camid"]}) for info in queries)
        ranked = sum(info["pid"] != -1 for info in gallery)
        counts[protocol] = {"queries": len(queries), "scored": scored, "gallery": ranked}
    return counts


def find_shared_pids(train: Infos, test: Infos) -> list[int]:
    """Return the persons of both splits, sorted; there should be none."""
    return sorted({info["pid"] for info in train} & _persons(test))


def _count(infos: Infos) -> SubsetCounts:
    lengths = np.array([len(info["frame_paths"]) for info in infos])
    return SubsetCounts(
        tracklets=len(infos),
        pids=len(_persons(infos)),
        cameras=len({info["camid"] for info in infos}),
        frames=int(lengths.sum()),
        shortest=int(lengths.min()),
        longest=int(lengths.max()),
        median=float(np.median(lengths)),
    )


def _persons(infos: Iterable[dict[str, Any]]) -> set[int]:
    return {info["pid"] for info in infos if info.get("pid", 0) > 0}
