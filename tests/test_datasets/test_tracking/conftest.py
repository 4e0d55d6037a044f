"""A small street: a red and a green square that walk through the frames of a camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH, NUM_FRAMES = 96, 128, 12
SIDE = 32
COLOURS = {1: (200, 40, 40), 2: (40, 180, 60)}
"""RGB of each person."""


def corner(person: int, frame: int) -> tuple[int, int]:
    """Return left and top of a person in a frame (from 0); person 1 leaves on the right."""
    return (16 + 8 * frame, 8) if person == 1 else (8 * frame, 56)


def draw_frame(frame: int) -> np.ndarray:
    """Return a frame, RGB."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    for person, colour in COLOURS.items():
        left, top = corner(person, frame)
        picture[top : top + SIDE, left : left + SIDE] = colour
    return picture


def track_lines(persons=(1, 2), first_frame=1, frames=range(NUM_FRAMES)) -> list[str]:
    """Return what a tracker says about the street; its ids are 10 times the persons'."""
    return [
        f"{frame + first_frame},{10 * person},{left},{top},{SIDE},{SIDE},0.9,-1,-1,-1"
        for frame in frames
        for person in persons
        for left, top in [corner(person, frame)]
    ]


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("video") / "street.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in range(NUM_FRAMES):
        writer.write(np.ascontiguousarray(draw_frame(frame)[:, :, ::-1]))
    writer.release()
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "frames"
    path.mkdir()
    for frame in range(NUM_FRAMES):
        # Not padded: sorted as text, 10 would come before 2.
        cv2.imwrite(str(path / f"img{frame + 5}.png"), draw_frame(frame)[:, :, ::-1])
    return path


@pytest.fixture
def tracks(tmp_path) -> Path:
    return write_lines(tmp_path / "tracks.txt", track_lines())
