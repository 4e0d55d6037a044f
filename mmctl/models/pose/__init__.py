"""Sources of keypoint heatmaps."""

from mmctl.models.pose.frozen_pose import FrozenPoseEstimator
from mmctl.models.pose.hrnet_heatmaps import HRNetHeatmaps
from mmctl.models.pose.keypoint_heatmaps import KeypointHeatmaps
from mmctl.models.pose.stored_heatmaps import StoredHeatmaps

__all__ = ["FrozenPoseEstimator", "HRNetHeatmaps", "KeypointHeatmaps", "StoredHeatmaps"]
