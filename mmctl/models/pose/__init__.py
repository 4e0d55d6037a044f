"""Sources of keypoint heatmaps."""

from mmctl.models.pose.keypoint_heatmaps import KeypointHeatmaps

__all__ = ["KeypointHeatmaps"]
