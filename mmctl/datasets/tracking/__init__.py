"""From a tracker's output to tracklets: boxes in videos become folders of crops and a list."""

from mmctl.datasets.tracking.frame_source import open_source
from mmctl.datasets.tracking.label_folder import read_label_folder
from mmctl.datasets.tracking.mot_file import read_mot_file
from mmctl.datasets.tracking.split_choice import SplitChoice
from mmctl.datasets.tracking.track_plan import TrackSettings
from mmctl.datasets.tracking.track_writer import Camera, TrackWriter

__all__ = [
    "Camera",
    "SplitChoice",
    "TrackSettings",
    "TrackWriter",
    "open_source",
    "read_label_folder",
    "read_mot_file",
]
