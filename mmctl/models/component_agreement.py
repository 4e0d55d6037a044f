"""What the components of the model must agree on."""

from __future__ import annotations

from typing import Any

from mmctl.models.heads.branch_head import BranchHead
from mmctl.models.heads.fusion_head import FusionHead
from mmctl.models.necks.branch_neck import BranchNeck
from mmctl.models.pose.heatmap_source import HeatmapSource, check_source


def map_channels(neck: Any, head: Any) -> int:
    """Return the channels of maps that neck and head work with.

    Raises:
        ValueError: If one works with clip features by name and the other does not, or they differ.
    """
    by_name = isinstance(head, BranchHead) and not isinstance(head, FusionHead)
    if not isinstance(neck, BranchNeck) and not by_name:
        return head.channels
    theirs = neck.out_channels if isinstance(neck, BranchNeck) else None
    ours = head.widths if by_name else None
    if ours != theirs:
        raise ValueError(
            "head.branches of a BranchHead must be the branches of a BranchNeck and their "
            f"channels, got {ours} in {type(head).__name__} and {theirs} in {type(neck).__name__}"
        )
    return neck.channels


def check_agreement(neck: Any, head: Any, pose: HeatmapSource, graph_head: Any) -> None:
    """Raise unless the components of a model with graphs, as it names them, fit each other.

    Raises:
        ValueError: If ``channels``, ``body`` or ``scales`` differ, or ``pose`` is no source of
            heatmaps.
    """
    check_source(pose)
    for name, giver in (("channels", head), ("body", neck)):
        ours, theirs = getattr(graph_head, name), getattr(giver, name)
        if ours != theirs:
            raise ValueError(
                f"graph_head.{name} must be that of {type(giver).__name__}, because both work "
                f"on the same nodes, got {ours} and {theirs}"
            )
    missing = set(graph_head.scales) - set(neck.scales)
    if missing:
        raise ValueError(
            f"neck.scales must hold those of graph_head.scales, got {neck.scales} without "
            f"{sorted(missing)}"
        )
