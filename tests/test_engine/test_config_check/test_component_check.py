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


def test_an_entry_that_lost_its_colon_is_no_hook(tmp_path):
    message = faults_of(tmp_path, custom_hooks=[{"type": "SnapshotHook"}, {"typeSnapshotHook"}])
    assert "custom_hooks: Runner takes Optional[List[Union[Hook, Dict]]], got [{'type'" in message


def model_with(**parts) -> dict:
    return {**MODEL, **parts}


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (
            model_with(head={**FUSION_HEAD, "losses": {"mine": {"type": "Nobody"}}}),
            "model.head.losses.mine.type: registry 'model' of scope 'mmctl' does not know 'Nobody'",
        ),
        (
            model_with(backbone={"type": "mmpretrain.ConvNext"}),
            "model.backbone.type: registry 'model' of scope 'mmctl' does not know",
        ),
        (
            model_with(graph_head={**GRAPH_HEAD, "topology": {"type": "ContextTopolgy"}}),
            "model.graph_head.topology.type: registry 'model' of scope 'mmctl' does not know "
            "'ContextTopolgy'; did you mean 'ContextTopology'?",
        ),
        (
            model_with(graph_head={**GRAPH_HEAD, "graph_conv": {"degree_ep": 0.1}}),
            "model.graph_head.graph_conv.degree_ep: GraphConv3d does not know 'degree_ep'; did",
        ),
        (
            model_with(
                head={**FUSION_HEAD, "classifier": {"type": "LinearClassifier", "scale": 1}}
            ),
            "model.head.classifier.scale: LinearClassifier does not know 'scale'",
        ),
        (
            model_with(head={**FUSION_HEAD, "losses": {"mine": {**TRIPLET, "read": "parts"}}}),
            "model.head.losses.mine.read: BatchHardTripletLoss does not know 'read'; did you mean "
            "'reads'?",
        ),
    ],
)
def test_a_wrong_part_of_a_model_is_named(tmp_path, model, line):
    assert line in faults_of(tmp_path, model=model)


def test_the_keys_that_a_head_takes_out_of_a_term_pass(tmp_path):
    losses = {"mine": {**TRIPLET, "reads": ("features", "labels"), "loss_weight": 0.5}}
    check_config(tiny_config(tmp_path, model=model_with(head={**FUSION_HEAD, "losses": losses})))


def test_a_name_of_another_kind_or_package_is_told_where_it_is(tmp_path):
    message = faults_of(tmp_path, custom_hooks=[{"type": "VideoReID"}])
    assert "registry 'model' has it as mmctl.VideoReID" in message
    import mmpretrain.models  # noqa: F401

    message = faults_of(tmp_path, model=model_with(backbone={"type": "ConvNeXt"}))
    assert "registry 'model' has it as mmpretrain.ConvNeXt" in message
    message = faults_of(tmp_path, custom_hooks=[{"type": "NobodysHook"}])
    assert "needs its module in custom_imports and @register_module()" in message


def test_a_class_of_another_base_is_refused(tmp_path):
    class NoHook:
        pass

    class NoModule:
        pass

    message = faults_of(
        tmp_path, custom_hooks=[{"type": NoHook}], model=model_with(backbone={"type": NoModule})
    )
    assert "custom_hooks[0].type: NoHook must be a subclass of mmengine's Hook, because" in message
    assert "model.backbone.type: NoModule must be a subclass of torch's Module, because" in message


def test_an_initializer_without_a_type_is_refused_by_its_place(tmp_path):
    pretrained = {"type": "Pretrained", "checkpoint": "resnet.pth"}
    nobody = {"checkpoint": "resnet.pth"}
    head = {**FUSION_HEAD, "init_cfg": pretrained}
    check_config(tiny_config(tmp_path, model=model_with(head=head)))
    message = faults_of(tmp_path, model=model_with(head={**FUSION_HEAD, "init_cfg": nobody}))
    assert "model.head.init_cfg: an initializer must have a 'type'" in message
    assert "got {'checkpoint': 'resnet.pth'}" in message
    backbone = {"type": "mmpretrain.ResNet", "depth": 18, "init_cfg": [pretrained, nobody]}
    message = faults_of(tmp_path, model=model_with(backbone=backbone))
    assert "model.backbone.init_cfg: an initializer must have a 'type'" in message
