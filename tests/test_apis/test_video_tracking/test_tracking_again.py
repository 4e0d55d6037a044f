"""Tracking that goes on after a kill, has nothing to do, or finds the work of another command."""

from __future__ import annotations

import os
import signal

import pytest

from mmctl.apis.video_tracking import video_tracking as module
from mmctl.models.trackers import SORT
from tests.forked_processes import run_forked
from tests.test_apis.test_video_tracking.drawn_scene import (
    NUM_FRAMES,
    KnowingDetector,
    Scene,
    write_video,
)
from tests.test_apis.test_video_tracking.followed_street import follow, infos, read_set


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def kill_after(street, out, number):
    """Follow until a number of frames, and die there without a word."""

    detector = KnowingDetector(die_after=number, dies=die)
    follow(street, out, detector).run()


def kill_in(street, out, name):
    """Follow until a step at the end, and die before it."""

    setattr(module, name, die)
    follow(street, out).run()


@pytest.mark.parametrize(
    ("kill", "where"),
    [
        (kill_after, 0),
        (kill_after, 10),
        (kill_after, NUM_FRAMES + 5),
        (kill_in, "write_stored_blocks"),
        (kill_in, "write_annotation_file"),
        (kill_in, "put_in_place"),
    ],
)
def test_a_killed_run_leaves_no_list_and_the_same_command_finishes(street, tmp_path, kill, where):
    out = tmp_path / "set"
    follow(street, tmp_path / "whole" / "set").run()
    whole = read_set(tmp_path / "whole" / "set")
    assert run_forked(kill, [(street, out, where)]) == [-signal.SIGKILL]
    assert not (out / "annotations.json").exists()
    detector = KnowingDetector()
    follow(street, out, detector).run()
    assert read_set(out) == whole
    if where == NUM_FRAMES + 5:
        assert len(detector.asked) == NUM_FRAMES, "a finished video is not read again"


def test_detections_outlast_a_kill_block_by_block(street, tmp_path, monkeypatch):
    pytest.importorskip("trackers")
    from mmctl.apis.video_tracking import camera_pass

    monkeypatch.setattr(camera_pass, "LEAST_BLOCK", 6)
    out, other = tmp_path / "set", tmp_path / "whole" / "set"
    follow(street, other, KnowingDetector(False), SORT(), ("a.mp4",)).run()
    with pytest.raises(KeyboardInterrupt):
        follow(street, out, KnowingDetector(False, die_after=14), SORT(), ("a.mp4",)).run()
    detector = KnowingDetector(False)
    follow(street, out, detector, SORT(), ("a.mp4",)).run()
    assert detector.asked == list(range(12, NUM_FRAMES))
    assert read_set(out) == read_set(other)


def test_a_finished_command_does_nothing_and_another_is_refused(street, tmp_path):
    out = tmp_path / "set"
    follow(street, out).run()
    detector = KnowingDetector()
    assert follow(street, out, detector).run().was_finished
    assert detector.asked == []
    with pytest.raises(ValueError, match="holds a finished data set"):
        follow(street, out, stride=2).run()
    follow(street, out, stride=2).run(overwrite=True)
    assert len(infos(out)[0]["frame_paths"]) == NUM_FRAMES // 2


def test_unfinished_work_of_another_command_is_not_taken(street, tmp_path):
    out = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        follow(street, out, KnowingDetector(die_after=30)).run()
    with pytest.raises(ValueError, match=r"work of another command \(stride was 1 and is 2\)"):
        follow(street, out, stride=2).run()
    # Other settings of tracking make the crops anew.
    with pytest.raises(ValueError, match="96 boxes too short a tracklet"):
        follow(street, out, min_length=99).run()
    follow(street, out, stride=2).run(overwrite=True)
    assert len(infos(out)) == 4


def test_another_video_under_the_same_name_is_noticed(street, tmp_path):
    video = tmp_path / "a.mp4"
    video.write_bytes((street / "a.mp4").read_bytes())
    out = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        follow(tmp_path, out, KnowingDetector(die_after=5), videos=("a.mp4",)).run()
    write_video(video, Scene(seed=1).frames)
    with pytest.raises(ValueError, match="work of another command"):
        follow(tmp_path, out, videos=("a.mp4",)).run()
