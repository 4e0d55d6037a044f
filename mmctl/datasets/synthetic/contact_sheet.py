"""Pictures that show people what was drawn: groups of look-alikes, and joints over a gait."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.frame_decoding import decode_frame
from mmctl.datasets.synthetic.appearance import CLOTHES, GROUP_SIZE, Appearance
from mmctl.datasets.synthetic.plan import PlannedTracklet, identity_of
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.files import read_bytes, write_whole
from mmctl.structures import KEYPOINT_EDGES

Picture = NDArray[np.uint8]

_PAPER, _INK = (250, 250, 248), (40, 40, 40)
_VISIBLE, _HIDDEN, _BONE = (40, 210, 60), (225, 40, 40), (255, 255, 255)
_CELL_HEIGHT, _STRIP_HEIGHT = 160, 320
_NUM_GROUPS, _NUM_STRIPS, _NUM_FRAMES = 4, 4, 8
_LABEL_WIDTH, _TITLE_HEIGHT = 150, 34
# Measured: 0.8 to 1.7 bytes per pixel, most where few people fill the sheet.
_BYTES_PER_PIXEL = 1.8


def estimate_sheet_bytes(settings: DrawnSettings) -> int:
    """Return about how many bytes the two sheets take, rounded up."""
    shape = settings.size[1] / settings.size[0]
    people = min(settings.num_train_pids, _NUM_GROUPS * GROUP_SIZE)
    groups = math.ceil(people / GROUP_SIZE)
    row = _LABEL_WIDTH + settings.num_cameras * (2 * _CELL_HEIGHT * shape + 4) + 24
    contact = row * (people * _CELL_HEIGHT + groups * _TITLE_HEIGHT)
    strips = min(settings.num_cameras * settings.tracklets_per_camera, _NUM_STRIPS)
    strip = min(settings.frames[1], _NUM_FRAMES) * _STRIP_HEIGHT * shape
    skeletons = strips * strip * (_STRIP_HEIGHT + _TITLE_HEIGHT)
    return math.ceil(_BYTES_PER_PIXEL * (contact + skeletons))


def write_contact_sheet(path: Path, settings: DrawnSettings, train: list[PlannedTracklet]) -> None:
    """Write a sheet of confuser groups: a row per person, two frames per camera.

    Args:
        path: Name of the PNG, in the root of a data set whose frames are written.
        settings: Settings of the data set.
        train: Tracklets of its training split.
    """
    people: dict[int, list[PlannedTracklet]] = {}
    for tracklet in train:
        if tracklet.number == 1:
            people.setdefault(tracklet.pid, []).append(tracklet)
    pids = list(people)[: _NUM_GROUPS * GROUP_SIZE]
    blocks = []
    for start in range(0, len(pids), GROUP_SIZE):
        rows = [_person_row(path.parent, settings, people[pid]) for pid in pids[start : start + 4]]
        group = identity_of(settings, "train", pids[start]).group
        title = _text_strip(
            rows[0].shape[1], f"confuser group {group}: the same colours on different parts"
        )
        blocks.append(np.concatenate([title, *rows]))
    pairs = [_side_by_side(blocks[start : start + 2]) for start in range(0, len(blocks), 2)]
    _write_png(path, _stack(pairs))


def _person_row(
    data_root: Path, settings: DrawnSettings, tracklets: list[PlannedTracklet]
) -> Picture:
    """Return a label and the first and middle frame of each of a person's tracklets."""
    cells = [_person_label(tracklets[0].pid, identity_of(settings, "train", tracklets[0].pid))]
    for tracklet in tracklets:
        names = tracklet.frame_names
        for name in (names[0], names[len(names) // 2]):
            cells.append(_read_frame(tracklet.folder(data_root) / name, _CELL_HEIGHT))
        cells.append(_blank(_CELL_HEIGHT, 4))
    return np.concatenate(cells, 1)


def _person_label(pid: int, looks: Appearance) -> Picture:
    """Return a pid with a patch in the colour of each garment."""
    label = _blank(_CELL_HEIGHT, _LABEL_WIDTH)
    _put_text(label, f"pid {pid:04d}", (8, 24))
    for index, garment in enumerate(CLOTHES):
        top = 42 + 28 * index
        cv2.rectangle(label, (8, top), (30, top + 20), looks.colour_of(garment), -1)
        cv2.rectangle(label, (8, top), (30, top + 20), _INK, 1)
        _put_text(label, f"{garment}: {looks.placement[index]}", (36, top + 15), size=0.38)
    return label


def write_keypoint_sheet(
    path: Path,
    settings: DrawnSettings,
    train: list[PlannedTracklet],
    keypoints: NDArray[np.float32],
) -> None:
    """Write strips of one person's gait in each camera with visible and hidden joints.

    Args:
        path: Name of the PNG, in the root of a data set whose frames are written.
        settings: Settings of the data set.
        train: Tracklets of its training split.
        keypoints: Keypoints of the frames, (frames, 17, 3), training frames first.
    """
    strips = []
    for tracklet in [item for item in train if item.pid == train[0].pid][:_NUM_STRIPS]:
        cells = []
        for index, name in enumerate(tracklet.frame_names[:_NUM_FRAMES]):
            cell = _read_frame(tracklet.folder(path.parent) / name, _STRIP_HEIGHT)
            zoom = _STRIP_HEIGHT / settings.size[0]
            cells.append(_draw_skeleton(cell, keypoints[tracklet.first_row + index], zoom))
        strip = np.concatenate(cells, 1)
        title = _text_strip(
            strip.shape[1], f"{tracklet.name}: visible joints green, hidden joints red"
        )
        strips.append(np.concatenate([title, strip]))
    _write_png(path, _stack(strips))


def _draw_skeleton(picture: Picture, keypoints: NDArray[np.float32], zoom: float) -> Picture:
    """Return a picture with the joints of a frame that it shows ``zoom`` times as large."""
    shift = 4
    places = ((keypoints[:, :2] + 0.5) * zoom - 0.5) * (1 << shift)
    corners = [(int(x), int(y)) for x, y in np.rint(places)]
    for first, second in KEYPOINT_EDGES:
        cv2.line(picture, corners[first], corners[second], _BONE, 1, cv2.LINE_AA, shift)
    for corner, score in zip(corners, keypoints[:, 2], strict=True):
        colour = _VISIBLE if score > 0 else _HIDDEN
        cv2.circle(picture, corner, 4 << shift, colour, -1, cv2.LINE_AA, shift)
    return picture


def _read_frame(path: Path, height: int) -> Picture:
    """Return a frame as RGB, resized to a height."""
    frame = decode_frame(read_bytes(path, "frame"), str(path))
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _blank(height: int, width: int) -> Picture:
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = _PAPER
    return picture


def _text_strip(width: int, text: str) -> Picture:
    strip = _blank(_TITLE_HEIGHT, width)
    _put_text(strip, text, (8, 23))
    return strip


def _put_text(picture: Picture, text: str, place: tuple[int, int], size: float = 0.52) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, _INK, 1, cv2.LINE_AA)


def _side_by_side(pictures: list[Picture]) -> Picture:
    height = max(picture.shape[0] for picture in pictures)
    padded = []
    for picture in pictures:
        below = _blank(height - picture.shape[0], picture.shape[1])
        padded += [np.concatenate([picture, below]), _blank(height, 24)]
    return np.concatenate(padded[:-1], 1)


def _stack(pictures: list[Picture]) -> Picture:
    width = max(picture.shape[1] for picture in pictures)
    rows = [
        np.concatenate([picture, _blank(picture.shape[0], width - picture.shape[1])], 1)
        for picture in pictures
    ]
    return np.concatenate(rows)


def _write_png(path: Path, picture: Picture) -> None:
    encoded, content = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
    assert encoded
    write_whole(path, content.tobytes())
