"""An annotation file of a few tracklets, its frames and keypoints, which several tests write."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmctl.datasets import TrackletDataset

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


@pytest.fixture
def content():
    return {
        "metainfo": {"dataset_name": "street"},
        "tracklets": [
            entry(40, 1, "train", 3),
            entry(7, 1, "query", 2),
            entry(12, 2, "train", 1),
            entry(7, 2, "gallery", 4),
            entry(40, 2, "train", 2),
            entry(-1, 1, "gallery", 1),
            entry(0, 2, "gallery", 1),
        ],
    }


NUM_FRAMES = 14


@pytest.fixture
def build(tmp_path, content):
    def build_dataset(**arguments):
        (tmp_path / "annotations.json").write_text(json.dumps(content))
        return TrackletDataset(data_root=str(tmp_path), **arguments)

    return build_dataset


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
