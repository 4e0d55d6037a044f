"""tools/extract_features.py: from a checkpoint and tracklets of any kind to two files."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm, normalize

from mmctl.evaluation import TrackletFeatures
from mmctl.evaluation.tracklet_table import TrackletTable
from mmctl.evaluation.verified_source import read_source
from tests.test_apis.conftest import checkpoints, crops
from tests.test_datasets.test_tracking.conftest import tracks, video

__all__ = ["checkpoints", "crops", "tracks", "video"]  # fixtures

TOOL = "extract_features.py"
WORK = "mmctl.apis.feature_extraction.FeatureExtraction"
COMMON = ("--device", "cpu", "--num-workers", "0")


def test_features_of_a_data_set_equal_those_of_a_test(checkpoints, drawn_mars, tmp_path, run_tool):
    data = [f"{part}_dataloader.dataset.data_root={drawn_mars}" for part in ("val", "test")]
    config = "configs/quickstart/ctl_r18_quickstart.py"
    options = ["--cfg-options", *data, "test_dataloader.num_workers=0", "model.head.num_classes=8"]
    tested = tmp_path / "test.npz"
    run_tool(
        *("test.py", config, str(checkpoints["ctl"]), "--out", str(tested)),
        *("--work-dir", str(tmp_path / "t"), *options),
    )
    run_tool(TOOL, str(checkpoints["ctl"]), str(drawn_mars), "--out", str(tmp_path), *COMMON)
    expected = TrackletFeatures.load(tested)
    found = TrackletFeatures.load(tmp_path / "features.npz")
    assert np.abs(found.features - expected.features).max() < 1e-6
    for name in ("pids", "camids", "tracklet_ids", "splits", "frame_paths"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    # Both files say the same of their model, so that a calibration of one fits the other.
    sources = [read_source(path) for path in (tested, tmp_path / "features.npz")]
    assert sources[0] == sources[1]
    assert len(sources[0].model) == 64
    assert (sources[0].dataset, sources[0].feature) == ("MARS", "before")


def test_the_feature_after_the_neck_is_another_and_says_so(
    checkpoints, drawn_mars, tmp_path, run_tool
):
    tables = {}
    for kind in ("before", "after"):
        out = tmp_path / kind
        arguments = [checkpoints["baseline"], drawn_mars, "--feature", kind, "--out", out]
        run_tool(TOOL, *map(str, arguments), *COMMON)
        tables[kind] = TrackletTable.load(out / "features.npz")
    before, after = (read_source(tmp_path / kind / "features.npz") for kind in tables)
    assert (before.feature, after.feature) == ("before", "after")
    assert before.model != after.model
    # The neck is affine, so the mean over the clips of a tracklet goes through it, too.
    state = torch.load(checkpoints["baseline"], weights_only=False)["state_dict"]
    norm = {name.rpartition(".")[2]: v for name, v in state.items() if "necks.global" in name}
    raw = torch.from_numpy(tables["before"].features * tables["before"].norms[:, None])
    expected = batch_norm(raw, norm["running_mean"], norm["running_var"], norm["weight"])
    assert np.abs(normalize(expected).numpy() - tables["after"].features).max() < 1e-5


def test_unlabelled_folders_and_videos_are_taken_together(
    checkpoints, crops, video, tracks, tmp_path, run_tool, capsys
):
    crops("b", 2)
    folder = crops("a", 4).parent
    command = [
        *(TOOL, checkpoints["baseline"], folder, "--camid", 1, "--camera", 2, tracks, video),
        *("--min-size", 16, 8, "--out", tmp_path / "out", "--min-quality", 0.3, *COMMON),
    ]
    run_tool(*map(str, command))
    said = capsys.readouterr().out
    assert "4 tracklets, 128 channels, 0 with a known person" in said
    assert "frames left out for their quality" in said
    table = TrackletTable.load(tmp_path / "out" / "features.npz")
    assert table.camids.tolist() == [1, 1, 2, 2]
    assert table.tracks.tolist() == [-1, -1, 10, 20]
    rows = list(csv.DictReader((tmp_path / "out" / "tracks.csv").open()))
    assert [row["video"] for row in rows] == ["", "", "street.avi", "street.avi"]
    assert {row["pid"] for row in rows} == {""}
    before = (tmp_path / "out" / "features.npz").read_bytes()
    run_tool(*map(str, command))  # all is there already
    assert (tmp_path / "out" / "features.npz").read_bytes() == before


def test_an_unlabelled_list_is_a_data_set(checkpoints, crops, tmp_path, run_tool):
    folder = crops("a", 2)
    entry = {"camid": 5, "frames": ["crops/a/1.jpg", "crops/a/2.jpg"], "video": "c5.mp4"}
    entry |= {"track": 3, "frame_numbers": [7, 9], "times": [0.28, 0.36], "quality": [0.5, 0.7]}
    listed = folder.parent.parent / "annotations.json"
    listed.write_text(json.dumps({"tracklets": [entry]}))
    arguments = [checkpoints["baseline"], listed.parent, "--out", tmp_path / "out"]
    run_tool(TOOL, *map(str, arguments), *COMMON)
    (row,) = csv.DictReader((tmp_path / "out" / "tracks.csv").open())
    expected = {"camera": "5", "video": "c5.mp4", "track": "3", "first_frame": "7"}
    expected |= {"last_frame": "9", "first_time": "0.280", "last_time": "0.360"}
    expected |= {"quality": "0.6000", "pid": "", "split": "", "frames": "2"}
    assert row.items() >= expected.items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name folders"),
        (["nowhere"], "input nowhere does not exist"),
        (["--camera", "x", "a", "b"], "a camera's number must be an integer"),
        (["{crops}", "--min-quality", "2"], "min_quality must be a number from 0 to 1"),
        (["{crops}", "--device", "teapot"], "device must be one of this machine"),
        (["{crops}", "--dataset", "MARS"], "tracks_test_info.mat"),
        (["{crops}", "--dataset", "Nope"], "there is no data set 'Nope'; those that list"),
        (["{short}"], "with tracks= (--camera NUMBER TRACKS FRAMES), got the file"),
        (["{crops}", "--keypoints", "none.npy"], "keypoint file none.npy does not exist"),
        (["{crops}", "--keypoints", "{short}"], "keypoints must have one row for each frame"),
        (["{crops}", "--keypoints", "{damaged}"], "damaged.npy"),
        (["{crops}", "--batch-size", "0"], "batch_size must be at least 1 clip, got 0"),
        (["{crops}", "--num-workers", "-1"], "num_workers must be 0 or more"),
    ],
)
def test_a_users_mistake_ends_in_one_line(
    arguments, message, checkpoints, crops, tmp_path, run_tool, capsys
):
    places = {"crops": crops("a", 1), "short": tmp_path / "short.npy"}
    places["damaged"] = tmp_path / "damaged.npy"
    np.save(places["short"], np.zeros((2, 17, 3), np.float32))
    places["damaged"].write_bytes(places["short"].read_bytes()[:-8])
    given = [argument.format(**places) for argument in arguments]
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, str(checkpoints["baseline"]), *given, "--out", str(tmp_path / "out"))
    assert caught.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert message in said[0]
    assert not (tmp_path / "out").exists()


def test_a_model_that_wants_keypoints_and_gets_none_says_how(
    checkpoints, crops, tmp_path, run_tool, capsys
):
    with pytest.raises(SystemExit):
        run_tool(TOOL, str(checkpoints["ctl"]), str(crops("a", 1)), "--out", str(tmp_path / "out"))
    said = capsys.readouterr().err
    assert said.count("error:") == 1
    assert "There are four ways: (1) an estimator in the model" in said
    assert "(--keypoints FILE.npy)" in said


@pytest.mark.parametrize("place", ["mmctl.apis.TrackletInferencer.__init__", f"{WORK}.run"])
def test_an_interrupt_says_how_to_go_on(
    place, checkpoints, crops, tmp_path, run_tool, monkeypatch, capsys
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupt)
    arguments = [checkpoints["baseline"], crops("a", 1), "--out", tmp_path / "out"]
    with pytest.raises(SystemExit) as caught:
        run_tool(TOOL, *map(str, arguments), *COMMON)
    assert caught.value.code == 130
    assert "interrupted; running the same command again goes on" in capsys.readouterr().err
