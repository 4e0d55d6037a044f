"""tools/benchmarks/bench_export.py: every way computes the same features of the same clips."""

from __future__ import annotations

import argparse
import re
import sys

import numpy as np
import pytest
import torch

from mmctl.apis import get_model
from mmctl.deployment.clip_graph import ClipGraph
from tests.conftest import ROOT
from tests.test_apis.exported_graphs import CHANNELS, graph_config

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

import bench_export

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package)

pytestmark = pytest.mark.usefixtures("few_sizes")


@pytest.fixture
def config(drawn_mars, tmp_path):
    """Path of a small baseline's config."""
    path = tmp_path / "small.py"
    graph_config("baseline", drawn_mars).dump(path)
    return str(path)


def test_the_ways_agree_and_memory_is_of_a_process_of_its_own(config, tmp_path):
    args = argparse.Namespace(clips=2, frames=3, precisions=("fp32", "int8"))
    model = get_model(config, device="cpu")
    said = bench_export.export_all(model, ClipGraph(model), args, tmp_path)
    assert [line.split()[0] for line in said] == ["fp32", "int8"]
    ways = {"PyTorch": "model.pt", "a": "fp32.onnx", "b": "int8.onnx"}
    runs = bench_export.load_runs(tmp_path, 1, ways)
    with torch.inference_mode():
        expected = runs["PyTorch"]()[0].numpy()
    assert expected.shape == (2, CHANNELS)
    assert np.abs(runs["a"]()[0] - expected).max() < 1e-5
    assert 0 < np.linalg.norm(runs["b"]()[0] - expected, axis=1).max() < 0.3
    graph = bench_export.measure_peak(tmp_path, 1, "a", "fp32.onnx")
    assert 2**24 < graph < bench_export.measure_peak(tmp_path, 1, "PyTorch", "model.pt")


def test_rates_and_ratios_are_printed(config, run_tool, capsys):
    options = (
        "--config",
        config,
        "--skip-memory",
        "--clips",
        "2",
        "--frames",
        "2",
        "--repeats",
        "1",
    )
    run_tool("benchmarks/bench_export.py", *options, "--precisions", "fp32", "--skip-compile")
    said = capsys.readouterr().out
    assert re.search(r"2 clips of 2 frames of 128x64, 1 threads on \d+ cores.*load before", said)
    assert re.search(r"graphs: fp32 0 MB, \d\.\de-\d\d away", said)
    assert re.search(r"│ PyTorch +│ [\d.() -]+│ 1\.00 +│ 1\.00 +│ +│", said)
    assert re.search(r"│ ONNX Runtime, fp32 │ [\d.() -]+│ \d+\.\d\d +│ \d+\.\d\d +│ +│", said)
    assert "goal: ONNX Runtime, fp32, at 1.3 times PyTorch" in said
