"""The inferencer: the features of a test, from inputs of any kind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from mmctl.apis import TrackletInferencer
from mmctl.apis.inference import clip_pipeline
from mmctl.apis.inference.given_keypoints import NoKeypointsError
from mmctl.datasets import MARS
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.evaluation import TrackletFeatures
from mmctl.structures import TrackletSample
from tests.conftest import data_options
from tests.test_apis.tiny_checkpoint import CONFIGS


def features_of(results):
    return np.stack([prediction["feature"] for prediction in results["predictions"]])


@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_features_equal_those_of_a_test(
    name, inferencers, checkpoints, drawn_mars, tmp_path, run_tool
):
    out = tmp_path / "features.npz"
    run_tool(
        *("test.py", CONFIGS[name], str(checkpoints[name]), "--work-dir", str(tmp_path / "t")),
        *("--out", str(out), "--cfg-options", *data_options(drawn_mars)),
    )
    tested = TrackletFeatures.load(out)
    inferencer = inferencers[name]
    results = inferencer(inferencer.cfg.test_dataloader.dataset, batch_size=5)
    features = features_of(results)
    assert np.abs(features - tested.features).max() < 1e-6
    assert np.abs(features[:, None] - tested.features).max() > 1e-3  # they do differ
    predictions = results["predictions"]
    assert [p["tracklet_id"] for p in predictions] == tested.tracklet_ids.tolist()
    assert [p["pid"] for p in predictions] == tested.pids.tolist()
    assert [p["camera"] for p in predictions] == tested.camids.tolist()
    assert np.linalg.norm(features, axis=1) == pytest.approx(1, abs=1e-6)
    assert all(p["feature_norm"] > 0 and 0 <= p["quality"] <= 1 for p in predictions)
    assert results["visualization"] == []


def test_neither_batches_nor_pieces_nor_threads_change_a_feature(ctl, checkpoints, monkeypatch):
    dataset = ctl.cfg.test_dataloader.dataset
    whole = ctl(dataset, batch_size=64)
    monkeypatch.setattr(clip_pipeline, "FRAMES_PER_PIECE", 2)
    alone = TrackletInferencer(
        weights=checkpoints["ctl"], device="cpu", num_workers=0, show_progress=False
    )
    pieces = alone(dataset, batch_size=1)
    assert np.abs(features_of(whole) - features_of(pieces)).max() < 1e-6
    for one, other in zip(whole["predictions"], pieces["predictions"], strict=True):
        assert one["num_frames"] == other["num_frames"] == one["num_given"]
        assert one["quality"] == pytest.approx(other["quality"])
        assert np.array_equal(one["keypoints"], other["keypoints"])


def test_each_piece_of_a_long_tracklet_loads_frames_of_its_own(ctl, drawn_mars):
    item = next(ctl._read(ctl.cfg.test_dataloader.dataset, {}).items())
    clips = [ctl.pipeline.load(item, piece, 2) for piece in range(2)]
    loaded = [set(clip.indices.tolist()) for clip in clips]
    assert all(loaded)
    assert not loaded[0] & loaded[1]
    assert loaded[0] | loaded[1] == set(range(len(item)))
    num_clips = sum(len(clip.inputs) for clip in clips)
    assert num_clips == len(ctl.pipeline.load(item, 0, 1).inputs)


def test_keypoints_of_a_call_equal_stored_ones(ctl, drawn_mars, tmp_path):
    dataset = MARS(str(drawn_mars), split="test", keypoint_file="info/keypoints.npy")
    infos = [dataset.get_data_info(index) for index in range(4)]
    stored = np.load(drawn_mars / "info" / "keypoints.npy")
    given = [stored[info["keypoint_rows"]] for info in infos]
    lists = [info["frame_paths"] for info in infos]
    expected = ctl(dataset)["predictions"][:4]
    np.save(tmp_path / "k.npy", np.concatenate(given))
    for keypoints in (given, np.concatenate(given), tmp_path / "k.npy"):
        found = ctl(lists, keypoints=keypoints)["predictions"]
        for one, other in zip(found, expected, strict=True):
            assert np.abs(one["feature"] - other["feature"]).max() < 1e-6
            assert np.array_equal(one["keypoints"], other["keypoints"])
    assert expected[0]["keypoint_origin"] == "stored"
    assert ctl(lists, keypoints=given)["predictions"][0]["keypoint_origin"] == "call"


def test_without_keypoints_one_error_lists_the_four_ways(ctl, crops):
    with pytest.raises(NoKeypointsError) as caught:
        ctl(crops("a", 2))
    message = str(caught.value)
    assert "\n" not in message
    for way in ("(1) an estimator in the model", "(2) a stored array", "(3) the detector", "(4)"):
        assert way in message


@pytest.mark.parametrize(
    ("keypoints", "message"),
    [
        (np.zeros((3, 17, 3)), r"must be numbers \(2, 17, 3\)|one row for each frame"),
        ([np.zeros((2, 17, 3))] * 2, "an array for each of the 1 tracklets, got 2"),
        ([np.zeros((2, 16, 3))], r"\(2, 17, 3\).*\(2, 16, 3\)"),
        ([np.full((2, 17, 3), np.nan)], "must be finite"),
        (5, "keypoints must be an array"),
    ],
)
def test_keypoints_that_do_not_fit_are_refused(ctl, crops, keypoints, message):
    with pytest.raises(ValueError, match=message):
        ctl(crops("a", 2), keypoints=keypoints)


def test_frames_of_low_quality_are_left_out_and_counted(baseline, crops):
    folder = crops("a", 5)
    blurred = cv2.GaussianBlur(cv2.imread(str(folder / "3.jpg")), (0, 0), 6)
    cv2.imwrite(str(folder / "3.jpg"), blurred)
    plain = baseline(folder)["predictions"][0]
    assert (plain["num_frames"], plain["dropped"]) == (5, {})
    choice = FrameChoice(min_quality=0.3)
    (chosen,) = baseline(folder, frame_choice=choice)["predictions"]
    assert (chosen["num_frames"], chosen["num_given"]) == (4, 5)
    assert chosen["dropped"] == {"quality": 1}
    assert chosen["quality"] > plain["quality"]
    others = [path for path in sorted(folder.glob("*.jpg")) if path.stem != "3"]
    assert np.abs(chosen["feature"] - features_of(baseline(others))).max() < 1e-6


def test_clips_count_by_the_quality_of_their_frames(baseline, crops):
    folder = crops("a", 5)  # two clips of four frames: 0, 2, 4 and 1, 3
    clips = [sorted(folder.glob("*.jpg"))[start::2] for start in (0, 1)]
    (plain,) = baseline(folder)["predictions"]
    one, other = (p for p in baseline(clips)["predictions"])
    means = [p["feature"].astype(np.float64) * p["feature_norm"] for p in (one, other)]
    assert plain["feature_norm"] * plain["feature"] == pytest.approx(
        0.6 * means[0] + 0.4 * means[1], abs=1e-4
    )
    (weighed,) = baseline(folder, frame_choice={"weighted": True})["predictions"]
    shares = np.array([3 * one["quality"], 2 * other["quality"]])
    expected = shares @ means / shares.sum()
    assert weighed["feature"] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-5)


@pytest.mark.parametrize("frames_per_piece", [4, 64])
def test_strips_show_the_whole_tracklet(frames_per_piece, baseline, tmp_path, monkeypatch):
    monkeypatch.setattr(clip_pipeline, "FRAMES_PER_PIECE", frames_per_piece)
    levels = np.arange(5, 255, 10)  # 25 frames, each of one grey
    frames = [np.full((64, 32, 3), level, np.uint8) for level in levels]
    results = baseline([frames, frames[:3]], out_dir=tmp_path / "out")
    many, few = results["visualization"]
    assert many[100, 48::96, 0].tolist() == levels[[0, 3, 7, 10, 14, 17, 21, 24]].tolist()
    assert few[100, 48::96, 0].tolist() == [5, 15, 25]


def test_results_may_be_samples_tables_and_pictures(baseline, crops, tmp_path):
    folders = [crops("a", 3), crops("b", 2)]
    results = baseline(folders, return_datasamples=True, out_dir=tmp_path / "out")
    sample = results["predictions"][1]
    assert isinstance(sample, TrackletSample)
    assert isinstance(sample.feature, torch.Tensor)
    assert "pid" not in sample
    assert len(results["visualization"]) == 2
    assert results["visualization"][0].dtype == np.uint8
    assert (tmp_path / "out" / "visualizations" / "000001.jpg").is_file()
    saved = TrackletFeatures.load(tmp_path / "out" / "features.npz")
    assert np.array_equal(saved.features[1], sample.feature.numpy())
    assert saved.pids.tolist() == [1, 2]  # nobody is known, so each is a person of its own
    assert (tmp_path / "out" / "tracks.csv").read_text().count("\n") == 3


def test_mixed_precision_changes_features_a_little(checkpoints, baseline, crops):
    folder = crops("a", 4)
    half = TrackletInferencer(
        weights=checkpoints["baseline"], device="cpu", amp=True, show_progress=False
    )
    difference = np.abs(features_of(half(folder)) - features_of(baseline(folder))).max()
    assert 0 < difference < 0.05
    assert half.model_hash() != baseline.model_hash()


def test_features_that_are_not_finite_are_refused(checkpoints, crops, tmp_path):
    inferencer = TrackletInferencer(weights=checkpoints["baseline"], device="cpu")
    with torch.no_grad():
        inferencer.model.backbone.conv1.weight.fill_(float("nan"))
    with pytest.raises(ValueError, match=r"the feature of .* must be finite"):
        inferencer(crops("a", 1))
