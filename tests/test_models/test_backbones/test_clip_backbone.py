import copy

import pytest
import torch
from mmengine.model.weight_init import PretrainedInit
from mmengine.registry import init_default_scope

from mmctl.engine.repairs.mmengine_fixes import check_pretrained_weights
from mmctl.models.backbones import ClipBackbone
from mmctl.models.layers import InstanceBatchNorm, NonLocalBlock, TemporalConv
from mmctl.registry import MODELS
from tests.random_state import normal, randomize

NET = {
    "type": "mmpretrain.ResNet",
    "depth": 50,
    "stem_channels": 8,
    "base_channels": 8,
    "strides": (1, 2, 2, 1),
    "out_indices": (2, 3),
}
CONVS = [
    {"type": "mmctl.TemporalConv", "stage": 2, "blocks": (0, 2)},
    {"type": "mmctl.TemporalConv", "stage": 3, "blocks": (4,)},
]
NORMS = [{"type": "mmctl.InstanceBatchNorm", "stage": stage} for stage in (1, 2, 3)]
PLUGINS = [{"type": "mmctl.NonLocalBlock", "stage": 2, "after": (1, 3)}]
FRAMES = normal(4, 3, 64, 32, dtype=torch.float32)


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope("mmctl")


def build(**changes):
    return ClipBackbone(copy.deepcopy(NET), **copy.deepcopy(changes))


def test_with_nothing_added_it_is_the_image_network():
    image, clips = MODELS.build(copy.deepcopy(NET)), build().eval()
    image.eval()
    clips.backbone.load_state_dict(image.state_dict(), strict=True)
    with torch.no_grad():
        for ours, theirs in zip(clips(FRAMES, 2), image(FRAMES), strict=True):
            assert torch.equal(ours, theirs)


def test_what_is_new_changes_nothing_until_it_has_learnt():
    plain, grown = build().eval(), build(convs=CONVS, plugins=PLUGINS).eval()
    missing, unknown = grown.load_state_dict(plain.state_dict(), strict=False)
    assert unknown == []
    assert all(".temporal" in name or name.startswith("plugins.") for name in missing)
    with torch.no_grad():
        torch.testing.assert_close(grown(FRAMES, 2), plain(FRAMES, 2))


def test_the_weights_keep_the_names_of_the_image_network():
    image = MODELS.build(copy.deepcopy(NET)).state_dict()
    grown = build(convs=CONVS, plugins=PLUGINS).state_dict()
    assert {f"backbone.{name}" for name in image} <= grown.keys()
    new = {name for name in grown if name.removeprefix("backbone.") not in image}
    places = {"backbone.layer2.0", "backbone.layer2.2", "backbone.layer3.4"}
    temporal = {f"{place}.conv2.temporal" for place in places}
    plugins = {name for name in new if name.startswith(("plugins.layer2_1", "plugins.layer2_3"))}
    assert new == temporal | plugins


def as_in_a_run(monkeypatch):
    """Refuse weights that do not fit, as every tool does."""
    for name in ("__init__", "__call__"):
        monkeypatch.setattr(PretrainedInit, name, getattr(PretrainedInit, name))
    check_pretrained_weights()


@pytest.mark.parametrize("form", ["i3d", "p3d-a", "p3d-b", "p3d-c"])
@pytest.mark.parametrize("registered", [False, True])
def test_weights_of_an_image_network_begin_a_run(tmp_path, monkeypatch, form, registered):
    as_in_a_run(monkeypatch)
    convs = [{**conv, "form": form, "registered": registered} for conv in CONVS]
    image = randomize(MODELS.build(copy.deepcopy(NET))).state_dict()
    torch.save(image, tmp_path / "image.pth")
    pretrained = {"type": "Pretrained", "checkpoint": str(tmp_path / "image.pth")}
    grown = ClipBackbone({**NET, "init_cfg": pretrained}, convs, PLUGINS)
    grown.init_weights()
    assert all(torch.equal(grown.backbone.state_dict()[name], image[name]) for name in image)


def test_an_image_network_lacks_none_of_its_own_weights(tmp_path, monkeypatch):
    as_in_a_run(monkeypatch)
    image = MODELS.build(copy.deepcopy(NET)).state_dict()
    del image["layer2.0.conv2.weight"]
    torch.save(image, tmp_path / "image.pth")
    pretrained = {"type": "Pretrained", "checkpoint": str(tmp_path / "image.pth")}
    with pytest.raises(ValueError, match=r"1 missing: layer2\.0\.conv2\.weight"):
        ClipBackbone({**NET, "init_cfg": pretrained}, CONVS, PLUGINS).init_weights()


def test_weights_of_an_image_network_load_by_its_own_initialiser(tmp_path):
    image = randomize(MODELS.build(copy.deepcopy(NET)))
    torch.save(image.state_dict(), tmp_path / "image.pth")
    pretrained = {"type": "Pretrained", "checkpoint": str(tmp_path / "image.pth")}
    grown = ClipBackbone({**NET, "init_cfg": pretrained}, CONVS, PLUGINS)
    before = copy.deepcopy(grown.plugins.state_dict())
    grown.init_weights()
    for name, value in image.state_dict().items():
        assert torch.equal(grown.backbone.state_dict()[name], value)
    for name, value in grown.plugins.state_dict().items():
        assert torch.equal(value, before[name])


def test_operators_and_plug_ins_stand_where_the_config_says():
    grown = build(convs=CONVS, plugins=PLUGINS)
    stages = grown.backbone
    temporal = [
        f"{stage}.{number}"
        for stage in stages.res_layers
        for number, block in enumerate(getattr(stages, stage))
        if isinstance(block.conv2, TemporalConv)
    ]
    assert temporal == ["layer2.0", "layer2.2", "layer3.4"]
    assert stages.layer2[0].conv2.stride == (2, 2)
    assert list(grown.plugins) == ["layer2_1", "layer2_3"]
    assert isinstance(grown.plugins["layer2_1"], NonLocalBlock)


def test_frames_are_seen_by_frames_of_their_own_clip_alone():
    grown = randomize(build(convs=CONVS, plugins=PLUGINS), scale=0.1).eval()
    other = FRAMES.clone()
    other[3] = normal(3, 64, 32, seed=5, dtype=torch.float32)
    with torch.no_grad():
        first, second = grown(FRAMES, 2)[-1], grown(other, 2)[-1]
    changed = [not torch.equal(a, b) for a, b in zip(first, second, strict=True)]
    assert changed == [False, False, True, True]


def test_temporal_convolutions_know_the_frames_of_a_clip():
    grown = randomize(build(convs=CONVS), scale=0.3).eval()
    other = FRAMES.clone()
    other[3] = normal(3, 64, 32, seed=5, dtype=torch.float32)
    with torch.no_grad():
        first, second = grown(FRAMES, 2)[-1], grown(other, 2)[-1]
    changed = [not torch.equal(a, b) for a, b in zip(first, second, strict=True)]
    assert changed == [False, False, True, True]


def test_a_replaced_convolution_keeps_its_weight():
    torch.manual_seed(0)
    image = MODELS.build(copy.deepcopy(NET)).state_dict()
    torch.manual_seed(0)
    grown = build(convs=CONVS).backbone.state_dict()
    assert all(torch.equal(grown[name], value) for name, value in image.items())


def test_norms_stand_first_in_every_block_of_their_stage():
    image, grown = MODELS.build(copy.deepcopy(NET)), build(norms=NORMS).backbone
    assert sum(p.numel() for p in grown.parameters()) == sum(p.numel() for p in image.parameters())
    replaced = {
        f"{stage}.{number}.{name}"
        for stage in grown.res_layers
        for number, block in enumerate(getattr(grown, stage))
        for name, module in block.named_children()
        if isinstance(module, InstanceBatchNorm)
    }
    blocks = {1: 3, 2: 4, 3: 6}
    assert replaced == {f"layer{s}.{n}.bn1" for s, number in blocks.items() for n in range(number)}
    # The names of the authors' checkpoints, all others those of torchvision's.
    own = {"IN.weight", "IN.bias"} | {
        f"BN.{name}"
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    }
    new = {name for name in grown.state_dict() if name not in image.state_dict()}
    assert new == {f"{place}.{name}" for place in replaced for name in own}


def test_weights_of_another_norm_are_refused_and_those_of_this_one_begin_a_run(
    tmp_path, monkeypatch
):
    as_in_a_run(monkeypatch)
    pretrained = {"type": "Pretrained", "checkpoint": str(tmp_path / "image.pth")}
    image = randomize(build(norms=NORMS)).backbone.state_dict()
    torch.save(
        {**image, "fc.weight": torch.zeros(2, 3), "fc.bias": torch.zeros(2)}, tmp_path / "image.pth"
    )
    grown = ClipBackbone({**NET, "init_cfg": pretrained}, norms=NORMS)
    grown.init_weights()
    assert all(torch.equal(grown.backbone.state_dict()[name], image[name]) for name in image)
    torch.save(MODELS.build(copy.deepcopy(NET)).state_dict(), tmp_path / "image.pth")
    with pytest.raises(ValueError, match=r"missing: .*layer1\.0\.bn1\.BN"):
        ClipBackbone({**NET, "init_cfg": pretrained}, norms=NORMS).init_weights()


def test_norms_serve_what_another_camera_made_brighter():
    # What a factor on a frame changes, an instance norm takes away.
    grown = ClipBackbone({**NET, "out_indices": (0,)}, norms=NORMS).eval()
    norm = grown.backbone.layer1[0].bn1
    maps = normal(2, 8, 6, 4, dtype=torch.float32)
    with torch.no_grad():
        ours, brighter = norm(maps), norm(1.5 * maps + 2)
    torch.testing.assert_close(ours[:, :4], brighter[:, :4], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ours[:, 4:], brighter[:, 4:], atol=0.1)


def test_plug_ins_run_behind_their_blocks():
    net = {**NET, "out_indices": (1,)}
    grown = randomize(ClipBackbone(net, plugins=PLUGINS), scale=0.3).eval()
    with torch.no_grad():
        maps = grown.backbone.layer1(grown._run_stem(FRAMES))
        for number, block in enumerate(grown.backbone.layer2):
            maps = block(maps)
            if number in (1, 3):
                clips = maps.unflatten(0, (2, 2))
                maps = grown.plugins[f"layer2_{number}"](clips).flatten(0, 1)
        torch.testing.assert_close(grown(FRAMES, 2)[0], maps)


def test_a_stem_without_rectifier_lets_negative_values_through():
    plain, linear = build(), build(stem_relu=False)
    linear.load_state_dict(plain.state_dict())
    with torch.no_grad():
        assert plain._run_stem(FRAMES).min() >= 0
        assert linear._run_stem(FRAMES).min() < 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"convs": [{**CONVS[0], "stage": 5}]}, r"convs\[0\].stage must be from 1 to 4, .* got 5"),
        ({"convs": [{**CONVS[0], "blocks": (4,)}]}, "blocks of stage 2, from 0 to 3, got 4"),
        ({"convs": [CONVS[0], CONVS[0]]}, r"convs\[1\] can replace a plain convolution once"),
        ({"norms": [{**NORMS[0], "stage": 0}]}, r"norms\[0\].stage must be from 1 to 4, .* got 0"),
        (
            {"norms": [NORMS[0], NORMS[0]]},
            r"norms\[1\] can replace a plain batch norm once, .* stage 1",
        ),
        ({"norms": [{"type": "mmctl.InstanceBatchNorm"}]}, r"norms\[0\] must have stage to say"),
        ({"plugins": [{"type": "mmctl.NonLocalBlock", "stage": 2}]}, "must have stage and after"),
        ({"plugins": PLUGINS * 2}, r"plugins\[1\] stands where another plug-in does, layer2_1"),
    ],
)
def test_a_place_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_a_backbone_without_stages_is_refused():
    with pytest.raises(
        TypeError, match=r"needs a backbone with stages of blocks .* got MobileNetV2"
    ):
        ClipBackbone({"type": "mmpretrain.MobileNetV2"})


def test_one_config_in_the_place_of_a_list_is_refused():
    with pytest.raises(TypeError, match=r"ClipBackbone's norms must be a list of configs, got \{"):
        build(norms=NORMS[0])
