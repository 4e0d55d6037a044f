"""Drawn tracklets under the names that they have in the layouts other than MARS's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

from mmctl.datasets.synthetic.plan import (
    DISTRACTOR_PID,
    PlannedTracklet,
    choose_queries,
    plan_tracklets,
)
from mmctl.datasets.synthetic.random_streams import SPLITS
from mmctl.datasets.synthetic.settings import DrawnSettings

PRID_SHARED = 200
"""PRID-2011: persons beyond this number are in one camera only."""

DUKE_DISTRACTORS = 5000
"""DukeMTMC-VideoReID: pids of drawn distractors, who are people like others there, start here."""


@dataclass(frozen=True)
class IlidsVidTracklet(PlannedTracklet):
    """A tracklet of iLIDS-VID: ``i-LIDS-VID/sequences/cam1/person001``."""

    @property
    def person(self) -> str:
        """Name of the person's folder."""
        return f"person{self.pid:03d}"

    @property
    def frame_names(self) -> list[str]:
        """File names of its frames, as ``cam1_person001_00001.png``."""
        numbers = range(1, self.num_frames + 1)
        return [f"cam{self.camid}_{self.person}_{number:05d}.png" for number in numbers]

    def folder(self, data_root: Path) -> Path:
        """Return the folder of its frames."""
        return data_root / "i-LIDS-VID" / "sequences" / f"cam{self.camid}" / self.person


@dataclass(frozen=True)
class PridTracklet(PlannedTracklet):
    """A tracklet of PRID-2011: ``prid_2011/multi_shot/cam_a/person_0001``.

    A distractor is a person of one camera: its number is beyond those that both cameras share.
    """

    @property
    def person(self) -> str:
        """Name of the person's folder."""
        number = self.pid if self.pid > DISTRACTOR_PID else PRID_SHARED + self.number
        return f"person_{number:04d}"

    @property
    def frame_names(self) -> list[str]:
        """File names of its frames, as ``0001.png``."""
        return [f"{number:04d}.png" for number in range(1, self.num_frames + 1)]

    def folder(self, data_root: Path) -> Path:
        """Return the folder of its frames."""
        return data_root / "prid_2011" / "multi_shot" / f"cam_{' ab'[self.camid]}" / self.person


@dataclass(frozen=True)
class DukeTracklet(PlannedTracklet):
    """A tracklet of DukeMTMC-VideoReID: ``train/0001/0001``.

    Attributes:
        section: 'train', 'query' or 'gallery'.
        folder_pid: Pid in its names; a distractor has one of its own.
    """

    section: str = ""
    folder_pid: int = 0

    @property
    def frame_names(self) -> list[str]:
        """File names of its frames, as ``0001_C1_F0001_X00001.jpg``."""
        start = f"{self.folder_pid:04d}_C{self.camid}"
        numbers = range(1, self.num_frames + 1)
        return [f"{start}_F{number:04d}_X{self._video_frame(number):05d}.jpg" for number in numbers]

    def _video_frame(self, number: int) -> int:
        return 1000 * self.number + number

    def folder(self, data_root: Path) -> Path:
        """Return the folder of its frames: tracklets of a person are numbered by camera."""
        tracklet = f"{self.camid}{self.number:03d}"
        return data_root / self.section / f"{self.folder_pid:04d}" / tracklet


@dataclass(frozen=True)
class LsVidTracklet(PlannedTracklet):
    """A tracklet of LS-VID: ``tracklet_train/0001/0001_0001_*``.

    Attributes:
        index: Number among the tracklets of its person, from 1.
    """

    index: int = 0

    @property
    def prefix(self) -> str:
        """Beginning of the paths of its frames, as the lists have it."""
        return f"tracklet_{self.split}/{self.pid:04d}/{self.pid:04d}_{self.index:04d}"

    @property
    def frame_names(self) -> list[str]:
        """File names of its frames, as ``0001_0001_01_000001.jpg``."""
        start = f"{Path(self.prefix).name}_{self.camid:02d}"
        return [f"{start}_{number:06d}.jpg" for number in range(1, self.num_frames + 1)]

    def folder(self, data_root: Path) -> Path:
        """Return the folder of its frames."""
        return (data_root / self.prefix).parent


Named = TypeVar("Named", bound=PlannedTracklet)


def plan_two_cameras(settings: DrawnSettings, kind: type[Named]) -> list[Named]:
    """Return the tracklets of both splits by camera and name, those without a match last.

    Args:
        settings: What to draw, with two cameras.
        kind: The class that names them.
    """
    planned = [kind(**vars(item)) for split in SPLITS for item in plan_tracklets(settings, split)]
    return number_rows(
        sorted(planned, key=lambda item: (item.pid == DISTRACTOR_PID, item.camid, item.pid))
    )


def plan_duke(settings: DrawnSettings) -> list[DukeTracklet]:
    """Return the tracklets of all sections by path: each test person is a query once.

    Args:
        settings: What to draw.
    """
    train, test = (plan_tracklets(settings, split) for split in SPLITS)
    chosen = [test[position] for position in choose_queries(settings, test)]
    # Of one query per camera the person's first stays.
    queries = {item.pid: item for item in reversed(chosen)}
    named = [DukeTracklet(**vars(item), section="train", folder_pid=item.pid) for item in train]
    num_distractors = 0
    for item in test:
        folder_pid = item.pid
        if item.pid == DISTRACTOR_PID:
            folder_pid = DUKE_DISTRACTORS + num_distractors
            num_distractors += 1
        section = "query" if queries.get(item.pid) == item else "gallery"
        named.append(DukeTracklet(**vars(item), section=section, folder_pid=folder_pid))
    sections = ("train", "query", "gallery")
    return number_rows(
        sorted(named, key=lambda item: (sections.index(item.section), item.folder(Path())))
    )


def plan_ls_vid(settings: DrawnSettings) -> list[LsVidTracklet]:
    """Return the tracklets of the training list, then those of the test list.

    Args:
        settings: What to draw.
    """
    counts: Counter[int] = Counter()
    named = []
    for split in SPLITS:
        for item in plan_tracklets(settings, split):
            counts[item.pid] += 1
            named.append(LsVidTracklet(**vars(item), index=counts[item.pid]))
    return number_rows(named)


def number_rows(tracklets: Sequence[Named]) -> list[Named]:
    """Return tracklets with the row of their first frame, counted in this order.

    Args:
        tracklets: Tracklets in the order of the keypoint array.
    """
    firsts = accumulate((item.num_frames for item in tracklets), initial=0)
    return [replace(item, first_row=row) for item, row in zip(tracklets, firsts, strict=False)]
