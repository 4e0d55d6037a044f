"""Trackers: who in a frame is who in the frames before."""

from mmctl.models.trackers.roboflow_trackers import OCSORT, SORT, ByteTrack
from mmctl.models.trackers.tracker import Tracker

__all__ = ["OCSORT", "SORT", "ByteTrack", "Tracker"]
