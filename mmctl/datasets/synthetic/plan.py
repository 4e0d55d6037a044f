"""Which tracklets a drawn data set has, in the order of MARS's files, before any is drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import GROUP_SIZE, Appearance, draw_group
from mmctl.datasets.synthetic.camera import camera_of
from mmctl.datasets.synthetic.keypoint_noise import estimate_joints
from mmctl.datasets.synthetic.random_streams import (
    group_stream,
    length_stream,
    mistake_stream,
    query_stream,
    tracklet_stream,
)
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.datasets.synthetic.tracklet import DrawnTracklet, draw_tracklet

JUNK_PID = -1
DISTRACTOR_PID = 0


@dataclass(frozen=True)
class PlannedTracklet:
    """One tracklet of the plan.

    Attributes:
        split: 'train' or 'test'.
        pid: Person; -1 is junk, 0 a distractor.
        camid: Camera, from 1.
        number: Number among the tracklets of this person in this camera, from 1.
        num_frames: Length.
        first_row: Row of its first frame in its split's name file, from 0.
    """

    split: str
    pid: int
    camid: int
    number: int
    num_frames: int
    first_row: int

    @property
    def name(self) -> str:
        """Beginning of the names of its frames, as ``0001C1T0001``."""
        return f"{pid_name(self.pid)}C{self.camid}T{self.number:04d}"

    @property
    def frame_names(self) -> list[str]:
        """File names of its frames, as ``0001C1T0001F001.jpg``."""
        return [f"{self.name}F{index:03d}.jpg" for index in range(1, self.num_frames + 1)]

    def folder(self, data_root: Path) -> Path:
        """Return the folder of its frames."""
        return data_root / f"bbox_{self.split}" / pid_name(self.pid)


def pid_name(pid: int) -> str:
    """Return a pid as MARS writes it in names: four digits, ``00-1`` for junk."""
    return "00-1" if pid == JUNK_PID else f"{pid:04d}"


def pids_of(settings: DrawnSettings, split: str) -> list[int]:
    """Return the people of a split: odd pids train, even ones test, as MARS's smallest ones."""
    if split == "train":
        return [2 * index + 1 for index in range(settings.num_train_pids)]
    return [2 * index + 2 for index in range(settings.num_test_pids)]


def plan_tracklets(settings: DrawnSettings, split: str) -> list[PlannedTracklet]:
    """Return the tracklets of a split in MARS's order: by pid (junk, distractors), then camera."""
    per_camera = settings.tracklets_per_camera
    cameras = range(1, settings.num_cameras + 1)
    keys: list[tuple[int, int, int]] = []
    if split == "test":
        keys += _spread(JUNK_PID, settings.num_junk, settings.num_cameras)
        keys += _spread(DISTRACTOR_PID, settings.num_distractors, settings.num_cameras)
    for pid in pids_of(settings, split):
        keys += [(pid, camid, number + 1) for camid in cameras for number in range(per_camera)]
    least, most = settings.frames
    plan, row = [], 0
    for pid, camid, number in keys:
        stream = length_stream(settings.seed, split, pid, camid, number)
        num_frames = int(stream.integers(least, most + 1))
        plan.append(PlannedTracklet(split, pid, camid, number, num_frames, row))
        row += num_frames
    return plan


def _spread(pid: int, count: int, num_cameras: int) -> list[tuple[int, int, int]]:
    """Return (pid, camid, number) of ``count`` tracklets dealt evenly to the cameras."""
    return sorted(
        (pid, index % num_cameras + 1, index // num_cameras + 1) for index in range(count)
    )


def choose_queries(settings: DrawnSettings, test: list[PlannedTracklet]) -> NDArray[np.int64]:
    """Return the rows of ``test`` that are queries, from 0, ascending: one per (pid, camera).

    As in MARS, a query is any of the person's tracklets in the camera, not always the first.
    """
    rows: dict[tuple[int, int], list[int]] = {}
    for row, tracklet in enumerate(test):
        if tracklet.pid > DISTRACTOR_PID:
            rows.setdefault((tracklet.pid, tracklet.camid), []).append(row)
    chosen = [
        candidates[query_stream(settings.seed, pid, camid).integers(len(candidates))]
        for (pid, camid), candidates in rows.items()
    ]
    return np.sort(np.array(chosen, np.int64))


@lru_cache(maxsize=4096)
def identity_of(settings: DrawnSettings, split: str, pid: int) -> Appearance:
    """Return the looks of a training or test person; four successive pids make a group."""
    index = (pid - 1) // 2
    first_group = 0 if split == "train" else -(-settings.num_train_pids // GROUP_SIZE)
    group = first_group + index // GROUP_SIZE
    return draw_group(group_stream(settings.seed, group), group)[index % GROUP_SIZE]


def draw_planned(settings: DrawnSettings, planned: PlannedTracklet) -> DrawnTracklet:
    """Draw one tracklet of the plan; the same whoever draws it and when."""
    key = (planned.split, planned.pid, planned.camid, planned.number)
    rng = tracklet_stream(settings.seed, *key)
    if planned.pid > DISTRACTOR_PID:
        looks = identity_of(settings, planned.split, planned.pid)
    else:
        looks = draw_group(rng, group=-1)[0]
    camera = camera_of(settings, planned.split, planned.camid)
    is_junk = planned.pid == JUNK_PID
    drawn = draw_tracklet(settings, looks, camera, planned.num_frames, rng, is_junk=is_junk)
    if settings.keypoint_mistakes == 0:
        return drawn
    joints = estimate_joints(
        drawn.keypoints,
        settings.size,
        settings.keypoint_mistakes,
        mistake_stream(settings.seed, *key),
    )
    return replace(drawn, keypoints=joints)
