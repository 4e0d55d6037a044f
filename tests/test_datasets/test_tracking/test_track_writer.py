import csv
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mmctl.datasets import TrackletDataset
from mmctl.datasets.tracking import (
    Camera,
    SplitChoice,
    TrackSettings,
    TrackWriter,
    open_source,
    read_mot_file,
    set_folder,
    track_writer,
)
from mmctl.datasets.tracking.set_folder import check_folder
from tests.test_datasets.test_tracking.conftest import COLOURS, NUM_FRAMES, SIDE, corner

PIPELINE = [
    {"type": "mmctl.SampleClip", "clip_len": NUM_FRAMES, "mode": "dense"},
    {"type": "mmctl.LoadFrames"},
    {"type": "mmctl.ResizeClip", "size": (SIDE, SIDE)},
    {"type": "mmctl.PackClip"},
]
IDENTITIES = {(1, 10): 7, (2, 20): 7, (1, 20): 9, (2, 10): 9}


@pytest.fixture
def writer(tmp_path, tracks, folder, video):
    """A street seen by two cameras, a folder and a video, that see the same."""

    def build(identities=None, choice=None, **settings):
        settings = TrackSettings(**{"min_size": (SIDE, 1), **settings})
        cameras = [
            Camera(camid, read_mot_file(tracks), open_source(source))
            for camid, source in ((1, folder), (2, video))
        ]
        return TrackWriter(
            tmp_path / "out", cameras, settings, identities, choice or SplitChoice(), "street"
        )

    return build


def test_crops_show_the_tracked_person(writer, tmp_path):
    counts = []
    writer(IDENTITIES, SplitChoice("train")).write(counts.append)
    dataset = TrackletDataset(data_root=str(tmp_path / "out"), pipeline=PIPELINE)
    assert len(dataset) == 4
    assert sum(counts) == 48
    assert dataset.metainfo == {"dataset_name": "street", "num_pids": 2}
    for index in range(4):
        item = dataset[index]
        sample = item["data_samples"]
        # Person 1 is track 10, which is pid 7 in camera 1 and pid 9 in camera 2.
        person = 1 if (sample.pid, sample.camid) in ((7, 1), (9, 2)) else 2
        frames = item["inputs"][0].permute(0, 2, 3, 1).numpy().astype(int)  # (T, H, W, 3)
        assert np.abs(frames - COLOURS[person]).mean(axis=(1, 2, 3)).max() < 12
        assert sample.clip_weights.tolist() == [NUM_FRAMES]


def test_a_person_at_the_border_is_cropped_where_the_frame_ends(writer, tmp_path):
    writer(IDENTITIES).write()
    dataset = TrackletDataset(data_root=str(tmp_path / "out"), split="test", pipeline=PIPELINE[:2])
    frames = next(item["frames"] for item in map(dataset.__getitem__, range(4)) if item["pid"] == 7)
    left, _ = corner(1, NUM_FRAMES - 1)
    assert frames[0].shape == (SIDE, SIDE, 3)
    assert frames[-1].shape == (SIDE, 128 - left, 3)


def test_without_a_map_every_track_is_a_person_of_its_own(writer):
    built = writer()
    assert built.pids == [1, 2, 3, 4]
    assert built.splits == ["query"] * 4


def test_pieces_of_a_track_are_one_person(writer, tracks):
    lines = tracks.read_text().splitlines()
    tracks.write_text("\n".join(line for line in lines if not line.startswith(("5,", "6,"))))
    built = writer(max_gap=1)
    assert built.pids == [1, 1, 2, 2, 3, 3, 4, 4]
    assert built.splits.count("query") == 4


def test_tracks_that_the_map_lacks_are_left_out_and_counted(writer):
    built = writer({(1, 10): 3, (2, 20): 0})
    assert built.pids == [3, 0]
    assert built.splits == ["query", "gallery"]
    assert built.dropped["not in the identity map"] == 24


def test_a_map_of_other_tracks_is_doubted(writer):
    assert writer({**IDENTITIES, (3, 10): 1, (1, 30): 2}).warnings == [
        "2 of 6 tracks in the identity map are in no track file, the first one is track 30 of "
        "camera 1: was it made of other tracks?"
    ]


def test_the_table_names_track_time_and_folder(writer, tmp_path):
    writer(IDENTITIES).write()
    with (tmp_path / "out" / "tracks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "camera": "1",
        "track_id": "20",
        "pid": "9",
        "split": "query",
        "first_frame": "1",
        "last_frame": "12",
        "crops": "12",
        "folder": "crops/camera1/track000020_1",
    }
    assert len(list((tmp_path / "out" / rows[1]["folder"]).iterdir())) == 12


def test_nothing_left_is_an_error_with_reasons(writer):
    with pytest.raises(ValueError, match=r"at least one tracklet.* 48 boxes too small"):
        writer(min_size=(90, 90))


def test_a_query_camera_that_is_not_given_is_refused(writer):
    with pytest.raises(ValueError, match=r"query_cameras must be .*\[1, 2\].*got 5$"):
        writer(IDENTITIES, SplitChoice(query_cameras=(1, 5)))


def test_a_test_without_a_query_is_refused(writer):
    # Camera 1 sees nobody but distractors.
    identities = {(1, 10): 0, (1, 20): 0, (2, 10): 1, (2, 20): 2}
    with pytest.raises(ValueError, match=r"must have a query, got none among 4 .*\(1,\)"):
        writer(identities, SplitChoice(query_cameras=(1,)))
    assert "query" not in writer(identities, SplitChoice("train")).splits


def test_a_camera_given_twice_is_refused(tmp_path, tracks, folder):
    camera = Camera(1, read_mot_file(tracks), open_source(folder))
    with pytest.raises(ValueError, match=r"each camera must be given once.* camera 1 twice"):
        TrackWriter(tmp_path, [camera] * 2, TrackSettings(), None, SplitChoice(), "street")


@pytest.fixture
def die(monkeypatch):
    """Let a name of the writer's module work so many times, then kill the run."""

    def call(name, times):
        done, function = [], getattr(track_writer, name)

        def work(*args, **options):
            done.append(args)
            if len(done) > times:
                raise KeyboardInterrupt
            return function(*args, **options)

        monkeypatch.setattr(track_writer, name, work)

    return call


def read_set(out):
    """Return the files of a data set, below its folder."""
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_the_list_says_where_crops_are_from(writer, tmp_path):
    writer(stride=5, min_length=2).write()
    infos = [
        TrackletDataset(data_root=str(tmp_path / "out"), split="all").get_data_info(index)
        for index in range(4)
    ]
    assert [info["video"] for info in infos] == ["frames"] * 2 + ["street.avi"] * 2
    assert [info["track"] for info in infos] == [10, 20, 10, 20]
    # Frame 1 of the tracker is the first one, at position 0.
    assert infos[3]["frame_numbers"].tolist() == [0, 5, 10]
    assert infos[3]["frame_paths"][1].endswith("000006.jpg")
    assert infos[3]["boxes"].tolist() == [[*corner(2, frame), SIDE, SIDE] for frame in (0, 5, 10)]


def test_a_killed_run_leaves_nothing_in_place_and_is_repeated(writer, tmp_path, die, monkeypatch):
    die("encode_crop", 20)
    with pytest.raises(KeyboardInterrupt):
        writer().write()
    out = tmp_path / "out"
    assert [path.name for path in out.iterdir()] == [track_writer.UNFINISHED]
    monkeypatch.undo()
    writer().write()
    assert sorted(path.name for path in out.iterdir()) == [
        "annotations.json",
        "crops",
        "tracks.csv",
    ]
    assert len(list(out.rglob("*.jpg"))) == 48


@pytest.mark.parametrize(
    ("name", "times"), [("write_whole", 0), ("encode_crop", 20), ("write_annotation_file", 0)]
)
def test_a_finished_data_set_stays_until_the_new_one_is_whole(writer, tmp_path, die, name, times):
    writer().write()
    finished = read_set(tmp_path / "out")
    die(name, times)
    with pytest.raises(KeyboardInterrupt):
        writer(stride=2).write(overwrite=True)
    found = read_set(tmp_path / "out")
    assert finished.items() <= found.items()
    assert all(name in finished or name.startswith(".unfinished/") for name in found)


@pytest.mark.parametrize("times", range(4))
def test_what_was_killed_as_it_was_put_in_place_is_put_there_by_the_next_run(
    writer, tmp_path, die, monkeypatch, times
):
    out = tmp_path / "out"
    writer().write()
    (out / "persons.csv").write_text("the user's")
    with monkeypatch.context() as patch:
        patch.setattr(set_folder, "os", SimpleNamespace(replace=os.replace, path=os.path))
        moves, replace = [], os.replace

        def move(*names):
            moves.append(names)
            if len(moves) > times:
                raise KeyboardInterrupt
            replace(*names)

        patch.setattr(set_folder.os, "replace", move)
        with pytest.raises(KeyboardInterrupt):
            writer(stride=2, min_length=1).write(overwrite=True)
    # The files of two runs are never taken for one data set.
    assert not (out / "annotations.json").exists()
    with pytest.raises(ValueError, match="holds a finished data set"):
        writer(stride=2).write()
    found = read_set(out)
    assert not any(name.startswith(".unfinished") for name in found)
    assert found["persons.csv"] == b"the user's"
    listed = json.loads(found["annotations.json"])["tracklets"]
    frames = {frame for tracklet in listed for frame in tracklet["frames"]}
    assert len(frames) == 24
    assert frames == {name for name in found if name.startswith("crops/")}


def test_two_runs_on_one_folder_do_not_mix(writer, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    code = (
        "import sys, pathlib\n"
        "from mmctl.files.folder_lock import FolderLock\n"
        "with FolderLock(pathlib.Path(sys.argv[1])):\n"
        "    print('taken', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code, out], stdin=pipe, stdout=pipe) as other:
        assert other.stdout.readline() == b"taken\n"
        with pytest.raises(ValueError, match=r"out is in use by another run"):
            writer().write()
        other.stdin.close()
        assert other.wait(60) == 0
    writer().write()
    assert not (out / ".lock").exists()


def test_boxes_that_fit_another_video_are_told(writer, tracks):
    assert writer().warnings == []
    tracks.write_text("".join(f"{frame},1,8,0,32,32,1\n" for frame in range(1, 6)))
    assert any("boxes reach to 40x32 only in frames of 128x96" in x for x in writer().warnings)


def test_a_finished_data_set_is_not_replaced_unasked(tmp_path):
    (tmp_path / "annotations.json").write_text(json.dumps({}))
    with pytest.raises(ValueError, match="holds a finished data set"):
        check_folder(tmp_path)
    check_folder(tmp_path, overwrite=True)


def test_crops_of_something_else_are_never_replaced(tmp_path):
    (tmp_path / "crops").mkdir()
    with pytest.raises(ValueError, match="crops must not be there yet"):
        check_folder(tmp_path, overwrite=True)
