from pathlib import Path

import numpy as np
import pytest

from mmctl.datasets.tracking.frame_source import FrameSource
from mmctl.datasets.tracking.track_boxes import TrackBoxes
from mmctl.datasets.tracking.track_fit import check_fit


class Frames(FrameSource):
    path, num_frames, size = Path("street.mp4"), 40, (360, 640)


def track(boxes, tracks=None, frames=None, named=False):
    """Return boxes (n, 4), each of a track of its own where nothing else is said."""
    count = len(boxes)
    return TrackBoxes(
        Path("t.txt"),
        np.arange(1, count + 1),
        np.arange(1, count + 1) if frames is None else np.array(frames),
        np.arange(count) if tracks is None else np.array(tracks),
        np.array(boxes, dtype=float),
        np.ones(count),
        named,
    )


def street(count=40):
    """Return people all over the frame: left, top, width and height."""
    generator = np.random.default_rng(0)
    places = generator.uniform((0, 50), (600, 180), (count, 2))
    return np.concatenate([places, np.full((count, 2), (40, 160))], axis=1)


def to_corners(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def test_boxes_of_the_video_say_nothing():
    assert check_fit(track(street()), Frames(), 1) == []


def test_people_who_leave_say_nothing():
    boxes = street(100)
    boxes[:4, 0] = 625
    assert check_fit(track(boxes, tracks=[0] * 100), Frames(), 1) == []


@pytest.mark.parametrize("scale", [1 / 640, 1 / 360, 1 / 100])
def test_shares_of_the_frame_are_refused(scale):
    message = r"t\.txt: boxes must be in pixels, but half of the 40 are at most 2 pixels wide"
    with pytest.raises(ValueError, match=message):
        check_fit(track(street() * scale), Frames(), 1)


def test_corners_in_the_place_of_sides_are_refused():
    corners = to_corners(street())
    with pytest.raises(ValueError, match=r"t\.txt: the third and fourth .*--boxes ltrb reads them"):
        check_fit(track(corners), Frames(), 1)


def test_corners_that_somebody_named_are_believed():
    corners = to_corners(np.array([[10, 20, 30, 90]] * 12))
    boxes = track(corners, tracks=[1] * 12, frames=[40] * 12, named=True)
    assert not any("bottom do" in text for text in check_fit(boxes, Frames(), 1))


def test_corners_of_one_who_walks_in_the_upper_left_are_refused():
    boxes = np.array([[10 + 4 * step, 20, 30, 90] for step in range(12)])
    with pytest.raises(ValueError, match="as right and bottom do"):
        check_fit(track(to_corners(boxes), tracks=[1] * 12), Frames(), 1)


def test_corners_of_one_who_stands_in_the_upper_left_are_doubted():
    corners = to_corners(np.array([[10, 20, 30, 90]] * 12))
    warnings = check_fit(track(corners, tracks=[1] * 12), Frames(), 1)
    assert "as right and bottom do" in warnings[0]


def test_one_who_walks_in_the_upper_left_with_sides_is_not_refused():
    boxes = [[10 + 2 * step, 20, 60 + step % 2, 90] for step in range(20)]
    warnings = check_fit(track(boxes, tracks=[1] * 20), Frames(), 1)
    assert "as right and bottom do" in warnings[0]


def test_boxes_of_a_larger_copy_are_doubted_with_counts():
    (text,) = check_fit(track(street() * 1.5), Frames(), 1)
    assert "of 40 boxes lie by more than half outside of the frames of street.mp4, 640x360" in text
    assert "are they of a larger copy or another video" in text


@pytest.mark.parametrize("scale", [2, 4])
def test_boxes_that_are_outside_for_the_most_part_are_refused(scale):
    message = r"t\.txt: \d+ of 40 boxes .* \d+ of 40 tracks wholly; they reach to"
    with pytest.raises(ValueError, match=message):
        check_fit(track(street() * scale), Frames(), 1)


def test_centres_in_the_place_of_corners_are_doubted():
    boxes = street()
    boxes[:, :2] += boxes[:, 2:] / 2
    (text,) = check_fit(track(boxes), Frames(), 1)
    assert "by more than a tenth" in text
    assert "or is a box not left, top" in text


def test_boxes_of_a_video_on_its_side_are_told():
    boxes = street()[:, [1, 0, 3, 2]]
    (text,) = check_fit(track(boxes), Frames(), 1)
    assert text.endswith("was the video on its side when it was tracked?")


@pytest.mark.parametrize("scale", [2 / 3, 0.5, 100 / 640])
def test_boxes_of_a_smaller_copy_are_doubted(scale):
    texts = check_fit(track(street(200) * scale, frames=[40] * 200), Frames(), 1)
    assert "only in frames of 640x360 pixels (width x height): are they of a smaller" in texts[0]


def test_one_track_that_is_wholly_outside_is_doubted():
    boxes = np.concatenate([street(100), [[700, 10, 40, 100]]])
    (text,) = check_fit(track(boxes), Frames(), 1)
    assert "1 of 101 boxes" in text
    assert "1 of 101 tracks wholly" in text


@pytest.mark.parametrize(("first_frame", "last"), [(1, 20), (0, 19)])
def test_tracks_of_every_second_frame_are_doubted(first_frame, last):
    boxes = track(street(), frames=[last] * 40)
    (text,) = check_fit(boxes, Frames(), first_frame)
    assert "tracks end at frame 20 of 40 in street.mp4" in text
    assert check_fit(track(street(), frames=[last + 10] * 40), Frames(), first_frame) == []
