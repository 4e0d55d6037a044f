"""The numbers of one training set among several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Numbering:
    """The numbers of a training set among others, see ``JointDataset``.

    Attributes:
        source: Place of the set.
        first_label: Label of its first person.
        camids: New camera id of each of its own.
        first_tracklet: Id of its first tracklet.
    """

    source: int
    first_label: int
    camids: Mapping[int, int]
    first_tracklet: int

    def apply(self, info: dict[str, Any]) -> dict[str, Any]:
        """Return a data info with these numbers."""
        label = self.first_label + info["gt_label"]
        return info | {
            "source": self.source,
            "gt_label": label,
            "pid": label + 1,
            "camid": self.camids[info["camid"]],
            "tracklet_id": self.first_tracklet + info["tracklet_id"],
        }
