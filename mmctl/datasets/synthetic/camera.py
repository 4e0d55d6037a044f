"""Cameras: viewpoint, place, light and what the sensor does to the colours."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.random_streams import camera_stream, shifted_camera_stream
from mmctl.datasets.synthetic.settings import DrawnSettings

SUPERSAMPLING = 2
"""Canvas pixels per frame pixel, in each direction."""

_YAWS = (0.15, math.pi - 0.2, math.pi / 2 + 0.1, -math.pi / 2 - 0.35, 0.8, -2.3)
"""People in the cameras are seen from the front, behind, both sides, and two in between."""

_TURN = (0.5, 1.1)
"""Radians, least and most, by which a camera that is shifted wholly sees people from elsewhere."""

_BUSIER = 0.3
"""Share of the free tracklets that have something in the way where a camera is shifted wholly."""

_STREET_WIDTHS = 8
"""Width of a background in frame widths; its mirror image follows, so that it has no seam."""


@dataclass(frozen=True, eq=False)
class Camera:
    """One camera.

    Attributes:
        yaw: Mean turn of the people it sees, radians (see :class:`View`).
        pitch: Slope of the ground in its picture.
        light_from: -1 if light comes from the left of the picture, 1 from the right.
        background: Street in canvas pixels, RGB, (h, many, 3) uint8; it repeats without a seam.
        gain: Colour cast and exposure, (3,).
        gamma: Exponent of the tone curve.
        offset: Black level of each colour, (3,), in 0..255.
        blur: Sigma in pixels of a frame 128 high; 0 is sharp.
        noise: Standard deviation of the sensor noise, in 0..255.
        occlusion: Share of its tracklets with something in the way.
    """

    yaw: float
    pitch: float
    light_from: int
    background: NDArray[np.uint8]
    gain: NDArray[np.float64]
    gamma: float
    offset: NDArray[np.float64]
    blur: float
    noise: float
    occlusion: float

    def street(self, left: float, width: int) -> NDArray[np.uint8]:
        """Return a writable cut of the background that starts at column ``left``, (h, width, 3)."""
        total = self.background.shape[1]
        first = int(left) % total
        cut = self.background[:, first : first + width]
        beyond = self.background[:, : max(0, first + width - total)]
        return np.concatenate([cut, beyond], 1)

    def develop(
        self,
        pictures: NDArray[np.uint8],
        cast: NDArray[np.float64],
        side_light: float,
        rng: np.random.Generator,
    ) -> NDArray[np.uint8]:
        """Return pictures as the camera delivers them: light, tone, cast, blur and noise.

        Args:
            pictures: RGB frames, (t, h, w, 3).
            cast: Colour cast of this tracklet, (3,).
            side_light: How much brighter one edge is than the middle, as a fraction.
            rng: Source of the noise.
        """
        height, width = pictures.shape[1:3]
        slope = np.linspace(-1, 1, width, dtype=np.float32)[:, None] * self.light_from
        lit = np.clip(pictures * (1 + np.float32(side_light) * slope), 0, 255).astype(np.uint8)
        # One table per colour: a power per pixel costs ten times as much.
        levels = 255 * (np.arange(256) / 255)[:, None] ** self.gamma
        table = (levels * (self.gain * cast) + self.offset).astype(np.float32)
        toned = np.stack([table[lit[..., channel], channel] for channel in range(3)], -1)
        if self.blur > 0:
            for frame in toned:
                cv2.GaussianBlur(frame, (0, 0), self.blur * height / 128, dst=frame)
        toned += rng.standard_normal(toned.shape, dtype=np.float32) * np.float32(self.noise)
        return np.clip(toned, 0, 255).astype(np.uint8)


def camera_of(settings: DrawnSettings, split: str, camid: int) -> Camera:
    """Return camera ``camid`` (from 1) of a split.

    People of both splits pass the same cameras unless ``camera_shift`` moves those of the test
    split: viewpoint, light and sensor go that share of the way to another camera, and the street
    is the other's.
    """
    return make_camera(settings, camid, is_shifted=split == "test" and settings.camera_shift > 0)


@lru_cache(maxsize=16)
def make_camera(settings: DrawnSettings, camid: int, *, is_shifted: bool = False) -> Camera:
    """Return camera ``camid`` as training sees it, or as it is when shifted (:func:`camera_of`)."""
    camera = _place_camera(settings, camera_stream(settings.seed, camid), _YAWS[camid - 1])
    if not is_shifted:
        return camera
    rng = shifted_camera_stream(settings.seed, camid)
    turn = float(rng.uniform(*_TURN)) * (1 if rng.random() < 0.5 else -1)
    share = settings.camera_shift
    other = _place_camera(settings, rng, camera.yaw + turn)
    busier = settings.occlusion + _BUSIER * share * (1 - settings.occlusion)
    return replace(_move(camera, other, share), occlusion=busier)


def _move(camera: Camera, other: Camera, share: float) -> Camera:
    """Return the camera a share of the way to another one, in the other's street."""

    def between(name: str) -> Any:
        return (1 - share) * getattr(camera, name) + share * getattr(other, name)

    names = ("yaw", "pitch", "gain", "gamma", "offset", "blur", "noise")
    return replace(other, **{name: between(name) for name in names})


def _place_camera(settings: DrawnSettings, rng: np.random.Generator, yaw: float) -> Camera:
    height, width = (side * SUPERSAMPLING for side in settings.size)
    strength = settings.difficulty
    blur = float(rng.uniform(0.2, 0.9)) * strength
    return Camera(
        yaw=yaw,
        pitch=float(rng.uniform(0.04, 0.16)),
        light_from=1 if rng.random() < 0.5 else -1,
        gain=np.exp(rng.normal(0, 0.2 * strength, 3)) * math.exp(rng.normal(0, 0.2 * strength)),
        gamma=math.exp(rng.normal(0, 0.15 * strength)),
        offset=rng.normal(0, 8 * strength, 3),
        # A blur below a third of a pixel does nothing but cost time.
        blur=blur if blur > 0.3 else 0.0,
        noise=float(rng.uniform(2, 6)),
        background=_draw_street(rng, height, width * _STREET_WIDTHS),
        occlusion=settings.occlusion,
    )


def _draw_street(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Draw walls with windows and doors over a pavement, all near grey, and its mirror image.

    Saturated walls would dominate the colours and look wrong.
    """
    horizon = int(height * rng.uniform(0.42, 0.62))
    wall = rng.uniform(80, 200) + rng.normal(0, 12, 3)
    street = np.empty((height, width, 3), np.uint8)
    street[:horizon] = np.clip(wall, 0, 255)
    ground = np.clip(rng.uniform(90, 170) + rng.normal(0, 6, 3), 0, 255)
    street[horizon:] = ground
    _draw_houses(rng, street, wall, horizon)
    _draw_pavement(rng, street, ground, horizon)
    grain = rng.normal(0, 9, (max(2, height // 8), max(2, width // 8), 1)).astype(np.float32)
    spots: np.ndarray = cv2.resize(grain, (width, height))[..., None]
    rough = np.clip(street + spots, 0, 255).astype(np.uint8)
    return np.concatenate([rough, rough[:, ::-1]], 1)


def _draw_houses(
    rng: np.random.Generator, street: NDArray[np.uint8], wall: NDArray[np.float64], horizon: int
) -> None:
    """Draw house fronts of slightly different paint, each with a row of windows or a door."""
    height, width = street.shape[:2]
    left = 0
    while left < width:
        right = left + int(rng.uniform(0.4, 1.1) * height)
        paint = np.clip(wall + rng.normal(0, 22) + rng.normal(0, 8, 3), 20, 240)
        cv2.rectangle(street, (left, 0), (right, horizon), tuple(paint), -1)
        glass = tuple(np.clip(paint * rng.uniform(0.45, 0.75) + rng.normal(0, 8, 3), 0, 255))
        frame = tuple(np.clip(paint * rng.uniform(1.05, 1.25), 0, 255))
        step = int(height * rng.uniform(0.2, 0.34))
        for x in range(left + step // 4, right - step // 2, step):
            top = int(horizon * rng.choice([0.15, 0.2]))
            bottom = horizon if rng.random() < 0.2 else int(horizon * 0.68)
            corner = (x + int(step * 0.55), bottom)
            cv2.rectangle(street, (x, top), corner, glass, -1)
            cv2.rectangle(street, (x, top), corner, frame, 2)
        left = right
    cv2.rectangle(street, (0, horizon - height // 40), (width, horizon), tuple(wall * 0.55), -1)


def _draw_pavement(
    rng: np.random.Generator, street: NDArray[np.uint8], ground: NDArray[np.float64], horizon: int
) -> None:
    """Draw a kerb, rows of slabs that widen towards the camera, and some stains."""
    height, width = street.shape[:2]
    joint = tuple(ground * 0.86)
    rows = horizon + ((height - horizon) * np.array([0.1, 0.26, 0.5, 0.82])).astype(int)
    for near, (top, bottom) in enumerate(zip(rows, [*rows[1:], height], strict=True)):
        cv2.line(street, (0, int(top)), (width, int(top)), joint, 1 + near // 2)
        slab = int(height * (0.14 + 0.07 * near))
        for x in range(int(rng.integers(slab)), width, slab):
            cv2.line(street, (x, int(top)), (x, int(bottom)), joint, 1)
    for _ in range(16):
        place = (int(rng.integers(width)), int(rng.integers(horizon, height)))
        size = (int(rng.integers(6, 30)), int(rng.integers(2, 7)))
        stain = tuple(np.clip(ground * rng.uniform(0.8, 1.1), 0, 255))
        cv2.ellipse(street, place, size, 0, 0, 360, stain, -1)
