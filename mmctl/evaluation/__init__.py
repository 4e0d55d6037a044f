"""Metric and protocols."""

from mmctl.evaluation.across_cameras import rank_across_cameras
from mmctl.evaluation.feature_files import read_features
from mmctl.evaluation.protocols import PROTOCOLS, Protocol
from mmctl.evaluation.refinement import Refinement, Reranking
from mmctl.evaluation.reid_metric import ReIDMetric
from mmctl.evaluation.sanity_checks import find_oddities
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures

__all__ = [
    "PROTOCOLS",
    "Evaluation",
    "Protocol",
    "ReIDMetric",
    "Refinement",
    "Reranking",
    "TrackletFeatures",
    "find_oddities",
    "rank_across_cameras",
    "read_features",
]
