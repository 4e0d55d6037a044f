"""A drawn scene in which two people pass each other, as a video, and detectors that know it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmctl.datasets.synthetic import DrawnSettings, PlannedTracklet, draw_planned
from mmctl.models.detectors import Detector
from mmctl.structures import Detections

SIZE = HEIGHT, WIDTH = 120, 200
CROP = 96, 48
NUM_FRAMES, RATE = 24, 10
STEP = 5
"""Pixels that a person walks from frame to frame."""


class Scene:
    """What is in each frame, by its position.

    Attributes:
        frames: RGB, (HEIGHT, WIDTH, 3) each.
        found: The persons with keypoints, 1 before 2.
    """

    def __init__(self, num_frames: int = NUM_FRAMES, seed: int = 0) -> None:
        settings = DrawnSettings(size=CROP, frames=num_frames, occlusion=0.0, jitter=0.0, seed=seed)
        drawn = [
            draw_planned(settings, PlannedTracklet("train", pid, 1, 1, num_frames, 0))
            for pid in (1, 3)
        ]
        self.frames, self.found = [], []
        for at in range(num_frames):
            frame = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
            boxes, keypoints = [], []
            for person, left in zip(drawn, (STEP * at - 30, WIDTH - 60 - STEP * at), strict=True):
                top = 10
                low, high = max(left, 0), min(left + CROP[1], WIDTH)
                if high > low:
                    frame[top : top + CROP[0], low:high] = person.frames[at][
                        :, low - left : high - left
                    ]
                boxes.append([left, top, CROP[1], CROP[0]])
                keypoints.append(person.keypoints[at] + np.array([left, top, 0]))
            self.frames.append(frame)
            self.found.append(
                Detections(boxes, [0.9, 0.8], np.array(keypoints, np.float32), np.array([1, 2]))
            )


def write_video(path: Path, frames: Sequence[np.ndarray], rate: float = RATE) -> Path:
    """Write frames (RGB) at even times."""
    code = "MJPG" if path.suffix == ".avi" else "mp4v"
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), rate, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[:, :, ::-1]))
    writer.release()
    return path


def write_tracks(path: Path, scene: Scene) -> Path:
    """Write what a tracker says of a scene, as the MOT Challenge does."""
    lines = [
        f"{at + 1},{track},{left},{top},{width},{height},{score}\n"
        for at, found in enumerate(scene.found)
        for track, score, (left, top, width, height) in zip(
            found.tracks, found.scores, found.boxes, strict=True
        )
    ]
    path.write_text("".join(lines))
    return path


def interrupt() -> None:
    raise KeyboardInterrupt


class KnowingDetector(Detector):
    """Finds who is in a scene, and counts how often it is asked.

    Args:
        has_tracks: Whether it knows who they are as well.
        has_keypoints: Whether it finds joints.
        die_after: Frames after which it raises.
        dies: What it does then.
    """

    def __init__(
        self,
        has_tracks: bool = True,
        has_keypoints: bool = True,
        die_after: int | None = None,
        dies: Callable[[], None] = interrupt,
    ) -> None:
        self.scene = Scene()
        self.has_tracks, self.has_keypoints = has_tracks, has_keypoints
        self.die_after, self.dies = die_after, dies
        self.asked: list[int] = []

    def detect(self, frames, positions):
        for frame, position in zip(frames, positions, strict=True):
            assert np.abs(frame.astype(int) - self.scene.frames[position]).mean() < 12
        self.asked += positions
        if self.die_after is not None and len(self.asked) > self.die_after:
            self.dies()
        return [self._find(position) for position in positions]

    def _find(self, position):
        found = self.scene.found[position]
        return Detections(
            found.boxes,
            found.scores,
            found.keypoints if self.has_keypoints else None,
            found.tracks if self.has_tracks else None,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    scene = Scene()
    write_video(folder / "a.mp4", scene.frames)
    write_video(folder / "b.avi", scene.frames)
    write_tracks(folder / "a.txt", scene)
