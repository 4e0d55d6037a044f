"""Clips of random frames and joints, as transforms get them from ResizeClip."""

import numpy as np


def stacked(num_clips=2, clip_len=3, height=8, width=6, seed=0):
    generator = np.random.default_rng(seed)
    num_frames = num_clips * clip_len
    keypoints = generator.random((num_frames, 17, 3), dtype=np.float32)
    keypoints[..., :2] *= (width - 1, height - 1)
    return {
        "frames": generator.integers(0, 256, (num_frames, height, width, 3), dtype=np.uint8),
        "clip_indices": np.arange(num_frames).reshape(num_clips, clip_len),
        "keypoints": keypoints,
    }


def with_maps(results, height=4, width=3):
    generator = np.random.default_rng(1)
    shape = (len(results["frames"]), 17, height, width)
    return {**results, "heatmaps": generator.random(shape).astype(np.float16)}


def seed_global(seed):
    np.random.seed(seed)  # noqa: NPY002 (what MMEngine seeds)
