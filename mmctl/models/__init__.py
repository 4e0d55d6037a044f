"""The model and its components."""

from mmctl.models.backbones import ClipBackbone, SaliencyErasing, TwinStage
from mmctl.models.data_preprocessor import ClipDataPreprocessor
from mmctl.models.heads import BranchHead, FeatureHead, FusionHead, PartGraphHead
from mmctl.models.layers import (
    AffinityGraphConv,
    AffinityTopology,
    ContextBlock,
    ContextTopology,
    ConvAttentionPool,
    CoSegmentation,
    CrossScaleConv,
    FrameGraphConv,
    GraphConv3d,
    IntegrationDistribution,
    LinearClassifier,
    MeanPool,
    NearestGraphConv,
    NonLocalBlock,
    RecurrentPool,
    SaliencyBoosting,
    StatisticAttention,
    TemporalConv,
    WindowContextBlock,
)
from mmctl.models.losses import BatchHardTripletLoss, DiversityLoss
from mmctl.models.necks import BranchNeck, PooledBranch, PosePartNeck, StripeBranch
from mmctl.models.pose import (
    FrozenPoseEstimator,
    HRNetHeatmaps,
    KeypointHeatmaps,
    KeypointStripes,
    StoredHeatmaps,
)
from mmctl.models.video_reid import VideoReID

__all__ = [
    "AffinityGraphConv",
    "AffinityTopology",
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
    "IntegrationDistribution",
    "KeypointHeatmaps",
    "KeypointStripes",
    "LinearClassifier",
    "MeanPool",
    "NearestGraphConv",
    "NonLocalBlock",
    "PartGraphHead",
    "PooledBranch",
    "PosePartNeck",
    "RecurrentPool",
    "SaliencyBoosting",
    "SaliencyErasing",
    "StatisticAttention",
    "StoredHeatmaps",
    "StripeBranch",
    "TemporalConv",
    "TwinStage",
    "VideoReID",
    "WindowContextBlock",
]
