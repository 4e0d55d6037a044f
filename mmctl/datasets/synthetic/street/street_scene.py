"""The empty street that a camera sees, and what stands in the way on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import Colour
from mmctl.datasets.synthetic.camera import SUPERSAMPLING
from mmctl.datasets.synthetic.canvas import shade

Picture = NDArray[np.uint8]
Corners = NDArray[np.float64]

_WALL = 0.8
"""Size of people at the foot of the houses, as a share of that of the farthest ones."""

_SHIFT = 4


@dataclass(frozen=True)
class Ground:
    """A plane seen by a camera that looks along it; lengths on it are in average body heights.

    Places on it are (across, away): to the right of the camera's axis, and from the camera.

    Attributes:
        focal: Frame pixels per height, one height away.
        horizon: Row of the frame at which the plane ends, in pixels from the upper edge.
        middle: Column of the camera's axis.
        camera_height: Heights from the ground to the camera.
        near: Pixels of an average body where people are nearest.
        far: Pixels of an average body where they are farthest.
    """

    focal: float
    horizon: float
    middle: float
    camera_height: float
    near: float
    far: float

    def scale(self, away: float) -> float:
        """Return the pixels of an average body at a distance."""
        return self.focal / away

    def distance(self, scale: float) -> float:
        """Return the distance at which an average body has so many pixels."""
        return self.focal / scale

    def pitch(self, away: float) -> float:
        """Return how much lower a nearer point appears: body heights in the picture per height."""
        return self.camera_height / away

    def project(self, across: float, away: float) -> tuple[float, float]:
        """Return the frame's column and row of a place, from its left and upper edge."""
        scale = self.focal / away
        return self.middle + across * scale, self.horizon + self.camera_height * scale

    def edge(self, away: float) -> float:
        """Return how far to the side of the axis the view reaches at a distance."""
        return self.middle * away / self.focal


@dataclass(frozen=True)
class Thing:
    """A post or a planter.

    Attributes:
        across: Place to the right of the camera's axis, in heights.
        away: Distance from the camera.
        half_width: Half of its width in heights.
        height: Its height in heights.
        colour: RGB, 0..255.
    """

    across: float
    away: float
    half_width: float
    height: float
    colour: Colour

    def outline(self, ground: Ground) -> Corners:
        """Return its corners in canvas pixels, from the upper left on, (4, 2)."""
        column, row = ground.project(self.across, self.away)
        half, tall = (side * ground.scale(self.away) for side in (self.half_width, self.height))
        corners = np.array([(-half, -tall), (half, -tall), (half, 0), (-half, 0)])
        return (corners + np.array([column, row])) * SUPERSAMPLING - 0.5

    def draw(self, picture: Picture, ground: Ground) -> None:
        """Paint it, with one side in the light and a ledge."""
        corners = self.outline(ground)
        fill(picture, corners, self.colour)
        left, right, top, bottom = corners[0, 0], corners[1, 0], corners[0, 1], corners[2, 1]
        third = left + 0.3 * (right - left)
        lit = np.array([(left, top), (third, top), (third, bottom), (left, bottom)])
        fill(picture, lit, shade(self.colour, 1.2))
        ledge = min(0.1 * (bottom - top), 0.3 * (right - left))
        upper = np.array([(left, top), (right, top), (right, top + ledge), (left, top + ledge)])
        fill(picture, upper, shade(self.colour, 1.35))


def draw_things(rng: np.random.Generator, ground: Ground, count: int) -> tuple[Thing, ...]:
    """Draw what stands in the way: posts and planters in turn, from far to near."""
    things = []
    for index in range(count):
        is_post = index % 2 == 0
        away = ground.distance(float(rng.uniform(0.35, 0.8)) * ground.near)
        across = float(rng.uniform(-0.75, 0.75)) * ground.edge(away)
        grey = np.clip(rng.uniform(50, 170) + rng.normal(0, 8, 3), 10, 240)
        half, tall = (0.06, 2.1) if is_post else (float(rng.uniform(0.3, 0.6)), 0.38)
        red, green, blue = map(float, grey)
        things.append(Thing(across, away, half, tall, (red, green, blue)))
    return tuple(sorted(things, key=lambda thing: -thing.away))


def fill(picture: Picture, corners: Corners, colour: Colour) -> None:
    """Fill a polygon given in pixels of the picture, whose centres are integers."""
    places = np.rint(corners * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(picture, [places], colour, cv2.LINE_AA, _SHIFT)


def draw_scene(rng: np.random.Generator, ground: Ground, size: tuple[int, int]) -> Picture:
    """Draw houses over a paved ground, all near grey: saturated walls would dominate.

    Args:
        rng: Source of randomness.
        ground: Where the ground lies.
        size: Height and width of the canvas.
    """
    height, width = size
    scale = _WALL * ground.far
    foot = round(ground.project(0, ground.distance(scale))[1] * SUPERSAMPLING)
    wall = rng.uniform(80, 190) + rng.normal(0, 6, 3)
    floor = np.clip(rng.uniform(90, 170) + rng.normal(0, 6, 3), 0, 255)
    scene = np.empty((height, width, 3), np.uint8)
    # The ground is darker where it is near: less of the sky shines on it at a flat angle.
    fade = np.linspace(1.08, 0.92, height)[:, None, None]
    scene[:] = np.clip(fade * floor, 0, 255)
    _draw_paving(rng, scene, ground, floor)
    _draw_road(rng, scene, ground, floor)
    _draw_stains(rng, scene, floor, foot)
    _draw_fronts(rng, scene[:foot], wall, scale * SUPERSAMPLING)
    cv2.rectangle(scene, (0, foot - height // 90), (width, foot), tuple(wall * 0.55), -1)
    grain = rng.normal(0, 7, (height // 8, width // 8, 1)).astype(np.float32)
    spots: np.ndarray = cv2.resize(grain, (width, height))[..., None]
    return np.clip(scene + spots, 0, 255).astype(np.uint8)


def _draw_fronts(
    rng: np.random.Generator, wall: Picture, paint: NDArray[np.float64], scale: float
) -> None:
    """Draw house fronts, each with doors and rows of windows; ``scale`` is a body's height."""
    foot, width = wall.shape[:2]
    left = -int(rng.uniform(0, 3) * scale)
    while left < width:
        right = left + int(rng.uniform(2.5, 6) * scale)
        front = np.clip(paint + rng.normal(0, 24) + rng.normal(0, 5, 3), 20, 240)
        cv2.rectangle(wall, (left, 0), (right, foot), tuple(front), -1)
        glass = tuple(np.clip(front * rng.uniform(0.4, 0.75) + rng.normal(0, 8, 3), 0, 255))
        frame = tuple(np.clip(front * rng.uniform(1.05, 1.25), 0, 255))
        step, pane = rng.uniform(0.9, 1.5) * scale, rng.uniform(0.45, 0.65) * scale
        x = left + 0.4 * step
        while x + pane < right:
            is_door = rng.random() < 0.25
            rows = [(1.25, 0.0) if is_door else (1.2, 0.5), (2.6, 1.9), (4.0, 3.3)]
            for top, bottom in rows:
                upper = (int(x), int(foot - top * scale))
                lower = (int(x + pane), int(foot - bottom * scale))
                cv2.rectangle(wall, upper, lower, glass, -1)
                cv2.rectangle(wall, upper, lower, frame, 2)
            x += step
        left = right


def _draw_paving(
    rng: np.random.Generator, scene: Picture, ground: Ground, floor: NDArray[np.float64]
) -> None:
    """Draw slabs: lines across and lines that run to the vanishing point."""
    joint = tuple(floor * rng.uniform(0.8, 0.9))
    slab = float(rng.uniform(0.45, 0.9))
    first, last = 0.5 * ground.distance(ground.near), ground.distance(0.5 * ground.far)
    for away in np.arange(first, last, slab):
        row = round(ground.project(0, away)[1] * SUPERSAMPLING)
        cv2.line(scene, (0, row), (scene.shape[1], row), joint, 1 + (ground.scale(away) > 60))
    reach = int(ground.edge(last) / slab) + 1
    for number in range(-reach, reach + 1):
        ends = [ground.project(number * slab, away) for away in (first, last)]
        places = np.rint(np.array(ends) * SUPERSAMPLING).astype(int)
        cv2.line(scene, tuple(places[0]), tuple(places[1]), joint, 1, cv2.LINE_AA)


def _draw_road(
    rng: np.random.Generator, scene: Picture, ground: Ground, floor: NDArray[np.float64]
) -> None:
    """Draw a road with kerbs across the picture, somewhere between near and far."""
    far = ground.distance(float(rng.uniform(1.0, 1.3)) * ground.far)
    near = ground.distance(float(rng.uniform(1.5, 1.9)) * ground.far)
    rows = [round(ground.project(0, away)[1] * SUPERSAMPLING) for away in (far, near)]
    asphalt = tuple(np.clip(floor * rng.uniform(0.6, 0.85), 0, 255))
    cv2.rectangle(scene, (0, rows[0]), (scene.shape[1], rows[1]), asphalt, -1)
    for row, thick in zip(rows, (3, 6), strict=True):
        cv2.line(scene, (0, row), (scene.shape[1], row), tuple(np.clip(floor * 1.2, 0, 255)), thick)


def _draw_stains(
    rng: np.random.Generator, scene: Picture, floor: NDArray[np.float64], foot: int
) -> None:
    height, width = scene.shape[:2]
    for _ in range(40):
        place = (int(rng.integers(width)), int(rng.integers(foot, height)))
        nearness = (place[1] - foot) / (height - foot)
        size = (int(rng.integers(8, 60) * (0.2 + nearness)), int(rng.integers(2, 10)))
        stain = tuple(np.clip(floor * rng.uniform(0.7, 1.1), 0, 255))
        cv2.ellipse(scene, place, size, 0, 0, 360, stain, -1, cv2.LINE_AA)
