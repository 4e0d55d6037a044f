"""The steps from a tracklet's frame paths to a tensor of clips."""

from mmctl.datasets.transforms.augment_clip import EraseFrames, FlipClip, ResizeClip
from mmctl.datasets.transforms.load_frames import LoadFrames, LoadKeypoints
from mmctl.datasets.transforms.pack_clip import PackClip
from mmctl.datasets.transforms.sample_clip import SampleClip

__all__ = [
    "EraseFrames",
    "FlipClip",
    "LoadFrames",
    "LoadKeypoints",
    "PackClip",
    "ResizeClip",
    "SampleClip",
]
