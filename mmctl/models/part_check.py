"""What the parts of the model must agree on."""

from __future__ import annotations

from torch import nn

from mmctl.models.pose.heatmap_source import read_by
from mmctl.structures import SCALES


def check_parts(
    neck: nn.Module, head: nn.Module, pose: nn.Module | None, graph_head: nn.Module | None
) -> None:
    """Raise unless the parts of a model fit each other.

    Args:
        neck: As for :class:`~mmctl.models.VideoReID`.
        head: The same.
        pose: The same.
        graph_head: The same.

    Raises:
        ValueError: If ``channels``, ``body`` or ``scales`` differ, or ``pose`` reads something
            that there is not.
    """
    if pose is None or graph_head is None:
        return
    read_by(pose)
    for name, giver in (("channels", head), ("body", neck)):
        ours, theirs = getattr(graph_head, name, None), getattr(giver, name, None)
        if None not in (ours, theirs) and ours != theirs:
            raise ValueError(
                f"graph_head.{name} must be that of {type(giver).__name__}, because both work "
                f"on the same nodes, got {ours} and {theirs}"
            )
    missing = set(getattr(graph_head, "scales", ())) - set(getattr(neck, "scales", SCALES))
    if missing:
        raise ValueError(
            f"neck.scales must hold those of graph_head.scales, got {neck.scales} without "
            f"{sorted(missing)}"
        )
