"""Weights that are not what the user believes stop a run before it begins."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.model import BaseModule, PretrainedInit
from torch import nn

from mmctl.engine import check_state_dict, load_fitting
from tests.test_engine.tiny_runner import TinyModel

WEIGHT = torch.arange(15.0).reshape(5, 3)


def quantised() -> torch.Tensor:
    return torch.quantize_per_tensor(WEIGHT, 0.1, 0, torch.qint8)


OTHER_KINDS = {
    "a numpy.ndarray": WEIGHT.numpy(),
    "a list": WEIGHT.tolist(),
    "a float": 1.0,
    "a NoneType": None,
    "a dict": {"weight": WEIGHT},
    "a meta tensor": WEIGHT.to("meta"),
    "a sparse_coo tensor": WEIGHT.to_sparse(),
    "a sparse_csr tensor": WEIGHT.to_sparse_csr(),
    "a quantised tensor": quantised(),
    "a nested tensor": torch.nested.nested_tensor([WEIGHT]),
    "complex numbers": WEIGHT.to(torch.complex64),
    "whole numbers": WEIGHT.to(torch.int8),
    "truth values": WEIGHT > 3,
    "torch.float8_e4m3fn": WEIGHT.to(torch.float8_e4m3fn),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_would_not_be_copied_or_become_something_else_is_refused(kind):
    state = {**TinyModel().state_dict(), "backbone.weight": OTHER_KINDS[kind]}
    for check in (check_state_dict, load_fitting):
        with pytest.raises(
            ValueError,
            match=rf"'a.pth' does not fit TinyModel.*1 of another kind: backbone\.weight is {kind}"
            r".* in the checkpoint and floats in the model",
        ):
            check(TinyModel(), {"state_dict": state}, "a.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(value):
    weight = WEIGHT.clone()
    weight[0, :2] = value
    state = {**TinyModel().state_dict(), "backbone.weight": weight}
    for check in (check_state_dict, load_fitting):
        with pytest.raises(ValueError, match=r"1 not finite: backbone\.weight with 2 of 15"):
            check(TinyModel(), state, "a.pth")


def test_a_mask_of_infinities_fits_one():
    model = nn.Module()
    model.register_buffer("mask", torch.full((2, 2), -torch.inf))
    check_state_dict(model, model.state_dict(), "a.pth")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_another_width_fit(dtype):
    state = {**TinyModel().state_dict(), "backbone.weight": WEIGHT.to(dtype)}
    check_state_dict(TinyModel(), state, "a.pth")
    model = TinyModel()
    load_fitting(model, state, "a.pth")
    assert torch.equal(model.backbone.weight, WEIGHT)


def test_a_counter_must_count():
    state = {**TinyModel().state_dict(), "norm.num_batches_tracked": torch.tensor(3.5)}
    with pytest.raises(ValueError, match=r"num_batches_tracked is floats .* and whole numbers in"):
        check_state_dict(TinyModel(), state, "a.pth")


def test_a_weight_with_and_without_the_wrapper_s_prefix_is_refused():
    state = {**TinyModel().state_dict(), "module.backbone.weight": WEIGHT}
    with pytest.raises(ValueError, match=r"each weight once, got 'backbone\.weight' with and"):
        check_state_dict(TinyModel(), state, "a.pth")


@pytest.mark.parametrize("versions", [{"norm": {"version": "x"}}, {"norm": 2}, [1]])
def test_versions_of_modules_must_be_numbers(versions):
    weights = TinyModel().state_dict()
    weights._metadata = versions
    with pytest.raises(ValueError, match=r"'a\.pth' must have versions of modules that are whole"):
        check_state_dict(TinyModel(), {"state_dict": weights}, "a.pth")


def test_long_names_and_large_contents_stay_short_in_messages():
    state = {**TinyModel().state_dict(), "x" * 10**6: WEIGHT, "y": "z" * 10**6}
    with pytest.raises(ValueError) as caught:
        check_state_dict(TinyModel(), state, "a.pth")
    assert len(str(caught.value)) < 1000


def test_a_name_of_several_lines_is_told_in_one():
    weights = {**TinyModel().state_dict(), "a\nb": torch.ones(2)}
    with pytest.raises(ValueError, match=r"^[^\n]*unknown to the model: 'a\\nb' \(2,\)"):
        check_state_dict(TinyModel(), weights, "a.pth")


@pytest.mark.parametrize(
    ("layout", "hint"),
    [
        (lambda s: {"model": s}, "lie under 'model': save them by themselves"),
        (lambda s: {"params_ema": s, "epoch": 3}, "lie under 'params_ema': save them"),
        (lambda s: {"state_dict": {"net": s}}, "lie under 'net': save them"),
        (lambda s: {f"encoder.q.{k}": v for k, v in s.items()}, r"prefix='encoder\.q'"),
        (lambda s: {f"module.model.{k}": v for k, v in s.items()}, "prefix='model'"),
        (lambda s: {"weight": WEIGHT, "bias": WEIGHT[:, 0]}, "part 'backbone'.*to that part"),
    ],
)
def test_weights_in_another_place_are_pointed_at(layout, hint):
    content = layout(TinyModel().state_dict())
    for check in (check_state_dict, load_fitting):
        with pytest.raises(ValueError, match=rf"'a.pth' .*no key in common.*{hint}|{hint}"):
            check(TinyModel(), content, "a.pth")


class Part(BaseModule):
    """A component as an ``init_cfg`` meets it."""

    def __init__(self, init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.conv = nn.Linear(3, 5)
        self.norm = nn.BatchNorm1d(5)


def saved(tmp_path: Path, content: Any) -> str:
    torch.save(content, tmp_path / "a.pth")
    return str(tmp_path / "a.pth")


def state(prefix: str = "", **more: Any) -> OrderedDict:
    torch.manual_seed(1)
    weights = {f"{prefix}{key}": value for key, value in Part().state_dict().items()}
    return OrderedDict(weights | more)


def initialised(path: str, kind: Any = "Pretrained", **arguments: Any) -> Part:
    part = Part({"type": kind, "checkpoint": path, **arguments})
    part.init_weights()
    return part


@pytest.mark.parametrize("kind", ["Pretrained", PretrainedInit])
@pytest.mark.parametrize(
    ("prefix", "arguments"),
    [
        ("", {}),
        ("module.", {}),
        ("backbone.", {"prefix": "backbone"}),
        ("backbone.", {"prefix": "backbone."}),
        ("module.backbone.", {"prefix": "backbone"}),
    ],
)
def test_an_init_cfg_takes_all_weights_and_leaves_a_classifier(tmp_path, kind, prefix, arguments):
    path = saved(tmp_path, {"state_dict": state(prefix, **{f"{prefix}fc.weight": WEIGHT})})
    part = initialised(path, kind, **arguments)
    assert torch.equal(part.conv.weight, state()["conv.weight"])


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (state("backbone."), {}, r"0 of 7 keys are there.*add prefix='backbone'"),
        (state(), {"prefix": "backbone"}, r"0 of 7 keys are there below prefix='backbone'"),
        ({"model": state()}, {}, "0 of 7 keys are there.*under 'model'"),
        ({"model": state()}, {"prefix": "backbone"}, "0 of 7.*under 'model'"),
        ({"state_dict": {"model": state()}}, {}, "0 of 7.*under 'model'"),
        ({"conv.weight": WEIGHT}, {}, r"5 missing: conv\.bias \(5,\), norm.*1 of 7 keys"),
        (state(**{"conv.bias": torch.zeros(4)}), {}, r"conv\.bias is \(4,\) in the checkpoint"),
        (state(**{"conv.bias": np.zeros(5)}), {}, r"conv\.bias is a numpy\.ndarray"),
        ([1], {}, "must be a dict of weights by name"),
        ({"fc.weight": WEIGHT}, {}, "0 of 7 keys are there"),
        ({}, {}, "It has no keys"),
    ],
)
def test_an_init_cfg_that_does_not_fit_is_an_error(tmp_path, content, arguments, message):
    path = saved(tmp_path, content)
    with pytest.raises(ValueError, match=rf"a\.pth' .*{message}") as caught:
        initialised(path, **arguments)
    assert "\n" not in str(caught.value)


def test_counters_may_be_missing_from_an_init_cfg(tmp_path):
    weights = state()
    del weights["norm.num_batches_tracked"]
    initialised(saved(tmp_path, weights))


def test_what_an_init_cfg_allows_keeps_its_values(tmp_path):
    weights = state(**{"norm.bias": torch.zeros(9)})
    del weights["norm.weight"]
    part = initialised(saved(tmp_path, weights), allow=["norm."])
    assert torch.equal(part.conv.weight, weights["conv.weight"])
    assert torch.equal(part.norm.weight, torch.ones(5))


class Resized(Part):
    """Adapts what it loads, as transformers resize their embeddings."""

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *rest: Any) -> None:
        bias = state_dict.pop("scale")
        state_dict["scale"] = bias[:2]
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(2))


def test_a_component_may_adapt_what_it_loads():
    part = Resized()
    load_fitting(part, state(scale=torch.ones(4)), "a.pth")
    assert torch.equal(part.scale, torch.ones(2))
