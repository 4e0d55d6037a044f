import pytest
import torch
from torch import nn

from mmctl.models.backbone_check import PROBE_SIZES, check_backbone, run_backbone
from mmctl.registry import MODELS

RESNET = {"type": "mmpretrain.ResNet", "depth": 18, "stem_channels": 8, "base_channels": 8}


class Picky(nn.Module):
    """Takes frames of one size; what it learns is noted."""

    def __init__(self, size, img_size=None):
        super().__init__()
        self.size = size
        self.seen = []
        if img_size is not None:
            self.img_size = img_size

    def forward(self, frames):
        self.seen.append(tuple(frames.shape[2:]))
        if tuple(frames.shape[2:]) != self.size:
            raise RuntimeError("sizes differ")
        return (frames.new_zeros(len(frames), 4, 2, 2),)


def test_trying_a_backbone_changes_nothing():
    backbone = MODELS.build(RESNET)
    backbone.train()
    backbone.layer1.eval()
    modes = [module.training for module in backbone.modules()]
    state = {name: value.clone() for name, value in backbone.state_dict().items()}
    random = torch.get_rng_state()
    check_backbone(nn.Sequential(nn.Identity(), backbone), 64)
    assert [module.training for module in backbone.modules()] == modes
    assert all(torch.equal(state[name], value) for name, value in backbone.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_random_numbers_of_a_backbone_are_none_of_the_run_s():
    class Drawing(nn.Module):
        def forward(self, frames):
            return (torch.rand(1, 4, 2, 2),)

    random = torch.get_rng_state()
    check_backbone(Drawing(), 4)
    assert torch.equal(torch.get_rng_state(), random)


def test_a_backbone_that_takes_no_small_frames_is_tried_with_larger_ones():
    backbone = Picky(PROBE_SIZES[1])
    with pytest.raises(ValueError, match="those of the backbone's last map, 4, got 5"):
        check_backbone(backbone, 5)
    assert backbone.seen == list(PROBE_SIZES[:2])


def test_a_backbone_that_takes_none_of_the_sizes_is_left_to_the_first_batch():
    backbone = Picky((32, 32))
    check_backbone(backbone, 5)
    assert backbone.seen == list(PROBE_SIZES)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        (
            {"type": "mmpretrain.ConvNeXt", "arch": "atto"},
            r"ConvNeXt must return .* got as last item a Tensor of shape \(1, 320\); set "
            "gap_before_final_norm=False in the backbone's config",
        ),
        (
            {"type": "mmpretrain.VisionTransformer", "arch": "deit-tiny"},
            "set out_type='featmap' in the backbone's config, since out_type='cls_token'",
        ),
        (
            {"type": "mmpretrain.VisionTransformer", "arch": "deit-tiny", "out_type": "raw"},
            "set out_type='featmap' in the backbone's config, since out_type='raw'",
        ),
    ],
)
def test_the_key_that_makes_a_map_is_named(backbone, message):
    with pytest.raises(ValueError, match=message):
        check_backbone(MODELS.build(backbone), 192)


def test_frames_of_another_size_than_a_backbone_was_built_for_are_named():
    backbone = Picky((4, 4), img_size=(4, 4))
    assert run_backbone(backbone, torch.zeros(2, 3, 4, 4)).shape == (2, 4, 2, 2)
    with pytest.raises(ValueError, match=r"img_size=\(4, 4\) .* set img_size=\(8, 4\) in its"):
        run_backbone(backbone, torch.zeros(2, 3, 8, 4))


@pytest.mark.parametrize("img_size", [None, (8, 4)])
def test_other_faults_of_a_backbone_keep_their_error(img_size):
    with pytest.raises(RuntimeError, match="sizes differ"):
        run_backbone(Picky((4, 4), img_size), torch.zeros(2, 3, 8, 4))
