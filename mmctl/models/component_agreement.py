"""What the components of the model must agree on."""

from __future__ import annotations

from typing import Any

from mmctl.models.pose.heatmap_source import HeatmapSource, check_source


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
