"""Sources of keypoint heatmaps, and of what else is made of poses."""

from mmctl.models.pose.frozen_pose import FrozenPoseEstimator
from mmctl.models.pose.hrnet_heatmaps import HRNetHeatmaps
from mmctl.models.pose.keypoint_heatmaps import KeypointHeatmaps
from mmctl.models.pose.keypoint_stripes import KeypointStripes
from mmctl.models.pose.stored_heatmaps import StoredHeatmaps

__all__ = [
    "FrozenPoseEstimator",
    "HRNetHeatmaps",
    "KeypointHeatmaps",
    "KeypointStripes",
    "StoredHeatmaps",
]
