"""Graphs as modules equal the model, without anything that only training needs."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mmctl.apis.model_zoo import build_model
from mmctl.deployment.clip_graph import ClipGraph, PoseGraph
from mmctl.deployment.exported_program import OPSETS, export_program, to_onnx
from mmctl.deployment.graph_check import draw_clips, draw_keypoints
from mmctl.functional.keypoints import decode_heatmaps
from mmctl.models.clip_average import scale_branches
from mmctl.models.heads.branch_head import BranchHead
from mmctl.structures import TrackletSample
from tests.test_apis.tiny_checkpoint import small_config
from tests.test_apis.tiny_estimator import tiny_estimator

SIZE = (64, 32)


def build(name, **changes):
    cfg = small_config(name, "nowhere")
    cfg.merge_from_dict({"model": changes})
    torch.manual_seed(0)
    model = build_model(cfg).eval()
    model.init_weights()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return model


def draw(num_clips, num_frames):
    return draw_clips(num_clips, num_frames, SIZE), draw_keypoints(num_clips, num_frames, SIZE)


@pytest.mark.parametrize(
    ("name", "branches"), [("ctl", None), ("baseline", None), ("ctl", ["sum", "concat"])]
)
@pytest.mark.parametrize("feature", ["before", "after"])
def test_a_graph_gives_the_features_of_the_model(name, branches, feature):
    model = build(name, head={"test_feature": feature, "test_branches": branches})
    graph = ClipGraph(model)
    frames, keypoints = draw(3, 4)
    samples = [TrackletSample(keypoints=keypoints[i : i + 1]) for i in range(3)]
    batch = model.data_preprocessor({"inputs": frames[:, None], "data_samples": samples})
    with torch.no_grad():
        expected = model.predict(batch["inputs"], samples)
        given = (frames, keypoints) if name == "ctl" else (frames,)
        units, raws = graph(*given)
    assert torch.allclose(units, torch.stack([s.feature for s in expected]), atol=1e-6)
    lengths = torch.stack([s.feature_norm for s in expected])
    finished = scale_branches(raws, graph.pieces)
    assert torch.allclose(finished.norm(dim=1), lengths, rtol=1e-5)
    assert torch.allclose(F.normalize(finished, dim=1), units)
    assert graph.reads == ("keypoints" if name == "ctl" else None)


def test_the_model_stays_and_the_graph_has_no_more_than_it_needs():
    model = build("ctl", head={"test_feature": "after"})
    before = {name: value.clone() for name, value in model.state_dict().items()}
    graph = ClipGraph(model)
    assert model.head.test_feature == "after"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    names = [name for name, _ in graph.named_parameters()]
    assert not [name for name in names if "classifier" in name or "necks" in name]
    assert "test_norms.0.weight" in names


def test_a_block_of_one_length_cannot_be_exported():
    graph_head = {"graph": "frame", "num_frames": 4}
    with pytest.raises(ValueError, match=r"graph_head.topologies.s1.0.context cannot be expor.*=4"):
        ClipGraph(build("ctl", graph_head=graph_head))


def test_other_models_and_preprocessors_are_refused():
    with pytest.raises(ValueError, match=r"must be a VideoReID to be exported.*got a Linear"):
        ClipGraph(torch.nn.Linear(1, 1))
    model = build("baseline")
    model.data_preprocessor = torch.nn.Identity()
    with pytest.raises(ValueError, match=r"must be a ClipDataPreprocessor.*got a Identity"):
        ClipGraph(model)


@pytest.mark.parametrize("input_size", [None, (32, 32)])
def test_an_estimator_gives_maps_and_joints_in_pixels_of_the_frames(input_size):
    source = tiny_estimator(input_size=input_size, frames_per_chunk=2)
    frames, _ = draw(2, 3)
    with torch.no_grad():
        maps, joints = PoseGraph(source)(frames)
        expected = source(frames.flatten(0, 1).float())
    assert torch.equal(maps.flatten(0, 1), expected)
    sizes = torch.tensor([SIZE] * 6)
    decoded = decode_heatmaps(expected, sizes, input_size or SIZE)
    assert torch.equal(joints.flatten(0, 1), decoded)
    assert joints.shape == (2, 3, 17, 3)


class Untraceable(torch.nn.Module):
    def forward(self, frames):
        return frames.float() * float(frames.float().sum().item() > 3)


class OfFiveFrames(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(5))

    def forward(self, frames):
        return frames.float() * self.weight.view(1, 5, 1)


@pytest.mark.parametrize("module", [Untraceable(), OfFiveFrames()])
def test_what_cannot_be_traced_for_every_length_is_one_line(module):
    with pytest.raises(ValueError, match="a component that cannot be exported for any n") as caught:
        export_program(module, [torch.ones(2, 5, 3)])
    assert "\n" not in str(caught.value)


def test_an_opset_that_there_is_not_is_refused():
    program = export_program(torch.nn.Identity(), [torch.ones(2, 5, 3)])
    with pytest.raises(ValueError, match=rf"opset must be from {OPSETS.start} to .*got 5"):
        to_onnx(program, (("x",), ("y",)), {}, opset=5)


@pytest.mark.parametrize(("place", "each"), [("before", True), ("after", True), ("after", False)])
def test_branches_are_joined_as_the_head_joins_them(place, each):
    model = build("baseline")
    retrieve = {"branches": ("b", "a"), "at": place, "normalize_each": each}
    model.head = BranchHead({"a": 2, "b": 3, "c": 4}, 8, retrieve=retrieve).eval()
    for neck in model.head.necks.values():
        torch.nn.init.normal_(neck.running_mean)
    drawn = {name: torch.rand(4, width) + 1 for name, width in model.head.widths.items()}
    graph = ClipGraph(model)
    graph.network.extract = lambda *_: (drawn, None)
    with torch.no_grad():
        units, raws = graph(draw(4, 2)[0])
        expected = model.head.predict(drawn, None)
    assert torch.allclose(raws, expected, atol=1e-6)
    finished = torch.stack([F.normalize(model.head.finish(raw), dim=0) for raw in expected])
    assert torch.allclose(units, finished, atol=1e-6)
    assert (graph.channels, graph.pieces) == (5, (3, 2) if each else ())
