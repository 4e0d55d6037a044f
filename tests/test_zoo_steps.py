"""Every system of the zoo, narrow: a training step of every parameter; exported or refused."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from dev.small_systems import FULL, SIZE, batch, build, small_config, system_of
from mmctl.deployment.clip_graph import ClipGraph
from mmctl.deployment.exported_program import export_program

# A softmax takes away what is added to all keys of a non-local block, or to all frames of a pool by
# attention (there only while the rectifier before it cuts none).
WITHOUT_GRADIENT = ("key.bias", "temporal.time.bias")
REFUSED = {
    "cosam-rnn": ("backbone.plugins.layer3_5", "CoSegmentation", "its weights fix num_frames=4"),
    "cosam-ta": ("backbone.plugins.layer3_5", "CoSegmentation", "its weights fix num_frames=4"),
    "cosam-tp": ("backbone.plugins.layer3_5", "CoSegmentation", "its weights fix num_frames=4"),
    "idnet": (
        "backbone.plugins.layer2_1",
        "IntegrationDistribution",
        "its weights fix num_frames=4",
    ),
    "sinet": (
        "backbone.plugins.layer2_1",
        "IntegrationDistribution",
        "its weights fix num_frames=4",
    ),
    "sbnet": ("backbone.plugins.layer3_1", "SalientToBroad", "it takes num_frames=4 at a time"),
    "rnn": ("neck.branches.clip.temporal", "RecurrentPool", "the exporter writes its steps out"),
}
EXPORTED = (
    "nl-ap3d",
    "ta",
    "nvan",
    "mgh",
    "agrl",
    "sanet",
    "convnext-tiny",
    "swin-tiny",
    "vit-base",
)
"""One of each family; the other forms of the temporal convolution have a test of their own."""


def names(path: Path) -> str:
    return system_of(path)


def randomize_all(model: nn.Module) -> nn.Module:
    """Leave no part at the start where it changes nothing and learns nothing."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in model.named_parameters():
            drawn = torch.randn(value.shape, generator=generator)
            if value.dim() > 1:
                value.copy_(drawn * 0.7 * value[0].numel() ** -0.5)
            else:
                value.copy_(0.2 * drawn + float(name.endswith("weight")))
        for name, value in model.named_buffers():
            if name.endswith("running_mean"):
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
            elif name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    return model


def gradients(model: nn.Module, cfg: Config) -> dict[str, torch.Tensor]:
    data = model.data_preprocessor(batch(cfg), True)
    data["inputs"] = data["inputs"].to(next(model.parameters()).dtype)
    total, _ = model.parse_losses(model(**data, mode="loss"))
    total.backward()
    assert torch.isfinite(total)
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    assert [name for name, value in trained.items() if value.grad is None] == []
    return {name: value.grad for name, value in trained.items()}


@pytest.mark.parametrize("path", FULL, ids=names)
def test_a_first_step_is_finite_for_every_parameter(path):
    cfg = small_config(path)
    found = gradients(build(cfg), cfg)
    assert [name for name, own in found.items() if not own.isfinite().all()] == []


@pytest.mark.parametrize("path", FULL, ids=names)
def test_every_parameter_can_learn(path):
    # In training mode a batch norm takes away what a bias before it adds, so norms are at rest.
    cfg = small_config(path)
    model = randomize_all(build(cfg)).double()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.eval()
    found = {name: float(own.abs().max()) for name, own in gradients(model, cfg).items()}
    still = [name for name, own in found.items() if own < 1e-12 * max(found.values())]
    assert [name for name in still if not name.endswith(WITHOUT_GRADIENT)] == []


def inputs_of(cfg: Config, graph: ClipGraph) -> list[torch.Tensor]:
    data = batch(cfg)
    frames = torch.cat(data["inputs"])[:3]
    if graph.reads is None:
        return [frames]
    return [frames, torch.cat([sample.keypoints for sample in data["data_samples"][:3]])]


def check_export(graph: ClipGraph, inputs: list[torch.Tensor]) -> None:
    program = export_program(graph, inputs).module()
    for num_clips, num_frames in ((1, 1), (3, 2), (2, 3)):
        given = [own[:num_clips, :num_frames] for own in inputs]
        with torch.no_grad():
            for made, wanted in zip(program(*given), graph(*given), strict=True):
                torch.testing.assert_close(made, wanted, rtol=1e-4, atol=1e-5)
        assert made.shape == (num_clips, graph.channels)


@pytest.mark.parametrize("path", [path for path in FULL if system_of(path) in EXPORTED], ids=names)
def test_a_graph_of_a_system_takes_clips_of_any_length(path):
    cfg = small_config(path)
    graph = ClipGraph(randomize_all(build(cfg)).eval())
    check_export(graph, inputs_of(cfg, graph))


def test_a_graph_has_every_form_of_the_temporal_convolution():
    cfg = small_config(next(path for path in FULL if system_of(path) == "c2d"))
    cfg.model.backbone.backbone.update(depth=18, strides=(1, 2, 2, 1))
    forms = product(("i3d", "p3d-a", "p3d-b", "p3d-c"), (False, True))
    cfg.model.backbone.convs = [
        {
            "type": "TemporalConv",
            "form": form,
            "registered": own,
            "stage": stage,
            "blocks": (block,),
        }
        for (form, own), (stage, block) in zip(forms, product((1, 2, 3, 4), (0, 1)), strict=True)
    ]
    cfg.model.neck.channels = 8 * 16
    cfg.model.head.branches = {"clip": 8 * 16}
    graph = ClipGraph(randomize_all(build(cfg)).eval())
    check_export(graph, inputs_of(cfg, graph))


@pytest.mark.parametrize("path", [path for path in FULL if system_of(path) in REFUSED], ids=names)
def test_what_takes_no_clips_of_any_length_is_named_in_one_line(path):
    place, kind, rule = REFUSED[system_of(path)]
    with pytest.raises(
        ValueError, match=rf"^model\.{place} cannot be exp.*{kind} does not: {rule}"
    ):
        ClipGraph(build(small_config(path)).eval())


def test_the_parts_of_tclnet_that_go_in_pairs_are_refused():
    cfg = small_config(next(path for path in FULL if system_of(path) == "tclnet"))
    with pytest.raises(ValueError, match=r"layer2_3 cannot .* SaliencyBoosting .*must be two"):
        ClipGraph(build(cfg).eval())
    cfg.model.backbone.plugins = []
    with pytest.raises(ValueError, match=r"tail cannot .*SaliencyErasing does not: .*in pairs"):
        ClipGraph(build(cfg).eval())


LENGTHS = {"cosam-tp": 6, "idnet": 6, "sbnet": 6, "sinet": 6, "tclnet": 3}


@pytest.mark.parametrize("path", [path for path in FULL if system_of(path) in LENGTHS], ids=names)
def test_clips_of_another_length_are_told_in_one_line(path):
    cfg, length = small_config(path), LENGTHS[system_of(path)]
    model = build(cfg).eval()
    with pytest.raises(ValueError, match=rf"(fix|pairs|multiple of that), got {length}") as caught:
        model.extract(torch.zeros(1, length, 3, *SIZE))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [path for path in FULL if system_of(path) in ("cosam-ta", "idnet", "sinet", "ta")],
    ids=names,
)
def test_frames_of_another_size_are_told_in_one_line(path):
    model = build(small_config(path)).eval()
    with pytest.raises(
        ValueError, match=r"maps of .*which its weights fix, got .*\(\d+, "
    ) as caught:
        model.extract(torch.zeros(1, 4, 3, 2 * SIZE[0], SIZE[1]))
    assert "\n" not in str(caught.value)
