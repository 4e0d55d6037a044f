"""Who walks where and when on a street, before any frame is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import GROUP_SIZE, Appearance, draw_group
from mmctl.datasets.synthetic.body_pose import STEP_LENGTH
from mmctl.datasets.synthetic.random_streams import street_stream
from mmctl.datasets.synthetic.street.street_camera import is_deep, place_camera
from mmctl.datasets.synthetic.street.street_scene import Ground
from mmctl.datasets.synthetic.street.street_settings import StreetSettings

_PATH_POINTS = 65

_OUTSIDE = 0.55
"""Heights beyond the edge of the view at which paths begin and end: nobody is seen there."""


@dataclass(frozen=True, eq=False)
class Visit:
    """One person's way through the view of one camera.

    Attributes:
        pid: Person, from 1.
        camid: Camera, from 1.
        track: Number of the visit among those of its camera, from 1, by their beginning.
        begin: Second of the video at which it begins; may be before the first frame.
        speed: Heights per second.
        phase: Phase of the gait at the beginning, radians.
        path: Places (across, away) on the ground, in heights, (n, 2).
        way: Heights walked from the beginning to each place, (n,).
    """

    pid: int
    camid: int
    track: int
    begin: float
    speed: float
    phase: float
    path: NDArray[np.float64]
    way: NDArray[np.float64]

    @property
    def end(self) -> float:
        """Second at which the person has left."""
        return self.begin + float(self.way[-1]) / self.speed

    def place(self, second: float) -> tuple[float, float]:
        """Return the place (across, away) at a moment."""
        walked = (second - self.begin) * self.speed
        across, away = (float(np.interp(walked, self.way, self.path[:, i])) for i in (0, 1))
        return across, away

    def gait(self, second: float) -> float:
        """Return the phase of the gait at a moment, radians."""
        return self.phase + 2 * math.pi * (second - self.begin) * self.speed / STEP_LENGTH

    def yaw(self, second: float) -> float:
        """Return how the camera sees the body turned: 0 faces it, pi / 2 walks to the right."""
        across, away = self.place(second)
        walked = (second - self.begin) * self.speed
        index = int(np.clip(np.searchsorted(self.way, walked), 1, len(self.way) - 1))
        step = self.path[index] - self.path[index - 1]
        # Along the line of sight, not along the camera's axis: people at the sides show a side.
        to_right = step[0] * away - step[1] * across
        to_camera = -step[0] * across - step[1] * away
        return math.atan2(to_right, to_camera)


def plan_visits(settings: StreetSettings) -> dict[int, list[Visit]]:
    """Return the visits of each camera in the order of their track numbers.

    Everybody passes the cameras one after the other, comes back after a rest, and so on. Half of
    the people begin early; each first walk fits into the video if that is long enough.
    """
    walks: dict[int, list[Visit]] = {camid: [] for camid in range(1, settings.cameras + 1)}
    for pid in range(1, settings.people + 1):
        for visit in _plan_person(settings, pid):
            walks[visit.camid].append(visit)
    for camid, visits in walks.items():
        visits.sort(key=lambda visit: (visit.begin, visit.pid))
        walks[camid] = [
            Visit(**{**vars(visit), "track": number}) for number, visit in enumerate(visits, 1)
        ]
    return walks


@lru_cache(maxsize=4096)
def person_of(settings: StreetSettings, pid: int) -> Appearance:
    """Return the looks of a person (from 1); four successive ones make a group."""
    group, member = divmod(pid - 1, GROUP_SIZE)
    return draw_group(street_stream(settings.seed, "group", group), group)[member]


def _plan_person(settings: StreetSettings, pid: int) -> list[Visit]:
    rng = street_stream(settings.seed, "walk", pid)
    speed = float(rng.uniform(0.75, 1.05))
    one_way = 15.0 * settings.cameras
    second = float(rng.uniform(-8, max(0.0, settings.seconds - one_way)))
    is_forward = bool(rng.random() < 0.5)
    visits = []
    while second < settings.seconds:
        order = range(1, settings.cameras + 1)
        for camid in order if is_forward else reversed(order):
            path, way = _draw_path(rng, settings, camid, is_forward)
            phase = float(rng.uniform(0, 2 * math.pi))
            visit = Visit(pid, camid, 0, second, speed, phase, path, way)
            if visit.end > 0 and second < settings.seconds:
                visits.append(visit)
            second = visit.end + float(rng.uniform(1, 4))
        second += 2 + float(rng.exponential(settings.rest))
        is_forward = not is_forward
    return visits


def _draw_path(
    rng: np.random.Generator, settings: StreetSettings, camid: int, is_forward: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw a slightly bent way from outside one edge of the view to outside the other."""
    ground = place_camera(settings, camid)
    span = ground.near - ground.far
    if is_deep(camid):
        shares = (float(rng.uniform(0.0, 0.25)), float(rng.uniform(0.6, 1.0)))
    else:
        ends = rng.uniform(0.15, 0.9) + rng.normal(0, 0.12, 2)
        shares = (float(ends[0].clip(0.05, 1.0)), float(ends[1].clip(0.05, 1.0)))
    if rng.random() < 0.5:
        shares = (shares[1], shares[0])
    side = 1.0 if is_forward == (camid % 2 == 0) else -1.0
    begin, end = (
        _outside(ground, ground.far + share * span, sign * side)
        for share, sign in zip(shares, (-1.0, 1.0), strict=True)
    )
    bend = (begin + end) / 2 + rng.normal(0, 0.05, 2) * np.linalg.norm(end - begin)
    t = np.linspace(0, 1, _PATH_POINTS)[:, None]
    path = (1 - t) ** 2 * begin + 2 * t * (1 - t) * bend + t**2 * end
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return path, np.concatenate([[0.0], np.cumsum(steps)])


def _outside(ground: Ground, scale: float, side: float) -> NDArray[np.float64]:
    """Return a place beside the view where bodies have ``scale`` pixels."""
    away = ground.distance(scale)
    return np.array([side * (ground.edge(away) + _OUTSIDE), away])
