import csv
import json

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
    track_writer,
)
from mmctl.datasets.tracking.track_writer import check_folder
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


def test_a_killed_run_leaves_no_annotation_file_and_is_replaced(writer, tmp_path, monkeypatch):
    out = tmp_path / "out"
    writer().write()
    finished = (out / "annotations.json").read_bytes()
    write_whole, written = track_writer.write_whole, []

    def die(path, content, **options):
        written.append(path)
        if len(written) == 20:
            raise KeyboardInterrupt
        write_whole(path, content, **options)

    monkeypatch.setattr(track_writer, "write_whole", die)
    with pytest.raises(KeyboardInterrupt):
        writer().write()
    assert not (out / "annotations.json").exists()
    assert len(list(out.rglob("*.jpg"))) == 18
    monkeypatch.undo()
    check_folder(out)
    writer().write()
    assert (out / "annotations.json").read_bytes() == finished
    assert len(list(out.rglob("*.jpg"))) == 48
    assert not list(out.rglob("*.part"))


def test_a_finished_data_set_is_not_replaced_unasked(tmp_path):
    (tmp_path / "annotations.json").write_text(json.dumps({}))
    with pytest.raises(ValueError, match="holds a finished data set"):
        check_folder(tmp_path)
    check_folder(tmp_path, overwrite=True)


def test_crops_of_something_else_are_never_replaced(tmp_path):
    (tmp_path / "crops").mkdir()
    with pytest.raises(ValueError, match="crops must not be there yet"):
        check_folder(tmp_path, overwrite=True)
