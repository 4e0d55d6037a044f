"""Entries of an annotation file, its frames and keypoints, which several tests write."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

NUM_FRAMES = 14

FULL_PIPELINE = [
    {"type": "mmctl.SampleClip", "clip_len": 2, "mode": "random"},
    {"type": "mmctl.LoadFrames"},
    {"type": "mmctl.LoadKeypoints"},
    {"type": "mmctl.ResizeClip", "size": (8, 4)},
    {"type": "mmctl.FlipClip", "prob": 0.5},
    {"type": "mmctl.EraseFrames", "prob": 0.5},
    {"type": "mmctl.PackClip"},
]


def entry(pid, camid, split, num_frames):
    frames = [f"{split}/{pid}_{camid}_{i}.png" for i in range(num_frames)]
    return {"pid": pid, "camid": camid, "split": split, "frames": frames}


def save_keypoints(tmp_path, num_rows=NUM_FRAMES, dtype=np.float32, joints=17):
    array = np.random.default_rng(0).random((num_rows, joints, 3)).astype(dtype)
    np.save(tmp_path / "keypoints.npy", array)
    return array


def write_frames(dataset):
    for info in infos(dataset):
        for path in info["frame_paths"]:
            Path(path).parent.mkdir(exist_ok=True)
            cv2.imwrite(path, np.full((10, 5, 3), 40, dtype=np.uint8))


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]
