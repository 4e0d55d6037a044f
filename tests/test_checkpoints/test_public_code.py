"""Public names of weights: there and back, and every way in which a file can be another one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmctl.checkpoints.public_code import SYSTEMS, from_public, to_public
from mmctl.registry import MODELS

ROOT = Path(__file__).resolve().parents[2] / "configs" / "zoo"
SMALL = {
    "model.backbone.backbone.base_channels": 8,
    "model.backbone.backbone.stem_channels": 8,
    "model.backbone.backbone.init_cfg": None,
    "model.head.num_classes": 5,
}
CLIP = {"model.neck.channels": 256, "model.head.branches.clip": 256}
CASES = {
    "agrl": {
        "agrl/agrl_r50_1xb16-200e_mars-256x128.py": {
            "model.neck.channels": 256,
            "model.head.branches.whole": 256,
            "model.head.branches.graph": 256,
        },
    },
    "ap3d": {
        "ap3d/ap3d_r50_1xb32-240e_mars-256x128.py": CLIP,
        "ap3d/nl-ap3d_r50_1xb32-240e_mars-256x128.py": CLIP,
        "ap3d/api3d_r50_1xb32-240e_mars-256x128.py": CLIP,
    },
    "cosam": {
        "cosam/cosam-ta_r50_1xb32-800e_mars-256x128.py": CLIP,
        "cosam/cosam-rnn_r50_1xb32-800e_mars-256x128.py": {"model.neck.channels": 256},
    },
    "mgh": {
        "mgh/mgh_r50_1xb32-800e_mars-256x128.py": {
            "model.neck.channels": 256,
            "model.head.branches.whole": 256,
        },
    },
    "nvan": {"nvan/nvan_r50_1xb32-200e_mars-256x128.py": CLIP},
    "sinet": {
        "sinet/sanet_r50_1xb32-160e_mars-256x128.py": CLIP,
        "sinet/idnet_r50_1xb32-160e_mars-256x128.py": CLIP,
        "sinet/sbnet_r50_1xb32-160e_mars-256x128.py": CLIP,
        "sinet/sinet_r50_1xb32-160e_mars-256x128.py": CLIP,
    },
    "tclnet": {
        "tclnet/tclnet_r50_1xb32-150e_mars-256x128.py": {
            "model.neck.channels": 256,
            "model.head.branches.first": 256,
            "model.head.branches.second": 256,
        },
    },
    "video-person-reid": {
        "temporal/ta_r50_1xb32-800e_mars-224x112.py": CLIP,
        "temporal/rnn_r50_1xb32-800e_mars-224x112.py": {"model.neck.channels": 256},
    },
}
AP3D = list(CASES["ap3d"])
NEEDLESS = r"(conv\d|downsample\.0)\.bias$"
FLAT = [(system, name) for system, configs in CASES.items() for name in configs]


def state_of(system, name, changes=None):
    """Weights of a small model, each filled with numbers that no other weight has."""
    cfg = Config.fromfile(ROOT / name)
    init_default_scope("mmctl")
    cfg.merge_from_dict({**SMALL, **CASES[system][name], **(changes or {})})
    state = MODELS.build(cfg.model).state_dict()
    start = 0
    for key, value in state.items():
        if value.is_floating_point():
            state[key] = torch.arange(start, start + value.numel()).double().view_as(value)
            start += value.numel()
    return state


def test_every_system_is_tried():
    assert set(CASES) == set(SYSTEMS)


@pytest.mark.parametrize(("system", "name"), FLAT)
def test_weights_go_there_and_come_back(system, name):
    state = state_of(system, name)
    public = to_public(system, state)
    back = from_public(system, public, state, "public.pth")
    assert list(back) == list(state)
    for key, value in state.items():
        assert torch.equal(back[key], value), key
    # Nothing is lost or doubled on the way, but for biases that a batch norm takes away.
    if system == "sinet":
        public = {k: v for k, v in public.items() if not re.search(NEEDLESS, k)}
    sizes = [
        sum(value.numel() for value in side.values() if value.is_floating_point())
        for side in (state, public)
    ]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(("system", "name"), FLAT)
def test_every_public_weight_is_needed_by_its_name(system, name):
    state = state_of(system, name)
    public = to_public(system, state)
    for key in [*public][:: max(1, len(public) // 12)]:
        changed = {f"{k}_x" if k == key else k: value for k, value in public.items()}
        wanted = f"1 are unknown, as {key}_x"
        if not key.endswith("num_batches_tracked"):
            wanted = f"1 are missing, as {key} \\(it has {key}_x\\) and {wanted}"
        with pytest.raises(ValueError, match=f"checkpoint 'public.pth' must have .* {wanted}"):
            from_public(system, changed, state, "public.pth")


@pytest.mark.parametrize(("system", "name"), FLAT)
def test_counters_of_batch_norms_may_be_missing(system, name):
    state = state_of(system, name)
    public = to_public(system, state)
    old = {key: v for key, v in public.items() if not key.endswith("num_batches_tracked")}
    back = from_public(system, old, state, "public.pth")
    assert back.keys() == state.keys()


@pytest.mark.parametrize(("system", "name"), FLAT)
def test_other_classes_are_told_in_one_line(system, name):
    state = state_of(system, name)
    public = to_public(system, state)
    key = SYSTEMS[system].classifier
    public[key] = public[key][:4]
    message = "'public.pth' has 4 classes and the config 5: add .*model.head.num_classes=4"
    with pytest.raises(ValueError, match=message):
        from_public(system, public, state, "public.pth")


def test_a_weight_of_another_size_is_named():
    state = state_of("ap3d", AP3D[0])
    public = to_public("ap3d", state)
    public["conv1.weight"] = public["conv1.weight"][..., :3]
    message = r"backbone.backbone.conv1.weight is \(8, 3, 7, 3\) there and \(8, 3, 7, 7\)"
    with pytest.raises(ValueError, match=message):
        from_public("ap3d", public, state, "public.pth")


def test_a_checkpoint_of_another_variant_is_none_of_this_one():
    plain, other = (state_of("ap3d", name) for name in AP3D[:2])
    with pytest.raises(
        ValueError, match=r"are missing, as .* are unknown, as .* config of its variant"
    ):
        from_public("ap3d", to_public("ap3d", other), plain, "public.pth")


def test_a_model_of_another_system_has_no_public_names():
    weights = {"head.reduce.0.weight": torch.zeros(2, 2)}
    with pytest.raises(ValueError, match=r"must be of a system of guxinqian/AP3D .* head.reduce.0"):
        to_public("ap3d", weights)


FIXED = [
    ("cosam", "cosam/cosam-ta_r50_1xb32-800e_mars-256x128.py", "backbone.plugins.0.num_frames", 6),
    (
        "cosam",
        "cosam/cosam-rnn_r50_1xb32-800e_mars-256x128.py",
        "backbone.plugins.1.map_size",
        (8, 4),
    ),
    ("sinet", "sinet/idnet_r50_1xb32-160e_mars-256x128.py", "backbone.plugins.0.num_frames", 6),
    ("sinet", "sinet/sinet_r50_1xb32-160e_mars-256x128.py", "backbone.plugins.0.map_size", (16, 8)),
    (
        "video-person-reid",
        "temporal/ta_r50_1xb32-800e_mars-224x112.py",
        "neck.branches.clip.temporal.map_size",
        (8, 4),
    ),
]


@pytest.mark.parametrize(("system", "name", "key", "value"), FIXED)
def test_frames_and_sizes_that_weights_fix_are_told_in_one_line(system, name, key, value):
    public = to_public(system, state_of(system, name))
    other = state_of(system, name, {f"model.{key}": value})
    with pytest.raises(ValueError, match=r"'public.pth' must .*\(\d+.*\) there and \(\d") as caught:
        from_public(system, public, other, "public.pth")
    assert "\n" not in str(caught.value)


FIRST = {system: next(iter(configs)) for system, configs in CASES.items()}


@pytest.mark.parametrize("wanted", CASES)
def test_a_checkpoint_of_every_other_system_is_refused_in_one_line(wanted):
    ours = state_of(wanted, FIRST[wanted])
    for system, name in FIRST.items():
        if system == wanted:
            continue
        public = to_public(system, state_of(system, name))
        with pytest.raises(ValueError, match=rf"'public.pth' .*{SYSTEMS[wanted].source}") as caught:
            from_public(wanted, public, ours, "public.pth")
        assert "\n" not in str(caught.value)


def test_an_unknown_system_is_refused():
    with pytest.raises(ValueError, match=r"system must be one of agrl, .*, got 'resnet'"):
        to_public("resnet", {})
