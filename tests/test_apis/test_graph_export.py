"""Exported graphs: right for every batch and length, in each precision, and named by their hash."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmctl.apis import TrackletInferencer, get_model
from mmctl.apis.calibration_clips import load_calibration
from mmctl.apis.graph_export import ExportOptions, draw_inputs, export_model
from mmctl.apis.model_zoo import build_model, config_of, read_checkpoint
from mmctl.deployment.clip_graph import ClipGraph
from mmctl.deployment.graph_card import GraphCard
from mmctl.engine import read_config
from tests.conftest import ROOT
from tests.test_apis.exported_graphs import CHANNELS, export, graph_config
from tests.test_apis.tiny_checkpoint import save_checkpoint
from tests.test_apis.tiny_estimator import tiny_estimator

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SIZE = (128, 64)
PAIRS = [*product((1, 2, 4), (1, 2, 3, 6)), (7, 5), (2, 9)]
"""Other sizes than the tool's own."""


def model_of(checkpoint):
    return get_model(config_of(*read_checkpoint(checkpoint)), checkpoint, "cpu")


def open_graph(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def metadata_of(path):
    return open_graph(path).get_modelmeta().custom_metadata_map


@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_a_graph_equals_pytorch_for_every_batch_and_length(name, graphs, graph_weights):
    assert len(PAIRS) >= 12
    session, model = open_graph(graphs / f"{name}.onnx"), model_of(graph_weights[name])
    reads = "keypoints" if name == "ctl" else None
    for seed, (num_clips, num_frames) in enumerate(PAIRS, start=100):
        inputs = draw_inputs(reads, SIZE, (0, 0), num_clips, num_frames, seed)
        frames = (inputs[0].float() - model.data_preprocessor.mean) / model.data_preprocessor.std
        with torch.no_grad():
            expected = model.head.predict(*model.extract(frames, *inputs[1:]))
        feed = dict(zip(("frames", "keypoints"), (x.numpy() for x in inputs), strict=False))
        unit, raw = session.run(["feature", "raw_feature"], feed)
        assert unit.shape == raw.shape == (num_clips, CHANNELS)
        units = F.normalize(expected, dim=1)
        assert np.abs(unit - units.numpy()).max() < 1e-5, (num_clips, num_frames)
        assert np.allclose(raw, expected.numpy(), rtol=1e-3, atol=1e-4 * expected.abs().max())
        if num_clips > 1:  # they do differ
            assert F.pdist(units).min() > 1e-3


def test_the_program_beside_it_is_the_same_graph(graphs, graph_weights):
    program = torch.export.load(graphs / "ctl.pt2").module()
    graph = ClipGraph(model_of(graph_weights["ctl"]))
    for sizes in ((1, 1), (3, 2), (2, 7)):
        inputs = draw_inputs("keypoints", SIZE, (0, 0), *sizes, seed=5)
        with torch.no_grad():
            assert torch.allclose(program(*inputs)[0], graph(*inputs)[0], atol=1e-5)


def test_the_file_says_what_it_is(graphs, graph_weights):
    found = metadata_of(graphs / "ctl.onnx")
    expected = {"height": "128", "width": "64", "channel_order": "RGB", "clip_length": "4"}
    expected |= {"feature": "before", "precision": "fp32", "reads": "keypoints", "opset": "18"}
    expected |= {"channels": str(CHANNELS), "checkpoint": "ctl.pth", "pose_file": ""}
    assert found.items() >= expected.items()
    inferencer = TrackletInferencer(weights=graph_weights["ctl"], device="cpu")
    assert found["model"] == inferencer.model_hash()
    assert json.loads(found["pipeline"])[0]["type"] == "SampleClip"
    assert 0 < float(found["largest_difference"]) < 1e-5
    session = open_graph(graphs / "ctl.onnx")
    shapes = {item.name: (item.type, item.shape[2:]) for item in session.get_inputs()}
    assert shapes["frames"] == ("tensor(uint8)", [3, 128, 64])
    assert shapes["keypoints"] == ("tensor(float)", [17, 3])
    assert all(isinstance(n, str) for item in session.get_inputs() for n in item.shape[:2])


def test_half_precision_of_two_scales_and_the_feature_after_the_neck(drawn_mars, tmp_path):
    cfg = graph_config("ctl", drawn_mars)
    cfg.model.graph_head.scales = ("s2", "s3")
    checkpoint = save_checkpoint(tmp_path / "whole.pth", cfg)
    exact = model_of(checkpoint)
    exported = export(checkpoint, tmp_path, "half", precision="fp16", feature="after", opset=20)
    assert 1e-6 < exported.report.largest < 1e-3
    assert exported.report.pairs >= 12
    exact.head.choose_test_feature("after")
    graph, session = ClipGraph(exact), open_graph(tmp_path / "half.onnx")
    for sizes in ((1, 1), (3, 4), (2, 7)):
        inputs = draw_inputs("keypoints", SIZE, (0, 0), *sizes, seed=9)
        feed = dict(zip(("frames", "keypoints"), (x.numpy() for x in inputs), strict=True))
        with torch.no_grad():
            expected = graph(*inputs)[0].numpy()
        assert np.linalg.norm(session.run(None, feed)[0] - expected, axis=1).max() < 1e-3
    found = metadata_of(tmp_path / "half.onnx")
    assert (found["precision"], found["feature"], found["opset"]) == ("fp16", "after", "20")
    inferencer = TrackletInferencer(exact, device="cpu")
    assert found["model"] != inferencer.model_hash()


def test_integers_keep_clips_apart_and_have_a_hash_of_their_own(graph_weights, graphs, tmp_path):
    exported = export(graph_weights["baseline"], tmp_path, "small", precision="int8")
    assert 0 < exported.report.largest < 0.3
    assert len(exported.files[".onnx"]) < 0.75 * (graphs / "baseline.onnx").stat().st_size
    found, exact = metadata_of(tmp_path / "small.onnx"), metadata_of(graphs / "baseline.onnx")
    assert found["precision"] == "int8"
    assert len(found["model"]) == 64
    assert found["model"] != exact["model"]
    with pytest.raises(ValueError, match="int8 needs clips"):
        export_model(
            model_of(graph_weights["baseline"]), "x", options=ExportOptions(precision="int8")
        )


def test_a_narrow_network_of_the_papers_depth_and_frames_is_proved(few_sizes):
    cfg = read_config(ROOT / "configs" / "ctl" / "baseline_r50_1xb32-240e_mars-256x128.py")
    cfg.model.backbone.update(base_channels=8, stem_channels=8, init_cfg=None)
    cfg.model.head.channels = 256
    torch.manual_seed(0)
    exported = export_model(build_model(cfg).eval(), "r50")
    assert (exported.card.height, exported.card.width) == (256, 128)
    assert exported.card.clip_length == 6
    assert exported.report.pairs == len(few_sizes)
    assert exported.report.largest < 1e-5


def with_estimator(checkpoint):
    cfg = config_of(*read_checkpoint(checkpoint))
    model = build_model(cfg).eval()
    model.pose = tiny_estimator()
    return model


def test_an_estimator_in_the_model_is_a_second_file(graph_weights, drawn_mars, few_sizes, tmp_path):
    model = with_estimator(graph_weights["ctl"])
    exported = export_model(model, "m")
    assert exported.files.keys() == {".onnx", ".pose.onnx"}
    assert (exported.card.reads, exported.card.pose_file) == ("heatmaps", "m.pose.onnx")
    for end, data in exported.files.items():
        (tmp_path / f"m{end}").write_bytes(data)
    given = {"type": "MARS", "data_root": str(drawn_mars), "split": "test"}
    inferencers = [
        TrackletInferencer(one, device="cpu", num_workers=0, show_progress=False)
        for one in (model, tmp_path / "m.onnx")
    ]
    one, other = (inferencer(given)["predictions"] for inferencer in inferencers)
    for expected, found in zip(one, other, strict=True):
        assert np.abs(expected["feature"] - found["feature"]).max() < 1e-5
        assert found["keypoint_origin"] == "model"
    assert inferencers[0].model_hash() == inferencers[1].model_hash()
    (tmp_path / "m.pose.onnx").unlink()
    with pytest.raises(FileNotFoundError, match=r"m\.pose\.onnx does not exist"):
        TrackletInferencer(tmp_path / "m.onnx")


def test_an_estimator_for_a_model_that_has_its_own_is_refused(graph_weights):
    options = ExportOptions(estimator=tiny_estimator())
    with pytest.raises(ValueError, match=r"reads keypoints, got one for a model that has its own"):
        export_model(with_estimator(graph_weights["ctl"]), "m", options=options)


def test_calibration_is_one_clip_of_each_tracklet_with_what_goes_with_it(
    graph_weights, drawn_mars, crops
):
    given = {"type": "MARS", "data_root": str(drawn_mars), "split": "test"}
    reads = {
        "heatmaps": with_estimator(graph_weights["ctl"]),
        None: model_of(graph_weights["baseline"]),
    }
    shapes = {"heatmaps": (17, 32, 16), "keypoints": (17, 3)}
    for kind, model in ({"keypoints": model_of(graph_weights["ctl"])} | reads).items():
        inferencer = TrackletInferencer(model, device="cpu", num_workers=0, show_progress=False)
        extra = {"keypoint_file": "info/keypoints.npy"} if kind == "keypoints" else {}
        batches = load_calibration(inferencer, given | extra, 6)
        assert [len(batch[0]) for batch in batches] == [4, 2]
        assert batches[0][0].shape == (4, 4, 3, *SIZE)
        assert batches[0][0].dtype == np.uint8
        assert [array.shape[2:] for array in batches[0][1:]] == ([shapes[kind]] if kind else [])
        assert not np.array_equal(batches[0][0][0], batches[0][0][1])
    own = np.random.default_rng(0).random((3, 17, 3), np.float32)
    inferencer = TrackletInferencer(model_of(graph_weights["ctl"]), device="cpu", num_workers=0)
    ((_, stored),) = load_calibration(inferencer, [crops("a", 3)], keypoints=[own])
    assert stored.shape == (1, 4, 17, 3)


CARD = GraphCard("a" * 64, "before", "fp32", "", 128, 64, 8, 4, "[]", "", "c.pth", 18, "1", 0.5)


def test_a_card_survives_its_file():
    assert GraphCard.from_metadata(CARD.to_metadata(), "x.onnx") == CARD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "another"}, r"x.onnx must be a graph that tools/deployment/export_onnx.py"),
        ({"height": "tall"}, "whole metadata"),
        ({"pipeline": "["}, "whole metadata"),
        ({"pipeline": "{}"}, "a list of transforms"),
    ],
)
def test_a_damaged_card_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        GraphCard.from_metadata(CARD.to_metadata() | change, "x.onnx")
    without = CARD.to_metadata()
    del without["model"]
    with pytest.raises(ValueError, match="KeyError: 'model'"):
        GraphCard.from_metadata(without, "x.onnx")
    assert replace(CARD, height=1).steps == []
