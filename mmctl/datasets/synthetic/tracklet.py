"""One tracklet: a person walks past a camera, seen through jittering boxes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.appearance import Appearance
from mmctl.datasets.synthetic.body_pose import STEP_LENGTH
from mmctl.datasets.synthetic.camera import SUPERSAMPLING, Camera
from mmctl.datasets.synthetic.canvas import Canvas
from mmctl.datasets.synthetic.figure import View, pose_figure
from mmctl.datasets.synthetic.figure_painting import draw_figure
from mmctl.datasets.synthetic.keypoint_visibility import visible_keypoints
from mmctl.datasets.synthetic.obstacle import Obstacle, draw_obstacle
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.structures import NUM_KEYPOINTS


@dataclass(frozen=True)
class DrawnTracklet:
    """Pictures of a tracklet and its exact keypoints.

    Attributes:
        frames: RGB, (t, h, w, 3) uint8.
        keypoints: x, y and score in pixels of the frames, (t, 17, 3) float32. Integers are pixel
            centres; the score is 1 for a visible joint and 0 for a hidden one, whose place is
            known all the same.
    """

    frames: NDArray[np.uint8]
    keypoints: NDArray[np.float32]


@dataclass(frozen=True)
class _Walk:
    """What stays the same during a tracklet."""

    yaw: float
    phase: float
    phase_step: float
    size: float
    shift: NDArray[np.float64]
    street_left: float
    is_present: bool


def draw_tracklet(
    settings: DrawnSettings,
    appearance: Appearance,
    camera: Camera,
    num_frames: int,
    rng: np.random.Generator,
    *,
    is_junk: bool = False,
) -> DrawnTracklet:
    """Draw a tracklet.

    Args:
        settings: Size, difficulty and jitter.
        appearance: Who walks.
        camera: Who sees it.
        num_frames: Length of the tracklet, t.
        rng: Source of all its randomness.
        is_junk: Whether the boxes are bad: nobody in them, or a small part of somebody.
    """
    height, width = settings.size
    walk = _draw_junk_walk(rng, camera) if is_junk else _draw_walk(rng, camera, settings.jitter)
    share = 0.0 if is_junk else camera.occlusion
    obstacle = draw_obstacle(rng, camera.yaw, num_frames, share)
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    keypoints = np.zeros((num_frames, NUM_KEYPOINTS, 3), np.float32)
    for index in range(num_frames):
        canvas, view = _open_frame(settings, camera, walk, index, rng)
        keypoints[index] = _draw_frame(canvas, view, appearance, walk, obstacle, index)
        cv2.resize(canvas.image, (width, height), dst=frames[index], interpolation=cv2.INTER_AREA)
    strength = settings.difficulty
    cast = np.exp(rng.normal(0, 0.1 * strength, 3)) * math.exp(rng.normal(0, 0.16 * strength))
    side_light = float(rng.uniform(0, 0.35))
    return DrawnTracklet(camera.develop(frames, cast, side_light, rng), keypoints)


def _draw_walk(rng: np.random.Generator, camera: Camera, jitter: float) -> _Walk:
    return _Walk(
        yaw=camera.yaw + float(rng.normal(0, 0.22)),
        phase=float(rng.uniform(0, 2 * math.pi)),
        phase_step=float(rng.uniform(0.35, 0.6)),
        size=float(rng.uniform(0.75, 0.91)),
        shift=rng.normal(0, jitter, 2),
        street_left=float(rng.uniform(0, camera.background.shape[1])),
        is_present=True,
    )


def _draw_junk_walk(rng: np.random.Generator, camera: Camera) -> _Walk:
    """Draw what a bad box shows: nobody, somebody half out of it, or a part of somebody."""
    kind = rng.random()
    walk = _draw_walk(rng, camera, jitter=0.0)
    sign = 1.0 if rng.random() < 0.5 else -1.0
    if kind < 0.35:
        shift, size = np.zeros(2), walk.size
    elif kind < 0.7:
        shift, size = np.array([sign * rng.uniform(0.45, 0.62), rng.normal(0, 0.1)]), walk.size
    else:
        shift = np.array([sign * rng.uniform(0.1, 0.4), rng.uniform(0.3, 1.2)])
        size = float(rng.uniform(1.6, 2.4))
    return _Walk(
        walk.yaw,
        walk.phase,
        walk.phase_step,
        size,
        shift,
        walk.street_left,
        is_present=kind >= 0.35,
    )


def _open_frame(
    settings: DrawnSettings, camera: Camera, walk: _Walk, index: int, rng: np.random.Generator
) -> tuple[Canvas, View]:
    """Return the empty street of one frame and where the person stands in it.

    The box follows the person, so the street moves by the person's steps, against its heading.
    """
    height, width = (side * SUPERSAMPLING for side in settings.size)
    shake = walk.shift + rng.normal(0, settings.jitter * 0.4, 2)
    scale = walk.size * height * (1 + float(rng.normal(0, settings.jitter * 0.35)))
    # Half a pixel less: canvas coordinates count from the first pixel's centre, not its edge.
    across, down = 0.5 + float(shake[0]), 0.955 + 0.9 * float(shake[1])
    foot = (width * across - 0.5, height * down - 0.5)
    way = walk.phase_step * index / (2 * math.pi) * STEP_LENGTH * scale * math.sin(walk.yaw)
    canvas = Canvas(camera.street(walk.street_left + way, width))
    return canvas, View(walk.yaw, camera.pitch, foot, scale, camera.light_from)


def _draw_frame(
    canvas: Canvas,
    view: View,
    appearance: Appearance,
    walk: _Walk,
    obstacle: Obstacle | None,
    index: int,
) -> NDArray[np.float32]:
    """Paint everybody on an empty street and return the keypoints of the frame, (17, 3)."""
    keypoints = np.zeros((NUM_KEYPOINTS, 3), np.float32)
    if not walk.is_present:
        return keypoints
    if obstacle is not None:
        obstacle.draw_behind(canvas, view, index, walk.phase_step)
    _draw_shadow(canvas, view)
    phase = walk.phase + walk.phase_step * index
    figure = pose_figure(appearance, phase, view)
    draw_figure(canvas, figure)
    if obstacle is not None:
        obstacle.draw_in_front(canvas, view, index, walk.phase_step)
    # A frame pixel is the mean of a square of canvas pixels, whose centre is half a step off.
    keypoints[:, :2] = (figure.keypoints + 0.5) / SUPERSAMPLING - 0.5
    keypoints[:, 2] = visible_keypoints(figure, canvas.owners)
    return keypoints


def _draw_shadow(canvas: Canvas, view: View) -> None:
    height, width = canvas.image.shape[:2]
    row = min(max(int(view.foot[1]), 0), height - 1)
    column = min(max(int(view.foot[0]), 0), width - 1)
    red, green, blue = (0.6 * float(channel) for channel in canvas.image[row, column])
    centre = np.array([view.foot[0] - 0.02 * view.light_from * view.scale, view.foot[1]])
    canvas.ellipse(centre, (0.17 * view.scale, 0.025 * view.scale), (red, green, blue))
