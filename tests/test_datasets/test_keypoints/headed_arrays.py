"""Arrays of keypoints and heatmaps with a header, which several tests write."""

from __future__ import annotations

import numpy as np

from mmctl.datasets.keypoints.keypoint_header import ArrayHeader, hash_frame_list

FRAMES = ["a/0.jpg", "a/1.jpg", "b/0.jpg"]
HEADER = ArrayHeader("keypoints", 3, hash_frame_list(FRAMES), "a test", frame_size=(4, 2))


def keypoints_of(num_frames=3):
    return np.random.default_rng(0).random((num_frames, 17, 3), dtype=np.float32)


def heatmaps_of(num_frames=3):
    return np.random.default_rng(0).random((num_frames, 17, 4, 2)).astype(np.float16)


def header_of(kind="keypoints", frames=FRAMES, **changes):
    return ArrayHeader(**{**vars(HEADER), "kind": kind, "num_frames": len(frames)} | changes)
