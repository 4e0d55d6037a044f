"""A drawn street that is followed, and what was made of it."""

from __future__ import annotations

from mmctl.apis.video_tracking import CameraVideo, VideoTracking
from mmctl.datasets import TrackletDataset
from mmctl.datasets.tracking import TrackSettings
from tests.test_apis.test_video_tracking.drawn_scene import KnowingDetector

START = "2024-05-31T14:30:00+02:00"


def follow(street, out, detector=None, tracker=None, videos=("a.mp4", "b.avi"), **settings):
    cameras = [
        CameraVideo(str(street / name), camid, START if camid == 1 else None)
        for camid, name in enumerate(videos, start=1)
    ]
    batch_size = settings.pop("batch_size", 3)
    detector = KnowingDetector() if detector is None else detector
    return VideoTracking(out, cameras, detector, tracker, TrackSettings(**settings), batch_size)


def infos(out, **arguments):
    dataset = TrackletDataset(data_root=str(out), split="all", **arguments)
    return [dataset.get_data_info(index) for index in range(len(dataset))]


def read_set(out):
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
