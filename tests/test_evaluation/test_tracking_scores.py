import sys

import numpy as np
import pytest

from mmctl.evaluation.tracking_scores import JUNK, Tracks, identify_tracks, score_tracks


def tracks(rows, ignored=None):
    """Tracks from (frame, track, left) of boxes that are 10 wide and 20 high."""
    table = np.array(rows, float).reshape(-1, 3)
    boxes = np.zeros((len(table), 4))
    boxes[:, 0], boxes[:, 2], boxes[:, 3] = table[:, 2], 10, 20
    flags = None if ignored is None else np.array(ignored, bool)
    return Tracks(table[:, 0].astype(int), table[:, 1].astype(int), boxes, flags)


TRUTH = tracks([(frame, person, 40 * person) for frame in range(10) for person in (1, 2)])


def test_tracks_like_the_truth_are_perfect_whatever_their_numbers():
    pytest.importorskip("motmetrics")
    found = tracks(
        [(frame, 7 - person, 40 * person + 1) for frame in range(10) for person in (1, 2)]
    )
    scores = score_tracks([(TRUTH, found)])
    assert scores["IDF1"] == scores["MOTA"] == 100
    assert scores["switches"] == scores["misses"] == scores["false_alarms"] == 0
    assert scores["boxes"] == 20


def test_a_track_that_breaks_in_two_costs_its_shorter_part():
    pytest.importorskip("motmetrics")
    rows = [(f, 1 if p == 1 else (2 if f < 7 else 3), 40 * p) for f in range(10) for p in (1, 2)]
    scores = score_tracks([(TRUTH, tracks(rows))])
    # 17 of 20 boxes keep their person: IDF1 = 2 * 17 / (20 + 20).
    assert scores["IDF1"] == pytest.approx(85)
    assert scores["switches"] == 1
    # MOTA = 1 - (0 misses + 0 false alarms + 1 switch) / 20.
    assert scores["MOTA"] == pytest.approx(95)


def test_videos_are_scored_together_and_their_tracks_are_different_people():
    pytest.importorskip("motmetrics")
    nothing = tracks([])
    scores = score_tracks([(TRUTH, TRUTH), (TRUTH, nothing)])
    # 20 of 40 boxes found, none wrong: IDF1 = 2 * 20 / (40 + 20).
    assert scores["IDF1"] == pytest.approx(100 * 2 / 3)
    assert scores["misses"] == 20


def test_boxes_on_ignored_people_are_left_out():
    pytest.importorskip("motmetrics")
    truth = tracks([(f, p, 40 * p) for f in range(4) for p in (1, 2)], [0, 1] * 4)
    both = tracks([(f, p, 40 * p) for f in range(4) for p in (1, 2)])
    scores = score_tracks([(truth, both)])
    assert scores["boxes"] == 4
    assert scores["false_alarms"] == 0
    assert scores["IDF1"] == 100


def test_no_truth_is_refused():
    with pytest.raises(ValueError, match="compared with the boxes of the truth, but it has none"):
        score_tracks([(tracks([]), TRUTH)])


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "motmetrics", None)
    with pytest.raises(ImportError, match="pip install motmetrics"):
        score_tracks([(TRUTH, TRUTH)])


def test_a_track_is_who_it_follows_most_of_the_time():
    rows = [(f, 5, 40 if f < 6 else 80) for f in range(10)] + [(f, 6, 80) for f in range(6)]
    assert identify_tracks(TRUTH, tracks(rows), {1: 11, 2: 22}) == {5: 11, 6: 22}


def test_a_track_of_nobody_or_of_two_halves_is_junk():
    nobody = [(f, 1, 200) for f in range(10)]
    halves = [(f, 2, 40 if f < 5 else 80) for f in range(10)]
    beyond = [(f, 3, 40) for f in range(10, 13)]
    found = identify_tracks(TRUTH, tracks(nobody + halves + beyond), {1: 11, 2: 22})
    assert found == {1: JUNK, 2: JUNK, 3: JUNK}


def test_two_tracks_on_one_person_share_not_its_boxes():
    # The nearer box takes the person; the other one is of nobody.
    rows = [(f, track, 40 + shift) for f in range(4) for track, shift in ((1, 1), (2, 3))]
    assert identify_tracks(TRUTH, tracks(rows), {1: 11, 2: 22}) == {1: 11, 2: JUNK}
