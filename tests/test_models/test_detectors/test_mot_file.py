"""Boxes of another tracker in the place of a detector."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mmctl.datasets.tracking import open_source
from mmctl.models.detectors import MotFile
from tests.test_apis.test_video_tracking.drawn_scene import NUM_FRAMES, Scene, write_tracks
from tests.test_datasets.test_tracking.conftest import video

__all__ = ["video"]  # a fixture

SOURCE = SimpleNamespace(
    path="a.mp4", num_frames=NUM_FRAMES, size=(120, 200), has_frame=lambda at: at < NUM_FRAMES
)


@pytest.fixture
def tracks(tmp_path):
    return write_tracks(tmp_path / "a.txt", Scene())


def test_each_position_has_its_boxes_and_tracks(tracks):
    detector = MotFile()
    detector.start(SOURCE, tracks)
    found = detector.detect([None, None], [0, 23])
    assert found[1].tracks.tolist() == [1, 2]
    assert found[1].boxes.tolist() == Scene().found[23].boxes.tolist()
    assert found[0].scores.tolist() == [0.9, 0.8]
    assert detector.has_tracks
    assert len(detector.detect([None], [NUM_FRAMES])[0]) == 0
    assert sum(detector.finish(SOURCE).values()) == 0


def test_a_video_needs_its_file(tracks, video):
    with pytest.raises(ValueError, match=r"MotFile needs the tracks of a\.mp4"):
        MotFile().start(SOURCE, None)
    with pytest.raises(
        ValueError, match=r"frame 24 is beyond the end of .*street\.avi, which has 12"
    ):
        MotFile().start(open_source(video), tracks)


def test_tracks_that_outlast_what_can_be_decoded_are_an_error_or_left_out(tracks):
    detector = MotFile()
    detector.start(SOURCE, tracks)
    short = SimpleNamespace(path="a.mp4", num_frames=20)
    with pytest.raises(ValueError, match=r"go on to frame 24 of a\.mp4.* first 20;.* 8 boxes"):
        detector.finish(short)
    detector = MotFile(skip_missing_frames=True)
    detector.start(SOURCE, tracks)
    assert detector.finish(short)["beyond the end of the video"] == 8


def test_a_first_frame_below_zero_is_refused():
    with pytest.raises(ValueError, match="first_frame must be at least 0, got -1"):
        MotFile(first_frame=-1)
