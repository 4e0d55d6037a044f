"""A picture that shows people what a street is: moments of each camera, with truth and without."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.street.street_frame import FrameTruth, StreetPainter
from mmctl.datasets.synthetic.street.street_settings import StreetSettings
from mmctl.datasets.synthetic.street.walks import Visit
from mmctl.files import write_whole
from mmctl.structures import KEYPOINT_EDGES

Picture = NDArray[np.uint8]

_MOMENTS = 3
_WIDTH = 480
_VISIBLE, _HIDDEN, _BONE = (40, 210, 60), (225, 40, 40), (255, 255, 255)
_TITLE_HEIGHT = 24
_PAPER, _INK = (250, 250, 248), (40, 40, 40)
_SHIFT = 4


def write_sheet(path: Path, settings: StreetSettings, visits: dict[int, list[Visit]]) -> None:
    """Write a row per camera with its busiest moments, boxes in the colour of the person.

    Args:
        path: Name of the PNG.
        settings: The street.
        visits: The visits of each camera.
    """
    rows = []
    for camid, walks in visits.items():
        painter = StreetPainter(settings, camid, walks)
        pids = {visit.track: visit.pid for visit in walks}
        cells = [
            _label(*painter.draw(index), pids, f"camera {camid}, {index / settings.fps:.1f} s")
            for index in _choose_moments(settings, walks)
        ]
        rows.append(np.concatenate(cells, 1))
    encoded, content = cv2.imencode(".png", np.concatenate(rows)[..., ::-1])
    assert encoded
    write_whole(path, content.tobytes())


def _choose_moments(settings: StreetSettings, walks: list[Visit]) -> list[int]:
    """Return the frame with the most people of each third of the video."""
    total = settings.num_frames
    bounds = np.linspace(0, total, _MOMENTS + 1).astype(int)
    chosen = []
    for first, end in itertools.pairwise(bounds):
        indices = np.unique(np.linspace(first, max(first, end - 1), 60).astype(int))
        seconds = indices / settings.fps
        # In the middle of their way, not as they come in.
        counts = [sum(v.begin + 1.5 <= second < v.end - 1.5 for v in walks) for second in seconds]
        chosen.append(int(indices[int(np.argmax(counts))]))
    return chosen


def _label(frame: Picture, truth: FrameTruth, pids: dict[int, int], title: str) -> Picture:
    zoom = _WIDTH / frame.shape[1]
    size = (_WIDTH, round(frame.shape[0] * zoom))
    picture = np.array(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
    for row, track in enumerate(truth.tracks.tolist()):
        colour = person_colour(pids[track])
        left, top, right, bottom = (round(float(side) * zoom) for side in truth.boxes[row])
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), colour, 1)
        _draw_joints(picture, truth.keypoints[row], zoom)
        place = (left, max(9, top - 3))
        cv2.putText(picture, str(pids[track]), place, 0, 0.4, colour, 1, cv2.LINE_AA)
    strip = np.full((_TITLE_HEIGHT, _WIDTH, 3), _PAPER, np.uint8)
    cv2.putText(strip, title, (6, 17), 0, 0.45, _INK, 1, cv2.LINE_AA)
    cell = np.concatenate([strip, picture])
    cell[:, -2:] = _PAPER
    return cell


def person_colour(pid: int) -> tuple[int, int, int]:
    """Return the RGB of a person's box: neighbours in number differ much in hue."""
    hue = np.array([[[pid * 47 % 180, 220, 255]]], np.uint8)
    red, green, blue = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue


def _draw_joints(picture: Picture, joints: NDArray[np.float32], zoom: float) -> None:
    places = np.rint(((joints[:, :2] + 0.5) * zoom - 0.5) * (1 << _SHIFT)).astype(int).tolist()
    for first, second in KEYPOINT_EDGES:
        if joints[first, 2] > 0 and joints[second, 2] > 0:
            cv2.line(picture, places[first], places[second], _BONE, 1, cv2.LINE_AA, _SHIFT)
    for place, score in zip(places, joints[:, 2], strict=True):
        colour = _VISIBLE if score > 0 else _HIDDEN
        cv2.circle(picture, place, 1 << _SHIFT, colour, -1, cv2.LINE_AA, _SHIFT)
