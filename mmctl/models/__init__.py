"""The model and its components."""

from mmctl.models.backbones import ClipBackbone, SaliencyErasing
from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.models.heads import BranchHead, FeatureHead, FusionHead, PartGraphHead
from mmctl.models.layers import (
    ContextBlock,
    ContextTopology,
    ConvAttentionPool,
    CoSegmentation,
    CrossScaleConv,
    FrameGraphConv,
    GraphConv3d,
    LinearClassifier,
    MeanPool,
    NonLocalBlock,
    RecurrentPool,
    SaliencyBoosting,
    TemporalConv,
    WindowContextBlock,
)
from mmctl.models.losses import BatchHardTripletLoss, DiversityLoss
from mmctl.models.necks import BranchNeck, PooledBranch, PosePartNeck
from mmctl.models.pose import (
    FrozenPoseEstimator,
    HRNetHeatmaps,
    KeypointHeatmaps,
    StoredHeatmaps,
)
from mmctl.models.video_reid import VideoReID

__all__ = [
    "BatchHardTripletLoss",
    "BranchHead",
    "BranchNeck",
    "ClipBackbone",
    "ClipDataPreprocessor",
    "CoSegmentation",
    "ContextBlock",
    "ContextTopology",
    "ConvAttentionPool",
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
    "MeanPool",
    "NonLocalBlock",
    "PartGraphHead",
    "PooledBranch",
    "PosePartNeck",
    "RecurrentPool",
    "SaliencyBoosting",
    "SaliencyErasing",
    "StoredHeatmaps",
    "TemporalConv",
    "VideoReID",
    "WindowContextBlock",
]
