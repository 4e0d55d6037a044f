"""Necks: from feature maps to node features or clip features."""

from mmctl.models.necks.branch_neck import BranchNeck, PooledBranch
from mmctl.models.necks.pose_part_neck import PosePartNeck
from mmctl.models.necks.stripe_branch import StripeBranch

__all__ = ["BranchNeck", "PooledBranch", "PosePartNeck", "StripeBranch"]
