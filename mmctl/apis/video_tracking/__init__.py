"""From videos to tracklets in one pass: detect, track, crop, keep keypoints, time and quality."""

from mmctl.apis.video_tracking.camera_list import CameraVideo, read_camera_list
from mmctl.apis.video_tracking.video_tracking import VideoTracking

__all__ = ["CameraVideo", "VideoTracking", "read_camera_list"]
