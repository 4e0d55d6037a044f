import torch

from mmctl.models.backbones import ClipBackbone
from tests.random_state import normal

NET = {"type": "mmpretrain.ResNet", "depth": 18, "stem_channels": 8, "base_channels": 8}


def test_the_twins_start_alike_and_learn_apart():
    backbone = ClipBackbone(dict(NET), tail={"type": "mmctl.TwinStage", "names": ("a", "b")})
    backbone.init_weights()
    frames = normal(4, 3, 64, 32, dtype=torch.float32)
    backbone.eval()
    maps = backbone(frames, 2)[-1]
    assert {name: tuple(own.shape) for name, own in maps.items()} == {
        "a": (2, 2, 64, 2, 1),
        "b": (2, 2, 64, 2, 1),
    }
    torch.testing.assert_close(maps["a"], maps["b"])
    maps["b"].square().sum().backward()
    assert all(p.grad is None for p in backbone.backbone.layer4.parameters())
    assert all(p.grad is not None for p in backbone.tail.parameters())
