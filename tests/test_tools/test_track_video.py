"""tools/track_video.py and label_tracklets.py: from videos to labelled tracklets."""

from __future__ import annotations

import json

import pytest

from mmctl.datasets import TrackletDataset
from tests.test_apis.test_video_tracking.drawn_scene import Scene, write_tracks, write_video

TOOL = "track_video.py"
LABEL = "dataset_converters/label_tracklets.py"
CHECK = "dataset_converters/check_dataset.py"


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    folder, scene = tmp_path_factory.mktemp("street"), Scene()
    write_video(folder / "a.mp4", scene.frames)
    write_video(folder / "b.avi", scene.frames)
    write_tracks(folder / "a.txt", scene)
    cameras = [
        {"video": "a.mp4", "camera": 1, "start": "2024-05-31T12:30:00Z", "tracks": "a.txt"},
        {"video": "b.avi", "camera": 2, "start": "2024-05-31T12:30:09Z", "tracks": "a.txt"},
    ]
    (folder / "cameras.json").write_text(json.dumps(cameras))
    (folder / "who.csv").write_text("camera,track_id,pid\n1,1,5\n1,2,6\n2,1,5\n2,2,6\n")
    return folder


def test_frames_that_a_stride_passes_over_are_not_said_to_be_used(
    street, tmp_path, run_tool, capsys
):
    arguments = ["--camera-list", str(street / "cameras.json"), "--out", str(tmp_path / "set")]
    run_tool(TOOL, *arguments, "--detector", "MotFile", "--stride", "5")
    # Frames 0, 5, 10, 15 and 20 of the 24 of each.
    said = "4 tracklets with 20 crops from 10 of 48 frames of 2 cameras"
    assert said in capsys.readouterr().out


def test_two_videos_become_a_set_that_is_labelled_trained_and_checked(
    street, tmp_path, run_tool, capsys
):
    out = tmp_path / "set"
    arguments = ["--camera-list", street / "cameras.json", "--out", out, "--detector", "MotFile"]
    run_tool(TOOL, *map(str, arguments))
    assert "4 tracklets with 96 crops from 48 frames of 2 cameras" in capsys.readouterr().out
    run_tool(TOOL, *map(str, arguments))
    assert "has been finished by this command before" in capsys.readouterr().out
    assert len(TrackletDataset(data_root=str(out), split="all")) == 4
    who = ["--identities", str(street / "who.csv"), "--split", "random"]
    run_tool(LABEL, str(out), *who)
    assert "2 pids, tracklets: {'query': 2, 'train': 2}" in capsys.readouterr().out
    named = ["--dataset", "TrackletDataset", "--data-root", str(out)]
    with pytest.raises(SystemExit) as ended:
        run_tool(CHECK, *named, "--frames", "decode")
    assert ended.value.code == 0
    assert "nothing is broken" in capsys.readouterr().out
    run_tool(LABEL, str(out), "--unlabel")
    assert "0 pids, tracklets: {'unlabelled': 4}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        run_tool(CHECK, *named, "--histogram", str(tmp_path / "sizes.png"))
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "unlabelled" in said
    assert "96 checked, 0 broken" in said
    (out / "crops/camera1/track000001_1/000003.jpg").unlink()
    with pytest.raises(SystemExit) as ended:
        run_tool(CHECK, *named, "--splits", "unlabelled", "--report", str(tmp_path / "broken.txt"))
    assert ended.value.code == 1


def test_flags_say_as_much_as_a_file(street, tmp_path, run_tool):
    videos = [street / "a.mp4", street / "b.avi"]
    starts = ["2024-05-31T14:30:00+02:00", "2024-05-31T12:30:09Z"]
    tracks = [street / "a.txt"] * 2
    flags = ["--starts", *starts, "--tracks", *tracks, "--detector", "MotFile"]
    run_tool(TOOL, *map(str, [*videos, "--out", tmp_path / "set", *flags, "--cameras", 3, 8]))
    dataset = TrackletDataset(data_root=str(tmp_path / "set"), split="all")
    found = [(row["camid"], row["start"]) for row in map(dataset.get_data_info, (0, 2))]
    assert found == [(3, "2024-05-31T12:30:00Z"), (8, "2024-05-31T12:30:09Z")]


def test_an_interrupt_says_how_to_go_on(street, tmp_path, run_tool, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mmctl.apis.video_tracking.VideoTracking.run", interrupt)
    flags = ["--tracks", street / "a.txt", "--detector", "MotFile", "--out", tmp_path / "set"]
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, *map(str, [street / "a.mp4", *flags]))
    assert caught.value.code == 130
    assert "interrupted; running the same command again goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["no.mp4"], "video or folder of frames no.mp4 does not exist"),
        ([], "at least one video must be given, or a --camera-list, got none"),
        (
            ["{}/a.mp4", "--cameras", "1", "2"],
            "--cameras must have a value for each video (1)",
        ),
        (["{}/a.mp4", "{}/b.avi", "--cameras", "1", "1"], "each camera must be given once"),
        (
            ["{}/a.mp4", "--starts", "noon"],
            "the start of {}/a.mp4 must be a time with its",
        ),
        (["{}/a.mp4", "--camera-list", "{}/cameras.json"], "--camera-list says which videos there"),
        (["{}/who.csv"], "video {}/who.csv cannot be decoded by OpenCV, not even its first frame"),
        (
            ["{}/a.mp4", "--detector", "YOLO"],
            "there is no detector 'YOLO'; known are MotFile, ",
        ),
        (["{}/a.mp4", "--weights", "no.pth"], "checkpoint no.pth does not exist; torchvision's"),
        (["{}/a.mp4", "--detector", "MotFile"], "MotFile needs the tracks of {}/a.mp4"),
        (
            ["{}/a.mp4", "--detector", "MotFile", "--weights", "a"],
            "has no argument 'weights'; it reads tracks from files and computes nothing; known",
        ),
        (
            ["{}/a.mp4", "--detector", "MotFile", "--tracker", "Sort"],
            "there is no tracker 'Sort'; known are ByteTrack, OCSORT, SORT",
        ),
        (["{}/a.mp4", "--custom-imports", "no_such_module"], "No module named 'no_such_module'"),
        (["{}/a.mp4", "--stride", "0"], "stride must be at least 1, got 0"),
    ],
)
def test_a_users_mistake_ends_in_one_line(street, tmp_path, run_tool, capsys, options, message):
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, "--out", str(tmp_path / "set"), *(text.format(street) for text in options))
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert message.format(street) in error
    assert not (tmp_path / "set").exists()


def test_labels_that_cannot_be_are_told(street, tmp_path, run_tool, capsys):
    with pytest.raises(SystemExit):
        run_tool(LABEL, str(tmp_path / "no"), "--identities", str(street / "who.csv"))
    assert "does not exist; it must hold annotations.json" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_tool(LABEL, str(tmp_path), "--unlabel", "--identities", str(street / "who.csv"))
    assert "--unlabel names nobody" in capsys.readouterr().err
