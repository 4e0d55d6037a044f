"""Drawn pedestrians: a re-identification data set that needs no download."""

from mmctl.datasets.synthetic.appearance import Appearance, draw_group
from mmctl.datasets.synthetic.coco_export import write_coco_files
from mmctl.datasets.synthetic.drawing_state import clear_folder
from mmctl.datasets.synthetic.keypoint_noise import (
    NOISES,
    drop_joints,
    estimate_joints,
    jitter_joints,
    reveal_joints,
    swap_sides,
)
from mmctl.datasets.synthetic.layout_writers import WRITERS
from mmctl.datasets.synthetic.mars_writer import MarsWriter
from mmctl.datasets.synthetic.plan import PlannedTracklet, draw_planned, plan_tracklets
from mmctl.datasets.synthetic.settings import DrawnSettings
from mmctl.datasets.synthetic.tracklet import DrawnTracklet, draw_tracklet
from mmctl.files import DiskFullError

__all__ = [
    "NOISES",
    "WRITERS",
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
    "drop_joints",
    "estimate_joints",
    "jitter_joints",
    "plan_tracklets",
    "reveal_joints",
    "swap_sides",
    "write_coco_files",
]
