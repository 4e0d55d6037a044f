"""A graph in the place of the inferencer's model."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from mmctl.apis import TrackletInferencer
from mmctl.apis.inference import given_model
from mmctl.apis.inference.model_identity import choose_feature
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.deployment import onnx_model
from mmctl.deployment.onnx_model import OnnxModel
from mmctl.deployment.onnx_session import choose_providers
from mmctl.deployment.packages import check_packages
from mmctl.structures import TrackletSample
from tests.conftest import ROOT
from tests.test_apis.exported_graphs import CHANNELS

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def inferencers(graph_weights):
    """Inferencers of the graph_weights that the graphs are made of, by name."""
    return {
        name: TrackletInferencer(weights=path, device="cpu", num_workers=0, show_progress=False)
        for name, path in graph_weights.items()
    }


def open_inferencer(path, **options):
    return TrackletInferencer(path, num_workers=0, show_progress=False, **options)


def features_of(results):
    return np.stack([prediction["feature"] for prediction in results["predictions"]])


@pytest.mark.parametrize("name", ["ctl", "baseline"])
def test_features_hashes_and_records_equal_those_of_the_model(
    name, graphs, inferencers, monkeypatch
):
    model = inferencers[name]
    monkeypatch.setattr(given_model, "build_model", None)  # no network is built
    graph = open_inferencer(graphs / f"{name}.onnx")
    monkeypatch.setattr(onnx_model, "FRAMES_PER_CHUNK", 8)
    given = model.cfg.test_dataloader.dataset
    expected, found = model(given, batch_size=5), graph(given, batch_size=3)
    assert np.abs(features_of(expected) - features_of(found)).max() < 1e-6
    for one, other in zip(expected["predictions"], found["predictions"], strict=True):
        assert one["feature_norm"] == pytest.approx(other["feature_norm"], rel=1e-5)
        for key in one.keys() - {"feature", "feature_norm", "keypoints"}:
            assert one[key] == other[key], key
        assert np.array_equal(one["keypoints"], other["keypoints"])
    assert graph.describe_model() == model.describe_model()
    assert graph.model_hash() == model.model_hash()


def test_streams_keypoints_of_a_call_and_frame_choices_work(graphs, inferencers, crops):
    folder = crops("a", 6)
    keypoints = [np.random.default_rng(0).random((6, 17, 3), np.float32) * [64, 128, 1]]
    choice = FrameChoice(weighted=True)
    results = [
        next(inferencer.stream([folder], keypoints=keypoints, frame_choice=choice))
        for inferencer in (inferencers["ctl"], open_inferencer(graphs / "ctl.onnx"))
    ]
    assert np.abs(results[0]["feature"] - results[1]["feature"]).max() < 1e-6
    with pytest.raises(ValueError, match="There are four ways"):
        open_inferencer(graphs / "ctl.onnx")([folder])


def test_a_graph_may_be_opened_first_and_named_as_weights(graphs, crops):
    folder = crops("a", 3)
    opened = OnnxModel(graphs / "baseline.onnx", ["cpu"], num_threads=1)
    assert opened.providers == ["CPUExecutionProvider"]
    assert opened.reads is None
    expected = features_of(open_inferencer(opened)([folder]))
    for inferencer in (
        TrackletInferencer(None, str(graphs / "baseline.onnx"), "cpu", None, 0, False),
        open_inferencer(graphs / "baseline.onnx", providers="CPUExecutionProvider"),
    ):
        assert np.array_equal(features_of(inferencer([folder])), expected)


def test_pieces_of_a_mean_get_length_one(graphs, crops):
    graph, folder = OnnxModel(graphs / "baseline.onnx"), crops("a", 6)
    (plain,) = open_inferencer(graph)([folder])["predictions"]
    graph.card = replace(graph.card, pieces=f"[10, {CHANNELS - 10}]")
    (found,) = open_inferencer(graph)([folder])["predictions"]
    assert found["feature_norm"] == pytest.approx(2**0.5)
    clips = torch.randint(0, 256, (2, 3, 3, 128, 64), dtype=torch.uint8)
    samples = [TrackletSample(clip_weights=torch.ones(2))]
    (sample,) = graph.test_step({"inputs": [clips], "data_samples": samples})
    assert sample.feature[:10].norm() == pytest.approx(0.5**0.5)
    for piece in (slice(10), slice(10, None)):
        own = plain["feature"][piece] / np.linalg.norm(plain["feature"][piece])
        assert np.abs(found["feature"][piece] - own / 2**0.5).max() < 1e-6


def test_what_a_graph_has_no_use_for_is_refused(graphs, graph_weights):
    graph, config = graphs / "baseline.onnx", "configs/quickstart/baseline_r18_quickstart.py"
    for arguments, message in (
        ({"model": graph, "weights": graph_weights["baseline"]}, "weights must be left out with a"),
        ({"model": graph, "amp": True}, "amp must be left out"),
        ({"model": graph, "device": "cuda:1"}, r"providers=\['cuda'\], got device='cuda:1'"),
        ({"model": graph, "providers": ["teapot"]}, "among those of this onnxruntime.*'teapot'"),
        ({"model": config, "weights": graph}, "a graph must be the only model, without a config"),
        ({"model": config, "providers": ["cpu"]}, r"providers= needs one"),
        ({"model": OnnxModel(graph), "providers": ["cpu"]}, "where the graph is opened"),
    ):
        with pytest.raises(ValueError, match=message):
            TrackletInferencer(**arguments)
    assert TrackletInferencer(graph, amp=False, device="cpu").amp is False


def test_a_provider_that_does_not_start_is_no_slow_surprise(graphs, monkeypatch):
    available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
    assert choose_providers("cuda") == available
    assert choose_providers(["cpu", "CPUExecutionProvider"]) == ["CPUExecutionProvider"]

    class OnCpu(onnxruntime.InferenceSession):
        def __init__(self, path, options, providers):
            super().__init__(path, options, providers=providers[-1:])

    monkeypatch.setattr(onnxruntime, "InferenceSession", OnCpu)
    with pytest.raises(ValueError, match=r"must run with CUDAExecutionProvider.*got CPUExec"):
        OnnxModel(graphs / "baseline.onnx", ["cuda"])


def test_files_of_other_kinds_and_none_are_refused(graphs, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"graph .*none.onnx does not exist"):
        TrackletInferencer(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(ValueError, match=r"text.onnx must be a graph that onnxruntime"):
        TrackletInferencer(tmp_path / "text.onnx")
    onnx = pytest.importorskip("onnx")
    proto = onnx.load(str(graphs / "baseline.onnx"))
    del proto.metadata_props[:]
    onnx.save(proto, str(tmp_path / "foreign.onnx"))
    with pytest.raises(ValueError, match=r"graph that tools/deployment/export_onnx.py wrote"):
        TrackletInferencer(tmp_path / "foreign.onnx")


def test_another_feature_or_size_than_the_graphs_is_refused(graphs):
    graph = OnnxModel(graphs / "ctl.onnx")
    choose_feature(graph, "before")
    with pytest.raises(ValueError, match=r"gives the feature before.*--feature after"):
        choose_feature(graph, "after")
    with pytest.raises(ValueError, match=r"frames must be of 128x64.*got 32x16"):
        graph.run(torch.zeros(1, 1, 3, 32, 16, dtype=torch.uint8))
    with pytest.raises(ValueError, match="takes keypoints beside the frames, got none"):
        graph.run(torch.zeros(1, 1, 3, 128, 64, dtype=torch.uint8))


def test_missing_packages_are_one_line_that_says_how(monkeypatch):
    check_packages(("sys",), "a test")
    with pytest.raises(ImportError) as caught:
        check_packages(("sys", "no_such_package"), "exporting")
    assert str(caught.value) == (
        "exporting needs sys, no_such_package, of which no_such_package cannot be found: "
        "pip install 'mmctl[onnx]'"
    )
    monkeypatch.setattr("mmctl.deployment.packages.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="running a graph needs onnxruntime"):
        TrackletInferencer("a.onnx")


EXTRACT = """
import runpy, sys
tool = sys.argv[1]
sys.argv = sys.argv[1:]
sys.modules["mmpretrain"] = None
runpy.run_path(tool, run_name="__main__")
"""


def test_features_and_a_gallery_come_from_a_graph_without_the_networks_code(
    graphs, graph_weights, drawn_mars, tmp_path, run_tool, capsys
):
    # mmpretrain, which has the backbones, cannot be imported there.
    tool = str(ROOT / "tools" / "extract_features.py")
    arguments = [graphs / "ctl.onnx", drawn_mars, "--num-workers", 0, "--providers", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", EXTRACT, tool, *map(str, arguments), "--out", tmp_path / "graph"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    run_tool(
        *("extract_features.py", str(graph_weights["ctl"]), str(drawn_mars), "--device", "cpu"),
        *("--num-workers", "0", "--out", str(tmp_path / "model")),
    )
    for kind in ("graph", "model"):  # one gallery takes both: their hash is the same
        features = tmp_path / kind / "features.npz"
        command = ("add", tmp_path / "gallery", features, "--crops", drawn_mars)
        run_tool("gallery.py", *map(str, command))
    said = capsys.readouterr().out
    assert "13 new, 0 replaced" in said
    assert "0 new, 13 replaced" in said


def test_work_that_a_model_began_is_not_finished_by_a_graph(
    graphs, graph_weights, crops, tmp_path, run_tool, capsys
):
    folder, out = str(crops("a", 2)), str(tmp_path / "out")
    common = (folder, "--num-workers", "0", "--out", out)
    run_tool("extract_features.py", str(graph_weights["baseline"]), *common, "--device", "cpu")
    with pytest.raises(SystemExit):
        run_tool("extract_features.py", str(graphs / "baseline.onnx"), *common)
    assert "exists and is of another model" in capsys.readouterr().err
    run_tool("extract_features.py", str(graphs / "baseline.onnx"), *common, "--overwrite")
    assert f"1 tracklets, {CHANNELS} channels" in capsys.readouterr().out
