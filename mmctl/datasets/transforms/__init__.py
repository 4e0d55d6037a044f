"""The steps from a tracklet's frame paths to a tensor of clips."""

from mmctl.datasets.transforms.augment_clip import EraseFrames, ResizeClip
from mmctl.datasets.transforms.clip_modes import register_clip_mode
from mmctl.datasets.transforms.crop_clip import CropClip
from mmctl.datasets.transforms.load_frames import LoadFrames
from mmctl.datasets.transforms.load_keypoints import LoadHeatmaps, LoadKeypoints
from mmctl.datasets.transforms.mirror_clip import AddMirroredClips, FlipClip
from mmctl.datasets.transforms.pack_clip import PackClip
from mmctl.datasets.transforms.sample_clip import SampleClip

__all__ = [
    "AddMirroredClips",
    "CropClip",
    "EraseFrames",
    "FlipClip",
    "LoadFrames",
    "LoadHeatmaps",
    "LoadKeypoints",
    "PackClip",
    "ResizeClip",
    "SampleClip",
    "register_clip_mode",
]
