"""Work over whole data sets and single videos, as the tools call it."""

from mmctl.apis.keypoint_extraction import BrokenFramesError, ExtractionSettings, KeypointExtraction

__all__ = ["BrokenFramesError", "ExtractionSettings", "KeypointExtraction"]
