from __future__ import annotations

import pytest

from mmctl.engine import check_config
from tests.test_engine.tiny_runner import tiny_config

GRAPH_HEAD = {"type": "PartGraphHead", "channels": 8}
FUSION_HEAD = {"type": "FusionHead", "channels": 8, "num_classes": 4}
TRIPLET = {"type": "BatchHardTripletLoss"}
ADAM = {"type": "Adam", "lr": 1e-3}
MODEL = {"type": "VideoReID"}


def faults_of(tmp_path, **changes) -> str:
    with pytest.raises(ValueError, match="unknown names") as caught:
        check_config(tiny_config(tmp_path, **changes))
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "path", "owner", "near"),
    [
        (
            {"model": {**MODEL, "graph_head": {**GRAPH_HEAD, "topology": {"physcal": True}}}},
            "model.graph_head.topology.physcal",
            "ContextTopology",
            "physical",
        ),
        (
            {"model": {**MODEL, "graph_head": {**GRAPH_HEAD, "cross_scale": {"dmi": 4}}}},
            "model.graph_head.cross_scale.dmi",
            "CrossScaleConv",
            "dim",
        ),
        (
            {
                "model": {
                    **MODEL,
                    "head": {**FUSION_HEAD, "losses": {"triplet": {**TRIPLET, "margn": 1.0}}},
                }
            },
            "model.head.losses.triplet.margn",
            "BatchHardTripletLoss",
            "margin",
        ),
        (
            {"optim_wrapper": {"type": "AmpOptimWrapper", "clip_grad": {"max_nrm": 1}}},
            "optim_wrapper.clip_grad.max_nrm",
            "clip_grad_norm_",
            "max_norm",
        ),
        (
            {"optim_wrapper": {"clip_grad": {"type": "value", "clip_vale": 1}}},
            "optim_wrapper.clip_grad.clip_vale",
            "clip_grad_value_",
            "clip_value",
        ),
        (
            {"env_cfg": {"mp_cfg": {"mp_start_methd": "fork"}}},
            "env_cfg.mp_cfg.mp_start_methd",
            "set_multi_processing",
            "mp_start_method",
        ),
        (
            {"default_hooks": {"loger": {"interval": 3}}},
            "default_hooks.loger",
            "default_hooks, where it has no type,",
            "logger",
        ),
        (
            {"default_hooks": {"visual": {"type": "NumClassesHook"}, "visaul": {"draw": True}}},
            "default_hooks.visaul",
            "default_hooks, where it has no type,",
            "visual",
        ),
    ],
)
def test_a_misspelt_key_in_a_dict_without_type_is_named(tmp_path, changes, path, owner, near):
    key = path.rpartition(".")[2]
    line = f"{path}: {owner} does not know {key!r}; did you mean {near!r}?"
    assert line in faults_of(tmp_path, **changes)


def test_keywords_of_parts_pass(tmp_path):
    graph_head = {
        **GRAPH_HEAD,
        **{"topology": {"physical": True, "context": False}, "cross_scale": {"dim": 4}},
    }
    head = {**FUSION_HEAD, "losses": {"triplet": {**TRIPLET, "margin": 1.0}, "diversity": None}}
    check_config(
        tiny_config(
            tmp_path,
            model={**MODEL, "graph_head": graph_head, "head": head},
            optim_wrapper={"optimizer": ADAM, "clip_grad": {"type": "value", "clip_value": 1}},
        )
    )


def test_what_a_class_gives_its_part_itself_is_no_key_of_a_config(tmp_path):
    graph_head = {**GRAPH_HEAD, "topology": {"window": 5}}
    message = faults_of(tmp_path, model={**MODEL, "graph_head": graph_head})
    assert "model.graph_head.topology.window: ContextTopology does not know" in message


def test_a_default_hook_needs_a_type(tmp_path):
    message = faults_of(tmp_path, default_hooks={"logger": {"interval": 3}})
    assert "default_hooks.logger: a hook must have a 'type' to be built" in message
