"""The model and its components."""

from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.models.heads import FeatureHead, FusionHead, PartGraphHead
from mmctl.models.layers import (
    ContextBlock,
    ContextTopology,
    CrossScaleConv,
    FrameGraphConv,
    GraphConv3d,
    LinearClassifier,
    WindowContextBlock,
)
from mmctl.models.losses import BatchHardTripletLoss, DiversityLoss
from mmctl.models.necks import PosePartNeck
from mmctl.models.pose import (
    FrozenPoseEstimator,
    HRNetHeatmaps,
    KeypointHeatmaps,
    StoredHeatmaps,
)
from mmctl.models.video_reid import VideoReID

__all__ = [
    "BatchHardTripletLoss",
    "ClipDataPreprocessor",
    "ContextBlock",
    "ContextTopology",
    "CrossScaleConv",
    "DiversityLoss",
    "FeatureHead",
    "FrameGraphConv",
    "FrozenPoseEstimator",
    "FusionHead",
    "GraphConv3d",
    "HRNetHeatmaps",
    "KeypointHeatmaps",
    "LinearClassifier",
    "PartGraphHead",
    "PosePartNeck",
    "StoredHeatmaps",
    "VideoReID",
    "WindowContextBlock",
]
