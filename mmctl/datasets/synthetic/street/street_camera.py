"""Cameras of a street: where the ground lies in their pictures, and what they do to colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.camera import SUPERSAMPLING
from mmctl.datasets.synthetic.random_streams import street_stream
from mmctl.datasets.synthetic.street.street_scene import Ground, Thing, draw_scene, draw_things
from mmctl.datasets.synthetic.street.street_settings import StreetSettings

_NOISE_MARGIN = 64
"""Pixels by which the sheet of noise is larger than a frame, which sees it somewhere else each
time: new noise for every pixel would take longer than all the rest."""


@dataclass(frozen=True, eq=False)
class StreetCamera:
    """One camera of a street.

    Attributes:
        ground: Where the ground lies in its picture.
        light_from: -1 if light comes from the left of the picture, 1 from the right.
        scene: The empty street in canvas pixels, RGB, (h, w, 3) uint8.
        things: What stands in the way, from far to near.
        slope: Light on each column of a frame, (h, w, 3) float32.
        tones: What the sensor makes of the 256 levels of each colour, (1, 256, 3) float32.
        blur: Sigma in pixels of the frame; 0 is sharp.
        noise: A sheet of sensor noise, larger than a frame, (h, w, 3) float32.
    """

    ground: Ground
    light_from: int
    scene: NDArray[np.uint8]
    things: tuple[Thing, ...]
    slope: NDArray[np.float32]
    tones: NDArray[np.float32]
    blur: float
    noise: NDArray[np.float32]

    def develop(self, picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a frame as the camera delivers it: light, tone, cast, blur and noise.

        Args:
            picture: RGB frame, (h, w, 3).
            rng: Source of the noise.
        """
        height, width = picture.shape[:2]
        lit = cv2.multiply(picture, self.slope, dtype=cv2.CV_8U)
        toned = cv2.LUT(lit, self.tones)
        if self.blur > 0:
            cv2.GaussianBlur(toned, (0, 0), self.blur, dst=toned)
        top, left = rng.integers(_NOISE_MARGIN, size=2)
        sheet = self.noise[top : top + height, left : left + width]
        return np.asarray(cv2.add(toned, sheet, dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=64)
def place_camera(settings: StreetSettings, camid: int) -> Ground:
    """Return the place of camera ``camid`` (from 1): how high it hangs and how far it sees.

    People in front stand at the lower edge of the picture.
    """
    rng = street_stream(settings.seed, "camera", camid)
    height, width = settings.size
    camera_height = float(rng.uniform(1.25, 1.75))
    near, far = rng.uniform(0.46, 0.54) * height, rng.uniform(0.16, 0.2) * height
    return Ground(
        # A long lens sees people from the front or behind; a short one from the side.
        focal=float(rng.uniform(0.85, 1.05) * width) * (2.0 if is_deep(camid) else 1.4),
        horizon=0.97 * height - camera_height * float(near),
        middle=width / 2,
        camera_height=camera_height,
        near=float(near),
        far=float(far),
    )


def is_deep(camid: int) -> bool:
    """Return whether people come nearer or go away; otherwise they cross the view."""
    return camid % 2 == 1


@lru_cache(maxsize=2)
def make_street_camera(settings: StreetSettings, camid: int) -> StreetCamera:
    """Return camera ``camid`` (from 1) of a street."""
    rng = street_stream(settings.seed, "scene", camid)
    height, width = settings.size
    ground = place_camera(settings, camid)
    strength = settings.difficulty
    light_from = 1 if rng.random() < 0.5 else -1
    blur = float(rng.uniform(0.2, 0.9)) * strength * height / 360
    slope = 1 + rng.uniform(0, 0.25) * light_from * np.linspace(-1, 1, width, dtype=np.float32)
    sheet = (height + _NOISE_MARGIN, width + _NOISE_MARGIN, 3)
    return StreetCamera(
        ground=ground,
        light_from=light_from,
        slope=np.ascontiguousarray(
            np.broadcast_to(slope[None, :, None], (height, width, 3)), np.float32
        ),
        tones=_draw_tones(rng, strength),
        # A blur below a third of a pixel does nothing but cost time.
        blur=blur if blur > 0.3 else 0.0,
        noise=rng.standard_normal(sheet, dtype=np.float32) * np.float32(rng.uniform(1.5, 4)),
        scene=draw_scene(rng, ground, (height * SUPERSAMPLING, width * SUPERSAMPLING)),
        things=draw_things(rng, ground, settings.things),
    )


def _draw_tones(rng: np.random.Generator, strength: float) -> NDArray[np.float32]:
    """Draw exposure, cast, tone curve and black level, as of the cameras of drawn data sets."""
    gain = np.exp(rng.normal(0, 0.2 * strength, 3)) * math.exp(rng.normal(0, 0.2 * strength))
    gamma, offset = math.exp(rng.normal(0, 0.15 * strength)), rng.normal(0, 8 * strength, 3)
    levels = 255 * (np.arange(256) / 255)[:, None] ** gamma
    return (levels * gain + offset).astype(np.float32)[None]
