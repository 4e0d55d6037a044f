"""From the file of tools/extract_features.py to records, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from mmctl.evaluation.tracklet_table import TrackletTable
from mmctl.gallery import read_records
from tests.test_gallery.records import MODEL, NOON, make_features

PREDICTIONS = [
    {"camera": 3, "video": "a.mp4", "track": 7, "first_frame": 50, "last_frame": 74}
    | {"first_time": 2.0, "last_time": 2.96, "start": "2024-05-31T12:00:00Z", "pid": 9}
    | {"num_frames": 6, "quality": 0.5, "feature_norm": 12.0, "name": "n0"}
    | {"frame_path": "crops/1.jpg"},
    {"name": "folder b", "num_frames": 2},
]


@pytest.fixture
def path(tmp_path):
    features = make_features(2, 16)
    predictions = [
        {**prediction, "feature": feature}
        for prediction, feature in zip(PREDICTIONS, features, strict=True)
    ]
    TrackletTable.from_predictions(predictions).save(tmp_path, {"model": MODEL})
    return tmp_path / "features.npz"


def changed(path, **changes):
    with np.load(path) as archive:
        arrays = dict(archive) | changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_every_column_is_taken(path, tmp_path):
    records = read_records(path, tmp_path)
    assert (records.model, records.feature, len(records)) == (MODEL, "", 2)
    full, bare = records
    assert np.array_equal(full.feature, make_features(2, 16)[0])
    assert (full.camera, full.video, full.track) == (3, "a.mp4", 7)
    assert (full.first_frame, full.last_frame) == (50, 74)
    assert (full.start, full.end) == (NOON, NOON + 960_000)
    assert (full.first_time, full.last_time) == (2.0, 2.96)
    assert (full.num_frames, full.quality, full.norm, full.pid) == (6, 0.5, 12.0, 9)
    assert (full.crop, full.crop_root, full.name) == ("crops/1.jpg", str(tmp_path), "n0")
    unknown = ("camera", "track", "first_frame", "last_frame", "start", "end", "first_time", "pid")
    assert {getattr(bare, name) for name in (*unknown, "last_time", "quality", "norm")} == {None}
    assert (bare.video, bare.crop, bare.crop_root, bare.name) == ("", "", "", "folder b")
    assert bare.id != full.id


def test_what_the_features_are_is_taken_where_it_is_said(path):
    assert read_records(changed(path, feature=np.array("after"))).feature == "after"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": None}, "lacks model"),
        ({"model": np.array("")}, "model must name"),
        ({"model": np.array(5)}, "model must be one text"),
        ({"tracks": None}, "lacks tracks"),
        ({"tracks": np.zeros(2)}, "tracks must be whole numbers"),
        ({"names": np.array(["a"])}, "names must be texts"),
        ({"features": np.ones((2, 16), "f4")}, "row 0: feature must have length 1"),
        ({"starts": np.array(["yesterday", ""])}, "row 0: starts must be a moment"),
        ({"times": np.array([[3.0, 2.0], [0, 0]])}, "times must rise"),
        ({"times": np.full((2, 2), np.inf)}, "times must be finite"),
        ({"frame_paths": np.array(["../x.jpg", ""])}, "must lie in the folder of crops"),
        ({"frame_paths": np.array(["/etc/x.jpg", ""])}, r"must lie in .* \(--crops FOLDER\)"),
        ({"frame_ranges": np.array([[9, 3], [0, 0]])}, "last_frame must not be before"),
        ({"camids": np.array([-3, 0])}, "camera must be a whole number from 0"),
    ],
)
def test_a_file_that_is_none_is_one_line(path, changes, said):
    with pytest.raises(ValueError, match=said) as caught:
        read_records(changed(path, **changes), path.parent / ".")
    assert "\n" not in str(caught.value)


def test_a_text_that_is_none_is_refused(path):
    text = np.frombuffer(np.array([0x110000, 0], np.uint32).tobytes(), "<U1")
    with pytest.raises(ValueError, match="no character"):
        read_records(changed(path, videos=text))
