"""Heads: the graphs, and the fusion block with its losses."""

from mmctl.models.heads.fusion_head import FusionHead
from mmctl.models.heads.part_graph_head import PartGraphHead

__all__ = ["FusionHead", "PartGraphHead"]
