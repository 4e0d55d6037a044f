"""tools/dataset_converters/convert_mot.py: from a video and a tracker's file to a data set."""

from __future__ import annotations

import pytest

from mmctl.datasets import TrackletDataset
from tests.test_datasets.test_tracking.conftest import folder, tracks, video, write_lines

__all__ = ["folder", "tracks", "video"]  # fixtures

TOOL = "dataset_converters/convert_mot.py"


def test_two_cameras_become_a_data_set_to_train_and_test_with(
    tmp_path, tracks, video, folder, run_tool, capsys
):
    identities = write_lines(
        tmp_path / "who.csv",
        ["camera,track_id,pid", "1,10,4", "2,10,4", "1,20,5", "2,20,5"],
    )
    cameras = ["--camera", "1", tracks, video, "--camera", "2", tracks, folder]
    arguments = [tmp_path / "out", *cameras, "--identities", identities, "--split", "random"]
    run_tool(TOOL, *map(str, [*arguments, "--stride", 2, "--min-size", 32, 20]))
    said = capsys.readouterr().out
    assert "24 boxes left out: between strides" in said
    assert "24 crops, 2 pids" in said
    root = str(tmp_path / "out")
    train, test = TrackletDataset(data_root=root), TrackletDataset(data_root=root, split="test")
    assert (len(train), len(test)) == (2, 2)
    assert train.metainfo["num_pids"] == test.metainfo["num_pids"] == 1
    with pytest.raises(SystemExit):
        run_tool(TOOL, *map(str, arguments))
    assert "holds a finished data set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "options", "message"),
    [
        ("left", [], "a camera's number must be an integer"),
        ("9" * 5000, [], "a camera's number must be an integer, 0 or more, of at most 18 digits"),
        ("1", ["--query-cameras", "5"], "query_cameras must be cameras that are given, [1],"),
        ("1", ["--min-confidence", "nan"], "min_confidence must be a number"),
        ("1", ["--split", "random", "--seed", "-1"], "seed must be 0 or more to draw from, got -1"),
    ],
)
def test_a_users_mistake_ends_in_one_line(
    number, options, message, tmp_path, tracks, video, run_tool, capsys
):
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, str(tmp_path / "out"), "--camera", number, str(tracks), str(video), *options)
    assert caught.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ground_truth_and_its_doubts_are_told(tmp_path, video, run_tool, capsys):
    lines = [f"{frame},{track},0,0,32,64,{track},1,1" for frame in range(1, 13) for track in (0, 1)]
    truth = write_lines(tmp_path / "gt.txt", lines)
    run_tool(TOOL, str(tmp_path / "out"), "--camera", "1", str(truth), str(video))
    said = capsys.readouterr()
    assert "12 boxes left out: flagged 0 (ignored) in the confidence column" in said.out
    assert "12 crops, 1 pids" in said.out
    assert "warning: " in said.err
    assert "boxes reach to 32x64 only in frames of 128x96" in said.err


def test_a_folder_of_labels_is_read(tmp_path, video, run_tool, capsys):
    (tmp_path / "labels").mkdir()
    for frame in range(1, 13):
        write_lines(tmp_path / f"labels/street_{frame}.txt", ["0 .5 .5 .5 .9 3"])
    run_tool(TOOL, str(tmp_path / "out"), "--camera", "1", str(tmp_path / "labels"), str(video))
    assert "12 crops, 1 pids" in capsys.readouterr().out


def test_boxes_beyond_a_video_that_was_cut_off_may_be_left_out(
    tmp_path, tracks, video, run_tool, capsys
):
    (tmp_path / "cut.avi").write_bytes(video.read_bytes()[: video.stat().st_size * 8 // 10])
    arguments = [str(tmp_path / "out"), "--camera", "1", str(tracks), str(tmp_path / "cut.avi")]
    with pytest.raises(SystemExit):
        run_tool(TOOL, *arguments)
    assert "--skip-missing-frames leaves" in capsys.readouterr().err
    assert not (tmp_path / "out" / "annotations.json").exists()
    run_tool(TOOL, *arguments, "--skip-missing-frames")
    assert "boxes left out: beyond the end of the video" in capsys.readouterr().out
