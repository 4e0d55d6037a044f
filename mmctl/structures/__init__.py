"""Body tables, persons found in a frame, and the sample that travels through the model."""

from mmctl.structures.body import (
    BODY_SCALES,
    FLIP_ORDER,
    KEYPOINT_EDGES,
    KEYPOINTS,
    NUM_KEYPOINTS,
    SCALES,
    BodyScales,
    resolve_body,
)
from mmctl.structures.detections import Detections
from mmctl.structures.tracklet_sample import TrackletSample

__all__ = [
    "BODY_SCALES",
    "FLIP_ORDER",
    "KEYPOINTS",
    "KEYPOINT_EDGES",
    "NUM_KEYPOINTS",
    "SCALES",
    "BodyScales",
    "Detections",
    "TrackletSample",
    "resolve_body",
]
