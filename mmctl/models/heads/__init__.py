"""Heads: the graphs, clip features with their losses, and what lends other heads a feature."""

from mmctl.models.heads.branch_head import BranchHead
from mmctl.models.heads.feature_head import FeatureHead
from mmctl.models.heads.fusion_head import FusionHead
from mmctl.models.heads.part_graph_head import PartGraphHead

__all__ = ["BranchHead", "FeatureHead", "FusionHead", "PartGraphHead"]
