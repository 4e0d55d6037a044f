"""Detectors of torchvision that this package builds or trains itself."""

from mmctl.models.detection.small_keypoint_rcnn import build_small_keypoint_rcnn

__all__ = ["build_small_keypoint_rcnn"]
