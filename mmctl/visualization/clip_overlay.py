"""Draw what the model is told of a frame over it: joints, heatmaps and body parts.

Left is warm, right is cool and the middle is green, of the person and not of the picture: on a
mirrored clip the colours change sides with the joints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from mmctl.structures import KEYPOINT_EDGES, KEYPOINTS, BodyScales

Picture = NDArray[np.uint8]

LEFT = ("#ff8c00", "#ffd000", "#e8262a", "#ff6fb5")
RIGHT = ("#2f7bff", "#12cfe0", "#8a5bff", "#0b9d8c")
MIDDLE = ("#35c759", "#b9e34a", "#d9d9d9", "#8f8f8f")
"""Colours of left, right and middle parts in turn; the first of each is that of its joints."""

_SHIFT = 4
_BLACK = (20, 20, 20)
_FADED = 0.45
_PART_OPACITY = 0.5


def side_colours(keypoints: Iterable[int]) -> tuple[str, ...]:
    """Return the colours of the side that a set of joints is on.

    Args:
        keypoints: Indices of COCO-17 joints; odd ones are left, even ones but the nose right.

    Returns:
        :data:`LEFT` or :data:`RIGHT` where all joints but the nose are of this side, else
        :data:`MIDDLE`.
    """
    sides = {keypoint % 2 for keypoint in keypoints if keypoint}
    if len(sides) != 1:
        return MIDDLE
    return LEFT if 1 in sides else RIGHT


def part_colours(body: BodyScales) -> dict[str, list[str]]:
    """Return a colour for each part of ``s2`` and ``s3``.

    The s2 parts of a side get its colours in turn; an s3 part has that of its first s2 part.
    """
    used: dict[tuple[str, ...], int] = {}
    colours = []
    for part in body.s2:
        palette = side_colours(part)
        colours.append(palette[used.get(palette, 0) % len(palette)])
        used[palette] = used.get(palette, 0) + 1
    return {"s2": colours, "s3": [colours[members[0]] for members in body.s2_to_s3]}


def part_name(part: Sequence[int]) -> str:
    """Return the joints of a part in words, as ``left hip, knee`` or ``nose, eyes, ears``."""
    sides: dict[str, list[str]] = {}
    for keypoint in part:
        side, _, joint = KEYPOINTS[keypoint].rpartition("_")
        sides.setdefault(joint, []).append(side)
    words, said = [], ""
    for joint, found in sides.items():
        if len(found) > 1:
            words.append(f"{joint}s")
        elif found[0] in ("", said):
            words.append(joint)
        else:
            said = found[0]
            words.append(f"{said} {joint}")
    return ", ".join(words)


def peaks_of_heatmaps(heatmaps: NDArray, frame_size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the joints that heatmaps point to: place and height of the largest cell.

    Args:
        heatmaps: Maps that cover the whole frame, (T, 17, h, w).
        frame_size: Height and width of the frame in pixels.

    Returns:
        x, y, score in pixels of the frame, (T, 17, 3); a map without a positive cell has score 0.
    """
    height, width = heatmaps.shape[2:]
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1).astype(np.float32)
    rows, columns = np.divmod(flat.argmax(axis=-1), width)
    x = (columns + 0.5) * frame_size[1] / width - 0.5
    y = (rows + 0.5) * frame_size[0] / height - 0.5
    return np.stack([x, y, flat.max(axis=-1).clip(min=0)], axis=-1).astype(np.float32)


def enlarge_frame(frame: Picture, height: int) -> Picture:
    """Return a copy of a frame (h, w, 3) at another height, its shape kept."""
    width = max(1, round(frame.shape[1] * height / frame.shape[0]))
    smaller = height < frame.shape[0]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(frame, (width, height), interpolation=method), dtype=np.uint8)


def draw_skeleton(frame: Picture, keypoints: NDArray, height: int) -> Picture:
    """Draw joints and bones.

    A joint is a disc, the fuller in its side's colour the higher its score is; a joint of score 0
    is an empty ring and its bones are thin. Joints without a place are not drawn.

    Args:
        frame: RGB frame, (h, w, 3) uint8.
        keypoints: x, y, score in pixels of the frame (integers are pixel centres), (17, 3); NaN
            where nobody has said the place.
        height: Height of the picture in pixels.

    Returns:
        The enlarged frame with its joints, (height, W, 3) uint8.
    """
    picture = enlarge_frame(frame, height)
    has_place = np.isfinite(keypoints).all(axis=1)
    places = _places(frame, picture, np.nan_to_num(keypoints))
    scores = np.clip(keypoints[:, 2], 0, 1)
    thick, radius = max(1, height // 110), max(3, height // 52)
    for first, second in KEYPOINT_EDGES:
        if not (has_place[first] and has_place[second]):
            continue
        colour = _rgb(side_colours((first, second))[0])
        width = thick if min(scores[first], scores[second]) > 0 else 1
        cv2.line(picture, places[first], places[second], colour, width, cv2.LINE_AA, _SHIFT)
    for keypoint, (place, score) in enumerate(zip(places, scores.tolist(), strict=True)):
        colour = _rgb(side_colours((keypoint,))[0])
        if not has_place[keypoint]:
            continue
        if score == 0:
            _disc(picture, place, radius, colour, thickness=1)
            continue
        _disc(picture, place, radius, _BLACK)
        pale = tuple(round(255 + (channel - 255) * score) for channel in colour)
        _disc(picture, place, radius - 1, colour)
        _disc(picture, place, radius - 2, pale)
    return picture


def draw_heatmaps(frame: Picture, heatmaps: NDArray, height: int) -> Picture:
    """Draw all maps over the darkened frame, each in the colour of its joint's side.

    Args:
        frame: RGB frame, (h, w, 3) uint8.
        heatmaps: Raw maps that cover the frame, (17, h', w'); values up to 0 are not seen, 1 and
            more hide the frame.
        height: Height of the picture in pixels.

    Returns:
        The enlarged frame with the maps, (height, W, 3) uint8.
    """
    grey = cv2.cvtColor(enlarge_frame(frame, height), cv2.COLOR_RGB2GRAY)
    picture = np.repeat(_FADED * grey[..., None].astype(np.float32), 3, axis=2)
    size = (picture.shape[1], picture.shape[0])
    for palette in (MIDDLE, LEFT, RIGHT):
        own = [k for k in range(len(KEYPOINTS)) if side_colours((k,)) == palette]
        strongest = heatmaps[own].astype(np.float32).max(axis=0)
        opacity = np.clip(cv2.resize(strongest, size), 0, 1)[..., None]
        picture += opacity * (np.array(_rgb(palette[0]), dtype=np.float32) - picture)
    return np.rint(picture).clip(0, 255).astype(np.uint8)


def draw_parts(
    frame: Picture,
    keypoints: NDArray,
    parts: Sequence[Sequence[int]],
    colours: Sequence[str],
    height: int,
) -> Picture:
    """Draw the area of each body part: the rounded hull of those of its joints that are seen.

    Parts of many joints lie under parts of few, and a part without a seen joint is left out.

    Args:
        frame: RGB frame, (h, w, 3) uint8.
        keypoints: x, y, score in pixels of the frame, (17, 3); score 0 means not seen.
        parts: Joints of each part.
        colours: Colour of each part.
        height: Height of the picture in pixels.

    Returns:
        The enlarged, greyed frame with its parts, (height, W, 3) uint8.
    """
    grey = cv2.cvtColor(enlarge_frame(frame, height), cv2.COLOR_RGB2GRAY)
    picture: Picture = np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    places = np.array(_places(frame, picture, np.nan_to_num(keypoints)), dtype=np.int32)
    for index in sorted(range(len(parts)), key=lambda index: -len(parts[index])):
        seen = [keypoint for keypoint in parts[index] if keypoints[keypoint, 2] > 0]
        if not seen:
            continue
        hull = cv2.convexHull(places[seen])
        mask = np.zeros(picture.shape[:2], dtype=np.uint8)
        cv2.fillConvexPoly(mask, hull, (255,), cv2.LINE_AA, _SHIFT)
        cv2.polylines(mask, [hull], True, (255,), max(3, height // 18), cv2.LINE_AA, _SHIFT)
        colour = _rgb(colours[index])
        opacity = _PART_OPACITY * mask[..., None] / 255
        picture = np.rint(picture + opacity * (np.array(colour) - picture)).astype(np.uint8)
        edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, edges, -1, colour, 1, cv2.LINE_AA)
    return picture


def _places(frame: Picture, picture: Picture, keypoints: NDArray) -> list[tuple[int, int]]:
    """Return the joints in sixteenths of a pixel of an enlarged frame, as OpenCV draws them."""
    zoom = np.array([picture.shape[1] / frame.shape[1], picture.shape[0] / frame.shape[0]])
    places = ((keypoints[:, :2] + 0.5) * zoom - 0.5) * (1 << _SHIFT)
    return [(int(x), int(y)) for x, y in np.rint(places)]


def _disc(
    picture: Picture,
    place: tuple[int, int],
    radius: int,
    colour: Sequence[int],
    thickness: int = -1,
) -> None:
    cv2.circle(picture, place, radius << _SHIFT, tuple(colour), thickness, cv2.LINE_AA, _SHIFT)


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (round(255 * channel) for channel in to_rgb(colour))
    return red, green, blue
