"""The model and its components."""

from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.models.heads import FusionHead, PartGraphHead
from mmctl.models.layers import (
    ContextBlock,
    ContextTopology,
    CrossScaleConv,
    FrameGraphConv,
    GraphConv3d,
    WindowContextBlock,
)
from mmctl.models.losses import BatchHardTripletLoss, DiversityLoss
from mmctl.models.necks import PosePartNeck
from mmctl.models.pose import KeypointHeatmaps
from mmctl.models.video_reid import VideoReID

__all__ = [
    "BatchHardTripletLoss",
    "ClipDataPreprocessor",
    "ContextBlock",
    "ContextTopology",
    "CrossScaleConv",
    "DiversityLoss",
    "FrameGraphConv",
    "FusionHead",
    "GraphConv3d",
    "KeypointHeatmaps",
    "PartGraphHead",
    "PosePartNeck",
    "VideoReID",
    "WindowContextBlock",
]
