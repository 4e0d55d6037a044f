"""Detectors: from a camera's frames to the persons in them."""

from mmctl.models.detectors.detector import Detector
from mmctl.models.detectors.mot_file import MotFile
from mmctl.models.detectors.torchvision_boxes import TorchvisionBoxes
from mmctl.models.detectors.torchvision_keypoint_rcnn import TorchvisionKeypointRCNN

__all__ = ["Detector", "MotFile", "TorchvisionBoxes", "TorchvisionKeypointRCNN"]
