"""Metric and protocols."""

from mmctl.evaluation.protocols import PROTOCOLS, Protocol
from mmctl.evaluation.reid_metric import ReIDMetric
from mmctl.evaluation.tracklet_features import Evaluation, TrackletFeatures

__all__ = ["PROTOCOLS", "Evaluation", "Protocol", "ReIDMetric", "TrackletFeatures"]
