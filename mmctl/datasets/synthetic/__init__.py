"""Drawn pedestrians: a re-identification data set that needs no download."""

from mmctl.datasets.synthetic.appearance import Appearance, draw_group
from mmctl.datasets.synthetic.atomic_files import DiskFullError
from mmctl.datasets.synthetic.drawing_state import clear_folder
from mmctl.datasets.synthetic.mars_writer import MarsWriter
from mmctl.datasets.synthetic.plan import PlannedTracklet, draw_planned, plan_tracklets
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.datasets.synthetic.tracklet import DrawnTracklet, draw_tracklet

__all__ = [
    "Appearance",
    "DiskFullError",
    "DrawnSettings",
    "DrawnTracklet",
    "MarsWriter",
    "PlannedTracklet",
    "clear_folder",
    "draw_group",
    "draw_planned",
    "draw_tracklet",
    "plan_tracklets",
]
