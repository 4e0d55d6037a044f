"""Why a network finds two tracklets alike: where it looked, which parts matched, which graph."""

from mmctl.explanations.clip_maps import CamSettings, ClipMaps, map_clips
from mmctl.explanations.learned_graphs import LearnedGraphs, read_graphs
from mmctl.explanations.similarity_split import (
    Shares,
    SimilaritySplit,
    average_terms,
    split_similarity,
)
from mmctl.explanations.targets import feature_target, identity_target, similarity_target
from mmctl.explanations.tracklet_terms import TrackletClips, TrackletTerms, compute_terms

__all__ = [
    "CamSettings",
    "ClipMaps",
    "LearnedGraphs",
    "Shares",
    "SimilaritySplit",
    "TrackletClips",
    "TrackletTerms",
    "average_terms",
    "compute_terms",
    "feature_target",
    "identity_target",
    "map_clips",
    "read_graphs",
    "similarity_target",
    "split_similarity",
]
