"""Weights and the products with them have 16 bits; products of activations do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mmctl.deployment.exported_program import export_program, to_onnx
from mmctl.deployment.half_graph import to_half
from mmctl.deployment.onnx_session import open_session, run_session

onnx = pytest.importorskip("onnx")
for package in ("onnxscript", "onnxruntime"):
    pytest.importorskip(package)


class Small(nn.Module):
    """A residual block, an attention and a layer whose input is read twice."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.one, self.other = nn.Linear(4, 5, bias=False), nn.Linear(4, 5, bias=False)

    def forward(self, frames):
        maps = torch.relu(self.first(frames.flatten(0, 1)))
        maps = torch.relu(maps + self.second(maps))
        nodes = maps.mean(dim=(2, 3)).unflatten(0, (-1, frames.shape[1]))
        weights = torch.softmax(nodes @ nodes.transpose(1, 2), dim=-1)
        attended = self.one(weights @ nodes)
        return (attended + self.one(nodes) + self.other(nodes)).sum(dim=1), maps


@pytest.fixture(scope="module")
def converted():
    torch.manual_seed(0)
    module = Small().eval()
    program = export_program(module, [torch.rand(2, 5, 3, 6, 4)])
    exact = to_onnx(program, (("frames",), ("sums", "maps")), {"a": "b"})
    return module, exact, to_half(exact)


def test_the_graph_is_whole_and_nearly_equal(converted):
    module, exact, half = converted
    onnx.checker.check_model(onnx.load_from_string(half), full_check=True)
    frames = torch.rand(3, 4, 3, 6, 4)
    with torch.no_grad():
        expected = [output.numpy() for output in module(frames)]
    found = run_session(open_session(half), [frames.numpy()])
    for wanted, one in zip(expected, found, strict=True):
        assert one.dtype == np.float32
        assert 1e-6 < np.abs(wanted - one).max() < 3e-3
    rounded = run_session(open_session(exact), [frames.numpy()])
    assert np.abs(expected[0] - rounded[0]).max() < 1e-5
    assert len(half) < len(exact)
    assert onnx.load_from_string(half).metadata_props[0].key == "a"


def test_what_has_16_bits_and_what_does_not(converted):
    graph = onnx.shape_inference.infer_shapes(onnx.load_from_string(converted[2])).graph
    half = onnx.TensorProto.FLOAT16
    kinds = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    kinds |= {value.name: value.data_type for value in graph.initializer}
    weights = [value for value in graph.initializer if len(value.dims) > 1]
    assert len(weights) == 4
    assert all(value.data_type == half for value in weights)
    by_type: dict[str, list[set[int]]] = {}
    for node in graph.node:
        found = {kinds[name] for name in node.input if name in kinds}
        by_type.setdefault(node.op_type, []).append(found)
    assert by_type["Conv"] == [{half}, {half}]
    assert by_type["Relu"] == [{half}, {half}]
    assert by_type["Softmax"] == [{onnx.TensorProto.FLOAT}]
    full = [onnx.TensorProto.FLOAT]
    assert sorted(map(sorted, by_type["MatMul"])) == [full] * 2 + [[half]] * 3
    assert sorted(map(sorted, by_type["Add"])) == [full] * 2 + [[half]]  # the block's
    # What is read twice in 16 bits is rounded once.
    casts = [node.input[0] for node in graph.node if node.op_type == "Cast"]
    assert len(set(casts)) == len(casts)
