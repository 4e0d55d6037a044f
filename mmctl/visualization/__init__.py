"""Pictures of results."""

from mmctl.visualization.clip_sheet import AugmentedClip, draw_clip_sheet
from mmctl.visualization.learning_curve import draw_learning_curve, read_training_log
from mmctl.visualization.ranking_sheet import draw_ranking_sheet

__all__ = [
    "AugmentedClip",
    "draw_clip_sheet",
    "draw_learning_curve",
    "draw_ranking_sheet",
    "read_training_log",
]
