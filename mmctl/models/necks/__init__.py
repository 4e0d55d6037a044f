"""Necks: from feature maps to node features."""

from mmctl.models.necks.pose_part_neck import PosePartNeck

__all__ = ["PosePartNeck"]
