"""Tracklets of a video and a track file: those of convert_mot.py, in one pass."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmctl.apis import TrackedVideo
from mmctl.apis.inference import crop_spool, tracked_video
from mmctl.apis.inference.tracked_video import VideoTracklets
from mmctl.datasets.tracking import TrackSettings
from tests.test_datasets.test_tracking.conftest import (
    NUM_FRAMES,
    SIDE,
    corner,
    folder,
    track_lines,
    tracks,
    video,
    write_lines,
)

__all__ = ["folder", "tracks", "video"]  # fixtures

SETTINGS = TrackSettings(min_size=(16, 8))


def test_a_stream_gives_the_features_of_the_converted_data_set(baseline, video, tmp_path, run_tool):
    lines = track_lines(frames=range(9)) + track_lines([2], frames=range(9, NUM_FRAMES))
    tracks = write_lines(tmp_path / "tracks.txt", lines)
    out = tmp_path / "street"
    options = ["--camera", "3", str(tracks), str(video), "--min-size", "16", "8"]
    run_tool("dataset_converters/convert_mot.py", str(out), *options)
    converted = {p["track"]: p for p in baseline(out)["predictions"]}
    streamed = list(
        baseline.stream(video, tracks=tracks, track_settings=SETTINGS, camera=3, batch_size=3)
    )
    assert [p["track"] for p in streamed] == [10, 20]  # by their end
    for prediction in streamed:
        expected = converted[prediction["track"]]
        assert np.abs(prediction["feature"] - expected["feature"]).max() < 1e-6
        for key in ("num_frames", "camera", "video", "first_frame", "last_frame"):
            assert prediction[key] == expected[key], key
        assert 0 < prediction["quality"] < 1
    assert (streamed[0]["first_frame"], streamed[0]["last_frame"]) == (0, 8)
    assert streamed[0]["last_time"] == pytest.approx(0.8)  # ten frames a second
    assert streamed[0]["start"] is None


def test_a_folder_of_frames_is_a_video_and_both_may_be_dicts(baseline, folder, tracks):
    arguments = {"video": folder, "tracks": tracks, "settings": SETTINGS}
    (one, other) = baseline(arguments)["predictions"]
    again = baseline([TrackedVideo(**arguments)])["predictions"]
    assert np.array_equal(one["feature"], again[0]["feature"])
    assert one["camera"] is None
    assert other["num_frames"] == NUM_FRAMES


def test_tracklets_know_when_they_were_seen(video, tmp_path):
    lines = track_lines([1], frames=range(3, NUM_FRAMES))
    tracked = TrackedVideo(
        video,
        write_lines(tmp_path / "t.txt", lines),
        settings=SETTINGS,
        start="2024-05-31T23:59:59.8Z",
    )
    (item,) = VideoTracklets(tracked).items()
    assert item.origin["times"] == pytest.approx(np.arange(3, NUM_FRAMES) / 10)
    assert item.origin["start"] == "2024-06-01T00:00:00.1Z"
    with pytest.raises(ValueError, match="start must be a time in UTC"):
        TrackedVideo(video, "t.txt", start="noon")


def test_joints_outside_of_their_crop_are_hidden(video, tmp_path):
    lines = track_lines([1], frames=range(5))
    keypoints = np.ones((5, 17, 3), np.float32)
    for frame in range(5):
        keypoints[frame, :, :2] = corner(1, frame)
        keypoints[frame, 1, 0] += SIDE  # just beyond the right edge
    tracks = write_lines(tmp_path / "t.txt", lines)
    tracked = TrackedVideo(video, tracks, settings=SETTINGS, keypoints=keypoints)
    (item,) = VideoTracklets(tracked).items()
    assert item.keypoints[:, 0].tolist() == [[0, 0, 1]] * 5
    assert item.keypoints[:, 1].tolist() == [[SIDE, 0, 0]] * 5


def test_crops_of_a_long_track_go_to_a_file(baseline, video, tracks, monkeypatch):
    before = baseline(video, tracks=tracks, track_settings=SETTINGS)["predictions"]
    monkeypatch.setattr(crop_spool.CropSpool.__init__, "__defaults__", (100,))
    after = baseline(video, tracks=tracks, track_settings=SETTINGS)["predictions"]
    assert np.array_equal(before[0]["feature"], after[0]["feature"])


def test_keypoints_of_boxes_move_into_their_crops(ctl, video, tracks):
    keypoints = np.zeros((2 * NUM_FRAMES, 17, 3), np.float32)
    for frame in range(NUM_FRAMES):  # in the order of the lines
        for row, person in enumerate((1, 2)):
            left, top = corner(person, frame)
            keypoints[2 * frame + row] = left + 3, top + 5, 0.5 + person / 10
    found = ctl(video, tracks=tracks, track_settings=SETTINGS, keypoints=keypoints)["predictions"]
    for prediction in found:
        person = prediction["track"] / 10
        assert prediction["keypoints"].shape == (NUM_FRAMES, 17, 3)
        expected = np.tile([3, 5, 0.5 + person / 10], (NUM_FRAMES, 17, 1))
        assert np.allclose(prediction["keypoints"], expected)
    with pytest.raises(ValueError, match=r"keypoints of .*tracks.txt must be numbers \(24, 17, 3"):
        ctl(video, tracks=tracks, keypoints=keypoints[1:])


def test_going_on_in_a_video_makes_no_crop_of_what_is_done(video, tmp_path):
    lines = track_lines([1], frames=range(6)) + track_lines([2], frames=range(4, NUM_FRAMES))
    tracks = write_lines(tmp_path / "t.txt", lines)
    source = VideoTracklets(TrackedVideo(video, tracks, settings=SETTINGS))
    (last,) = source.items(start=1)
    assert last.origin["track"] == 20
    assert last.labels["tracklet_id"] == 1
    assert len(last.frames) == NUM_FRAMES - 4
    first, again = source.items()
    assert [frame[:2] for frame in first.frames] == [b"\xff\xd8"] * 6
    assert list(again.frames) == list(last.frames)


def test_boxes_at_the_border_and_behind_others_are_rated_lower(video, tmp_path):
    lines = [f"{frame},1,40,40,{SIDE},{SIDE}" for frame in range(1, 6)]
    alone = VideoTracklets(
        TrackedVideo(video, write_lines(tmp_path / "a.txt", lines), settings=SETTINGS)
    )
    lines += [f"{frame},2,{40 + SIDE // 2},40,{SIDE},{SIDE}" for frame in range(1, 5)]
    lines += [f"{frame},3,0,0,{SIDE},{SIDE}" for frame in range(1, 5)]
    several = VideoTracklets(
        TrackedVideo(video, write_lines(tmp_path / "b.txt", lines), settings=SETTINGS)
    )
    (item,) = alone.items()
    assert item.box_ratings.tolist() == [[1, 1]] * 5
    ratings = {item.origin["track"]: item.box_ratings for item in several.items()}
    assert ratings[1].tolist() == [[1, 0.5]] * 4 + [[1, 1]]  # half of it is behind the second
    assert ratings[3].tolist() == [[0.5, 1]] * 4  # at the corner


def test_what_does_not_fit_is_one_clear_line(baseline, video, tracks, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all" * 100)
    far = write_lines(tmp_path / "far.txt", [f"{i},1,5000,5000,32,64" for i in range(1, 9)])
    late = write_lines(tmp_path / "late.txt", track_lines(first_frame=40))
    short = write_lines(tmp_path / "short.txt", track_lines(frames=range(2)))
    for given, path, message in (
        (broken, tracks, "broken.mp4 cannot be decoded by OpenCV"),
        (video, far, "lie by more than half outside of the frames"),
        (video, late, "beyond the end of"),
        (video, short, "must leave at least one tracklet .* 4 boxes too short a tracklet"),
        (video, tmp_path / "none.txt", "track file .* does not exist"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
            baseline.stream(given, tracks=path, track_settings=SETTINGS)
        assert "\n" not in str(caught.value)


def test_what_is_left_out_is_said(baseline, video, tmp_path, monkeypatch):
    lines = track_lines() + [f"{frame},7,0,0,4,4,1,-1,-1,-1" for frame in range(1, 6)]
    tracks, said = write_lines(tmp_path / "t.txt", lines), []
    monkeypatch.setattr(tracked_video, "print_log", lambda text, *_: said.append(text))
    baseline.stream(video, tracks=tracks, track_settings=SETTINGS)
    assert said == [f"{video}: 5 boxes too small left out"]


def test_a_video_that_is_cut_off_is_named_when_it_ends(baseline, video, tracks, tmp_path):
    capture = cv2.VideoCapture(str(video))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == NUM_FRAMES
    cut = tmp_path / "cut.avi"
    content = video.read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ValueError, match=r"cut.avi"):
        list(baseline.stream(cut, tracks=tracks, track_settings=SETTINGS))
