"""torchvision's Keypoint R-CNN, small enough to be trained and run on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmctl.structures import NUM_KEYPOINTS

if TYPE_CHECKING:
    from torchvision.models.detection import KeypointRCNN

BACKBONES = {"resnet10": (1, 1, 1, 1), "resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
"""Blocks of each stage of torchvision's ResNet, by the number of its layers."""

_STAGES = {"layer2": 128, "layer3": 256, "layer4": 512}
"""Stages that the pyramid takes, with their channels; they halve the picture three times and on."""

_CHANNELS, _HIDDEN, _KEYPOINT_CHANNELS = 64, 256, 96
_HEIGHTS = ((24,), (48,), (96,), (192,))
"""Sides of squares as large as the anchors of each level, in pixels of the resized picture."""

_SHAPES = (1.5, 2.5, 4.0)
"""Heights of the anchors by their widths: people are upright."""

_FEW = {
    "rpn_pre_nms_top_n_train": 300,
    "rpn_pre_nms_top_n_test": 200,
    "rpn_post_nms_top_n_train": 100,
    "rpn_post_nms_top_n_test": 60,
    "rpn_batch_size_per_image": 128,
    "box_batch_size_per_image": 32,
    "box_detections_per_img": 40,
}
"""Boxes that are looked at: a street has a few people, not the hundreds of things of COCO."""


def build_small_keypoint_rcnn(
    backbone: str = "resnet10", size: tuple[int, int] = (252, 448)
) -> KeypointRCNN:
    """Build an untrained detector of persons and their 17 keypoints.

    It is :class:`torchvision.models.detection.KeypointRCNN` with a pyramid of 64 channels over a
    quarter of the steps that torchvision's own models take: inputs, outputs and losses are theirs.

    Args:
        backbone: One of :data:`BACKBONES`.
        size: Sides (shorter, longer at most) to which pictures are resized, in pixels.

    Raises:
        ValueError: If there is no such backbone.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}")
    from torchvision.models.detection import KeypointRCNN
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
    from torchvision.models.detection.rpn import AnchorGenerator
    from torchvision.models.resnet import BasicBlock, ResNet
    from torchvision.ops import MultiScaleRoIAlign

    body = BackboneWithFPN(
        ResNet(BasicBlock, list(BACKBONES[backbone])),
        {stage: str(index) for index, stage in enumerate(_STAGES)},
        list(_STAGES.values()),
        _CHANNELS,
    )
    levels = [str(index) for index in range(len(_STAGES))]
    return KeypointRCNN(
        body,
        min_size=size[0],
        max_size=size[1],
        rpn_anchor_generator=AnchorGenerator(_HEIGHTS, (_SHAPES,) * len(_HEIGHTS)),
        box_roi_pool=MultiScaleRoIAlign(levels, 7, 2),
        box_head=TwoMLPHead(_CHANNELS * 49, _HIDDEN),
        box_predictor=FastRCNNPredictor(_HIDDEN, 2),
        keypoint_roi_pool=MultiScaleRoIAlign(levels, 14, 2),
        keypoint_head=KeypointRCNNHeads(_CHANNELS, (_KEYPOINT_CHANNELS,) * 4),
        keypoint_predictor=KeypointRCNNPredictor(_KEYPOINT_CHANNELS, NUM_KEYPOINTS),
        **_FEW,
    )
