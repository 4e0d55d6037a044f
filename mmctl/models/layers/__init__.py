"""The boxes of the paper's figures and the classifier, one file each."""

from mmctl.models.layers.affinity_topology import AffinityTopology
from mmctl.models.layers.co_segmentation import CoSegmentation
from mmctl.models.layers.context_block import ContextBlock, WindowContextBlock
from mmctl.models.layers.cross_scale_conv import CrossScaleConv
from mmctl.models.layers.frame_graph_conv import FrameGraphConv
from mmctl.models.layers.graph_conv3d import GraphConv3d
from mmctl.models.layers.instance_batch_norm import InstanceBatchNorm
from mmctl.models.layers.linear_classifier import LinearClassifier
from mmctl.models.layers.non_local_block import NonLocalBlock
from mmctl.models.layers.saliency_boosting import SaliencyBoosting
from mmctl.models.layers.salient_to_broad import SalientToBroad
from mmctl.models.layers.statistic_attention import IntegrationDistribution, StatisticAttention
from mmctl.models.layers.stripe_graphs import AffinityGraphConv, NearestGraphConv
from mmctl.models.layers.temporal_conv import TemporalConv
from mmctl.models.layers.temporal_pools import ConvAttentionPool, MeanPool, RecurrentPool
from mmctl.models.layers.topology import ContextTopology

__all__ = [
    "AffinityGraphConv",
    "AffinityTopology",
    "CoSegmentation",
    "ContextBlock",
    "ContextTopology",
    "ConvAttentionPool",
    "CrossScaleConv",
    "FrameGraphConv",
    "GraphConv3d",
    "InstanceBatchNorm",
    "IntegrationDistribution",
    "LinearClassifier",
    "MeanPool",
    "NearestGraphConv",
    "NonLocalBlock",
    "RecurrentPool",
    "SaliencyBoosting",
    "SalientToBroad",
    "StatisticAttention",
    "TemporalConv",
    "WindowContextBlock",
]
