"""What was found of a data set as it lies on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmctl.datasets.checks.folder_check import FolderReport
from mmctl.datasets.checks.frame_check import FrameReport
from mmctl.datasets.checks.keypoint_check import KeypointReport


@dataclass
class CountReport:
    """Counts and how they compare.

    Attributes:
        counts: By name.
        mark: ``'OK'``, ``'differs'``, ``'not known'``; empty for data of one's own.
        expected: The official counts that differ, in words.
    """

    counts: dict[str, float]
    mark: str
    expected: list[str]


@dataclass
class DatasetReport:
    """Everything that was found.

    Attributes:
        subsets: By name, as ``'query'``.
        protocols: By name of the protocol.
        shared_pids: Persons of both splits.
        frames: The frames that were looked at.
        keypoints: The stored keypoints of each split, where there are some.
        folders: What lies beside the frames, or is missing between them.
    """

    subsets: dict[str, CountReport]
    protocols: dict[str, CountReport]
    shared_pids: list[int]
    frames: FrameReport
    keypoints: list[KeypointReport]
    folders: FolderReport

    def has_no_match(self) -> bool:
        """Return whether there are queries, and none with a match under any protocol."""
        return bool(self.protocols) and not any(
            report.counts["scored"] for report in self.protocols.values()
        )

    def is_unlabelled(self) -> bool:
        """Return whether every tracklet of a person is a person of its own, as trackers say."""
        counts = {name: report.counts for name, report in self.subsets.items()}
        nobody = sum(counts[n]["tracklets"] for n in ("junk", "distractors") if n in counts)
        return "test" in counts and counts["test"]["tracklets"] - nobody == counts["test"]["pids"]

    def is_broken(self) -> bool:
        """Return whether anything is missing, damaged or other than it should be."""
        reports = [*self.subsets.values(), *self.protocols.values()]
        return (
            bool(self.frames.faults or self.shared_pids or self.folders.faults)
            or (self.has_no_match() and not self.is_unlabelled())
            or any(report.mark == "differs" for report in reports)
            or any(report.faults for report in self.keypoints)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON keeps it, the sizes of single frames left out."""
        return {
            "broken": self.is_broken(),
            "parts": {name: vars(report) for name, report in self.subsets.items()},
            "protocols": {name: vars(report) for name, report in self.protocols.items()},
            "no_match": self.has_no_match(),
            "shared_pids": self.shared_pids,
            "frames": {
                "checked": self.frames.num_checked,
                "broken": [{"path": path, "reason": why} for path, why in self.frames.faults],
            },
            "keypoints": [vars(report) for report in self.keypoints],
            "folders": {
                "broken": [{"path": path, "reason": why} for path, why in self.folders.faults],
                "to look at": [{"path": path, "note": note} for path, note in self.folders.notes],
            },
        }
