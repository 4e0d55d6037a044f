"""Trackers of Roboflow's library behind our interface."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mmctl.models.trackers import SORT, ByteTrack
from mmctl.registry import TRACKERS
from mmctl.structures import Detections

NAMES = ("ByteTrack", "OCSORT", "SORT")


def walk(frame: int) -> Detections:
    """Two people who walk towards each other, the second listed first, on another height."""
    boxes = [[80 - 3 * frame, 60, 12, 30], [10 + 3 * frame, 10, 12, 30]]
    return Detections(boxes, [0.8, 0.9])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("has_clock", [True, False])
def test_people_keep_their_tracks_and_boxes(name, has_clock):
    pytest.importorskip("trackers")
    tracker = TRACKERS.build({"type": name})
    tracker.start(10.0)
    found = [tracker.update(walk(at), at / 10 if has_clock else None) for at in range(8)]
    assert found[-1].tracks.tolist() == [0, 1]
    by_track = [one.boxes[:, 1].tolist() for one in found if len(one) == 2]
    assert len(by_track) >= 5
    assert all(tops == by_track[0] for tops in by_track)
    # Boxes stay those of the detector.
    assert sorted(found[-1].boxes.tolist()) == sorted(walk(7).boxes.tolist())
    assert len(tracker.update(Detections([], []), 0.9 if has_clock else None)) == 0


def test_keypoints_stay_with_their_person():
    pytest.importorskip("trackers")
    tracker = SORT(minimum_consecutive_frames=1)
    tracker.start(10.0)
    for at in range(4):
        people = walk(at)
        people.keypoints = np.repeat(people.boxes[:, None, :3], 17, axis=1).astype(np.float32)
        found = tracker.update(people, at / 10)
    assert len(found) == 2
    assert (found.keypoints[:, 0] == found.boxes[:, :3]).all()


def test_a_new_video_starts_with_nobody():
    pytest.importorskip("trackers")
    tracker = ByteTrack(minimum_consecutive_frames=1)
    for _ in range(2):
        tracker.start(10.0)
        found = [tracker.update(walk(at), at / 10) for at in range(4)]
        assert found[-1].tracks.tolist() == [0, 1]


def test_the_record_has_options_and_version():
    pytest.importorskip("trackers")
    origin = ByteTrack(lost_track_buffer=9).origin()
    assert origin["options"] == {"lost_track_buffer": 9}
    assert origin["trackers"][0].isdecimal()


def test_an_unknown_option_is_refused_with_the_known_ones():
    pytest.importorskip("trackers")
    with pytest.raises(ValueError, match="SORT has no option 'high'; known are lost_track_buffer"):
        SORT(high=1)


def test_without_the_library_the_command_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "trackers", None)
    with pytest.raises(ImportError, match=r"pip install 'mmctl\[track\]'.*MotFile"):
        ByteTrack()
