"""One frame of a street, painted from far to near, and the truth about it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmctl.datasets.synthetic.camera import SUPERSAMPLING
from mmctl.datasets.synthetic.canvas import Canvas
from mmctl.datasets.synthetic.figure import Figure, View, pose_figure
from mmctl.datasets.synthetic.figure_painting import draw_figure
from mmctl.datasets.synthetic.keypoint_visibility import visible_keypoints
from mmctl.datasets.synthetic.random_streams import street_stream
from mmctl.datasets.synthetic.street.street_camera import make_street_camera
from mmctl.datasets.synthetic.street.street_scene import Thing
from mmctl.datasets.synthetic.street.street_settings import StreetSettings
from mmctl.datasets.synthetic.street.walks import Visit, person_of
from mmctl.structures import NUM_KEYPOINTS

_REACH = (0.65, 1.3)
"""Half the width, and the height, of what a body may cover, in heights; both with a margin."""

_THING = -1
"""Owner of the pixels of posts and planters."""


@dataclass(frozen=True)
class FrameTruth:
    """The people of one frame, n of them, in the order of their tracks.

    Attributes:
        tracks: Track numbers, (n,) int32.
        boxes: Left, top, right, bottom of all of the body that lies in the frame, hidden or not, in
            pixels from the frame's left and upper edge, (n, 4) float32.
        areas: Pixels of the frame that the bodies cover or would if nothing hid them, (n,) float32.
        visible: Share of each body that is seen: neither hidden nor outside, (n,) float32.
        keypoints: x, y and score, (n, 17, 3) float32. Integers are pixel centres; the score is 1
            for a visible joint and 0 for a hidden one, whose place is known all the same.
    """

    tracks: NDArray[np.int32]
    boxes: NDArray[np.float32]
    areas: NDArray[np.float32]
    visible: NDArray[np.float32]
    keypoints: NDArray[np.float32]


@dataclass(frozen=True)
class _Cut:
    """A rectangle that may reach beyond the canvas.

    Attributes:
        own: Its rows and columns that lie on the canvas.
        there: The same rows and columns of the canvas.
    """

    own: tuple[slice, slice]
    there: tuple[slice, slice]

    @classmethod
    def of(cls, corner: tuple[int, int], size: tuple[int, int], canvas: tuple[int, ...]) -> _Cut:
        """Return the cut with an upper left corner (x, y) and a size (h, w)."""
        own, there = [], []
        for first, length, whole in zip(corner[::-1], size, canvas, strict=True):
            begin, end = (min(max(side, 0), whole) for side in (first, first + length))
            own.append(slice(begin - first, end - first) if begin < end else slice(0, 0))
            there.append(slice(begin, end))
        return cls((own[0], own[1]), (there[0], there[1]))


@dataclass(frozen=True)
class _Painted:
    """A person on the canvas.

    Attributes:
        track: Its number.
        corner: Canvas column and row of the first pixel of the mask.
        cut: The mask and the canvas.
        mask: Which pixels its body covers, also beyond the canvas, (h, w).
        keypoints: Canvas pixels of the joints, (17, 2).
        seen: Which of them its own body does not hide, (17,).
    """

    track: int
    corner: tuple[int, int]
    cut: _Cut
    mask: NDArray[np.bool_]
    keypoints: NDArray[np.float64]
    seen: NDArray[np.bool_]


class StreetPainter:
    """Draws the frames of one camera, each by itself and in any order.

    Args:
        settings: The street.
        camid: The camera, from 1.
        visits: The visits of the camera.
    """

    def __init__(self, settings: StreetSettings, camid: int, visits: list[Visit]) -> None:
        self.settings = settings
        self.camid = camid
        self.camera = make_street_camera(settings, camid)
        self.visits = visits

    def draw(self, index: int) -> tuple[NDArray[np.uint8], FrameTruth]:
        """Return frame ``index`` (from 0), RGB (h, w, 3) uint8, and who is in it."""
        height, width = self.settings.size
        second = index / self.settings.fps
        image = self.camera.scene.copy()
        owners = np.zeros(image.shape[:2], np.int32)
        painted: list[_Painted | None] = []
        for item in self._from_far_to_near(second):
            if isinstance(item, Thing):
                item.draw(image, self.camera.ground)
                corners = np.rint(item.outline(self.camera.ground)).astype(np.int32)
                cv2.fillPoly(owners, [corners], (_THING,))
            else:
                painted.append(self._paint(image, owners, item, second))
        picture = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        rng = street_stream(self.settings.seed, "sensor", self.camid, index)
        people = [person for person in painted if person is not None]
        truth = _tell(people, owners)
        return self.camera.develop(np.asarray(picture, np.uint8), rng), truth

    def _from_far_to_near(self, second: float) -> list[Visit | Thing]:
        present = [visit for visit in self.visits if visit.begin <= second < visit.end]
        placed: list[tuple[float, int, Visit | Thing]] = [
            (-visit.place(second)[1], visit.track, visit) for visit in present
        ]
        placed += [(-thing.away, 0, thing) for thing in self.camera.things]
        return [item for _, _, item in sorted(placed, key=lambda entry: entry[:2])]

    def _paint(
        self, image: NDArray[np.uint8], owners: NDArray[np.int32], visit: Visit, second: float
    ) -> _Painted | None:
        """Paint a person and its shadow; None if it is wholly outside of the canvas."""
        figure, corner, size = self._place(visit, second)
        cut = _Cut.of(corner, size, image.shape[:2])
        window = image[cut.there]
        if not window.size:
            return None
        # A body at the edge is painted whole, or nobody would know which share of it is seen.
        patch = window if window.shape[:2] == size else np.zeros((*size, 3), np.uint8)
        patch[cut.own] = window
        canvas = Canvas(patch)
        _draw_shadow(canvas, figure.view)
        draw_figure(canvas, figure)
        mask = canvas.owners > 0
        seen = visible_keypoints(figure, canvas.owners)
        window[:] = patch[cut.own]
        owners[cut.there][mask[cut.own]] = visit.track
        return _Painted(visit.track, corner, cut, mask, figure.keypoints + corner, seen)

    def _place(
        self, visit: Visit, second: float
    ) -> tuple[Figure, tuple[int, int], tuple[int, int]]:
        """Return a person in a cut of the canvas, with the cut's corner (x, y) and (h, w)."""
        across, away = visit.place(second)
        ground = self.camera.ground
        scale = ground.scale(away) * SUPERSAMPLING
        # Half a pixel less: canvas coordinates count from the first pixel's centre.
        foot = [place * SUPERSAMPLING - 0.5 for place in ground.project(across, away)]
        pitch = ground.pitch(away)
        left, top = int(foot[0] - _REACH[0] * scale), int(foot[1] - _REACH[1] * scale)
        below = (0.1 + 0.5 * pitch) * scale
        size = (int(foot[1] + below) - top, int(2 * _REACH[0] * scale))
        place = (foot[0] - left, foot[1] - top)
        view = View(visit.yaw(second), pitch, place, scale, self.camera.light_from)
        looks = person_of(self.settings, visit.pid)
        return pose_figure(looks, visit.gait(second), view), (left, top), size


def _draw_shadow(canvas: Canvas, view: View) -> None:
    centre = np.array([view.foot[0] - 0.02 * view.light_from * view.scale, view.foot[1]])
    height, width = canvas.image.shape[:2]
    row = min(max(int(view.foot[1]), 0), height - 1)
    column = min(max(int(view.foot[0]), 0), width - 1)
    red, green, blue = (0.6 * float(channel) for channel in canvas.image[row, column])
    flat = max(0.025, 0.14 * view.pitch)
    canvas.ellipse(centre, (0.17 * view.scale, flat * view.scale), (red, green, blue))


def _tell(painted: list[_Painted], owners: NDArray[np.int32]) -> FrameTruth:
    """Return what a frame shows of the painted people, those outside of it left out."""
    rows = []
    for person in sorted(painted, key=lambda item: item.track):
        box = _box(person)
        if box is not None:
            rows.append((person.track, box, *_look(person, owners)))
    tracks = np.array([row[0] for row in rows], np.int32)
    boxes = np.array([row[1] for row in rows], np.float32).reshape(-1, 4)
    areas, visible = (np.array([row[i] for row in rows], np.float32) for i in (2, 3))
    keypoints = np.array([row[4] for row in rows], np.float32).reshape(-1, NUM_KEYPOINTS, 3)
    return FrameTruth(tracks, boxes, areas, visible, keypoints)


def _box(person: _Painted) -> tuple[float, ...] | None:
    """Return the sides of a body's part inside the frame; None if it has none."""
    inside = person.mask[person.cut.own]
    if not inside.any():
        return None
    rows, columns = (
        np.flatnonzero(inside.any(axis=axis)) + place.start
        for axis, place in zip((1, 0), person.cut.there, strict=True)
    )
    corners = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return tuple(float(side) / SUPERSAMPLING for side in corners)


def _look(person: _Painted, owners: NDArray[np.int32]) -> tuple[float, float, NDArray[np.float64]]:
    """Return a body's pixels in the frame, its visible share, and its keypoints, (17, 3)."""
    inside = person.mask[person.cut.own]
    own = inside & (owners[person.cut.there] == person.track)
    share = np.count_nonzero(own) / np.count_nonzero(person.mask)
    area = np.count_nonzero(inside) / SUPERSAMPLING**2
    x, y = np.rint(person.keypoints).astype(int).T
    seen = person.seen & (x >= 0) & (x < owners.shape[1]) & (y >= 0) & (y < owners.shape[0])
    seen[seen] = owners[y[seen], x[seen]] == person.track
    places = (person.keypoints + 0.5) / SUPERSAMPLING - 0.5
    return area, float(share), np.concatenate([places, seen[:, None]], axis=1)
