"""Pictures of results."""

from mmctl.visualization.clip_sheet import AugmentedClip, draw_clip_sheet
from mmctl.visualization.ranking_sheet import draw_ranking_sheet

__all__ = [
    "AugmentedClip",
    "draw_clip_sheet",
    "draw_ranking_sheet",
]
