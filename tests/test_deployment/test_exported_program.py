"""What the exporter alone does not translate, or refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmctl.deployment.exported_program import export_program, to_onnx
from mmctl.deployment.onnx_session import open_session, run_session

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package)


class Attention(torch.nn.Module):
    """Heads without a side of their own."""

    def forward(self, nodes):
        return F.scaled_dot_product_attention(nodes, nodes * 2, nodes.flip(2), scale=0.3)


class Distances(torch.nn.Module):
    def forward(self, nodes):
        return torch.cdist(nodes, nodes.flip(2), compute_mode="donot_use_mm_for_euclid_dist")


class Neighbours(torch.nn.Module):
    """Their number, T - 1, is one for two frames."""

    def forward(self, nodes):
        return (nodes[:, 1:] * nodes[:, :-1]).expand(-1, nodes.shape[1] - 1, -1).sum(dim=1)


@pytest.mark.parametrize("module", [Attention(), Distances(), Neighbours()], ids=repr)
def test_parts_of_clip_systems_are_translated_for_every_length(module):
    generator = torch.Generator().manual_seed(0)
    program = export_program(module, [torch.rand(2, 5, 4, generator=generator)])
    session = open_session(to_onnx(program, (("nodes",), ("out",)), {}))
    for sizes in ((1, 2), (3, 3), (2, 7)):
        nodes = torch.rand(*sizes, 4, generator=generator)
        (found,) = run_session(session, [nodes.numpy()])
        torch.testing.assert_close(torch.from_numpy(found), module(nodes))


class Masked(torch.nn.Module):
    def forward(self, nodes):
        return F.scaled_dot_product_attention(nodes, nodes, nodes, is_causal=True)


class CityBlocks(torch.nn.Module):
    def forward(self, nodes):
        return torch.cdist(nodes, nodes, p=1.0)


@pytest.mark.parametrize(
    ("module", "message"),
    [(Masked(), "no mask, dropout or groups"), (CityBlocks(), "must be Euclidean.*p=1")],
)
def test_other_forms_are_refused_and_not_translated_wrongly(module, message):
    program = export_program(module, [torch.rand(2, 5, 4)])
    with pytest.raises(ValueError, match=message):
        to_onnx(program, (("nodes",), ("out",)), {})


def test_inputs_that_a_graph_cannot_take_are_named_in_one_line():
    class Session:
        def get_inputs(self):
            return [type("Input", (), {"name": "frames"})]

        def run(self, outputs, feed):
            raise Exception("[ONNXRuntimeError] : 1 : FAIL : Reshape\nmore of it")

    with pytest.raises(ValueError, match=r"cannot run with frames \(1, 2\): .*Reshape$"):
        run_session(Session(), [np.zeros((1, 2))])
