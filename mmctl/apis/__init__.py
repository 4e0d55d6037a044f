"""Work over whole data sets and single videos, as the tools call it."""

from mmctl.apis.inference.tracked_video import TrackedVideo
from mmctl.apis.keypoint_extraction import BrokenFramesError, ExtractionSettings, KeypointExtraction
from mmctl.apis.model_zoo import get_model, init_model, list_models
from mmctl.apis.tracklet_explainer import TrackletExplainer
from mmctl.apis.tracklet_inferencer import TrackletInferencer

__all__ = [
    "BrokenFramesError",
    "ExtractionSettings",
    "KeypointExtraction",
    "TrackedVideo",
    "TrackletExplainer",
    "TrackletInferencer",
    "get_model",
    "init_model",
    "list_models",
]
