"""What the page on other projects says of bfloat16: everything runs, under autocast and cast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dev.small_systems import FULL, batch, build, small_config, system_of
from mmctl.models import (
    AffinityTopology,
    BatchHardTripletLoss,
    CircleLoss,
    ContextBlock,
    ContextTopology,
    CrossScaleConv,
    DiversityLoss,
    FeatureHead,
    FrameGraphConv,
    FusionHead,
    GraphConv3d,
    HRNetHeatmaps,
    InstanceBatchNorm,
    KeypointHeatmaps,
    LinearClassifier,
    PartGraphHead,
    PosePartNeck,
    WindowContextBlock,
)
from tests.random_state import normal
from tests.test_models.test_pose.small_estimators import SMALL_HRNET

B, T, N, C = 2, 3, 5, 8
EDGES = [(node, node + 1) for node in range(N - 1)]
LABELS = torch.tensor([0, 0, 1, 1])
HEAD = nn.Linear(C, 3)

Call = Callable[[Any, Callable[..., Tensor]], Any]
CASES: dict[str, tuple[Callable[[], nn.Module], Call]] = {
    "ContextBlock": (lambda: ContextBlock(C, N, T), lambda m, x: m(x(B, T, N, C))),
    "WindowContextBlock": (lambda: WindowContextBlock(C, N), lambda m, x: m(x(B, T, 3 * N, C))),
    "ContextTopology": (lambda: ContextTopology(C, N, EDGES), lambda m, x: m(x(B, T, N, C))),
    "AffinityTopology": (
        lambda: AffinityTopology(C, N, EDGES, T, dim=4),
        lambda m, x: m(x(B, T, N, C)),
    ),
    "GraphConv3d": (
        lambda: GraphConv3d(C),
        lambda m, x: m(x(B, T, N, C), x(B, T, 3 * N, 3 * N).sigmoid()),
    ),
    "FrameGraphConv": (
        lambda: FrameGraphConv(C),
        lambda m, x: m(x(B, T, N, C), x(B, T, N, N).sigmoid()),
    ),
    "CrossScaleConv": (
        lambda: CrossScaleConv(C, dim=4),
        lambda m, x: m(x(B, T, N, C), x(B, T, 4, C)),
    ),
    "PosePartNeck": (
        PosePartNeck,
        lambda m, x: m(x(B * T, C, 8, 4), x(B * T, 17, 16, 8), T)[1]["s3"],
    ),
    "PartGraphHead": (
        lambda: PartGraphHead(C, cross_scale={"dim": 4}),
        lambda m, x: m({"s1": x(B, T, 17, C), "s2": x(B, T, 10, C), "s3": x(B, T, 5, C)}),
    ),
    "FusionHead": (
        lambda: FusionHead(C, 3),
        lambda m, x: sum(m.loss(x(4, T, C), x(4, T, 5, C), LABELS).values()),
    ),
    "LinearClassifier": (lambda: LinearClassifier(C, 3), lambda m, x: m(x(4, C))),
    "FeatureHead": (lambda: FeatureHead(HEAD), lambda m, x: m(m.pre_logits(x(4, C, 2, 2)))),
    "BatchHardTripletLoss": (BatchHardTripletLoss, lambda m, x: m(x(4, C), LABELS)),
    "CircleLoss": (CircleLoss, lambda m, x: m(x(4, C), LABELS)),
    "InstanceBatchNorm": (lambda: InstanceBatchNorm(C), lambda m, x: m(x(B, C, 4, 3))),
    "DiversityLoss": (DiversityLoss, lambda m, x: m(x(B, N, C))),
    "KeypointHeatmaps": (
        KeypointHeatmaps,
        lambda m, x: m.from_clip(x(B * T, 3, 32, 16), x(B * T, 17, 3).sigmoid() * 10),
    ),
    "HRNetHeatmaps": (
        lambda: HRNetHeatmaps(arch=SMALL_HRNET),
        lambda m, x: m(x(2, 3, 64, 32), None, mode="tensor"),
    ),
}
# Distances, adjacencies, losses, and maps that are drawn in float32.
FLOAT32 = {
    "AffinityTopology",
    "ContextBlock",
    "WindowContextBlock",
    "ContextTopology",
    "FusionHead",
}
FLOAT32 |= {"BatchHardTripletLoss", "CircleLoss", "DiversityLoss", "KeypointHeatmaps"}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("cast", [False, True], ids=["autocast", "cast"])
def test_it_runs_in_bfloat16_forwards_and_backwards(name, cast):
    make, call = CASES[name]
    module = make()
    if cast:
        module = module.bfloat16()
    inputs: list[Tensor] = []

    def draw(*shape: int) -> Tensor:
        inputs.append(normal(*shape, seed=len(inputs), dtype=torch.float32).bfloat16())
        return inputs[-1].requires_grad_()

    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=not cast):
        found = call(module, draw)
    found = found[0] if isinstance(found, (list, tuple)) else found
    assert found.dtype == (torch.float32 if name in FLOAT32 else torch.bfloat16)
    assert found.isfinite().all()
    if found.requires_grad:
        found.float().square().sum().backward()
        assert all(x.grad is None or x.grad.isfinite().all() for x in inputs)
        assert any(x.grad is not None for x in inputs)


SYSTEMS = {system_of(path): path for path in FULL}
"""A config of each system of the zoo."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_of_the_zoo_trains_in_bfloat16(name):
    cfg = small_config(SYSTEMS[name])
    model = build(cfg)
    data = model.data_preprocessor(batch(cfg), True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, _ = model.parse_losses(model(**data, mode="loss"))
    total.backward()
    assert total.isfinite()
    gradients = [value.grad for value in model.parameters() if value.requires_grad]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_no_component_with_tensors_is_left_out():
    from mmctl import models

    whole = {"ClipDataPreprocessor", "FrozenPoseEstimator", "StoredHeatmaps", "VideoReID"}
    built = [build(small_config(path)) for path in SYSTEMS.values()]
    of_zoo = {type(module).__name__ for model in built for module in model.modules()}
    assert set(models.__all__) - set(CASES) - whole <= of_zoo
    assert set(CASES) <= set(models.__all__)
