"""Joints as other programs write them, which several tests use."""

from __future__ import annotations

import json

import numpy as np

from mmctl.datasets.keypoints.joint_orders import find_places, to_coco


def joints(count=17, seed=0, score=None):
    values = np.random.default_rng(seed).uniform(2, 60, (count, 3))
    values[:, 2] = np.random.default_rng(seed).random(count) if score is None else score
    return values.astype(np.float32)


def coco_joints(values):
    return to_coco(values, find_places(len(values)))


def flat(values):
    return values.ravel().tolist()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


IMAGES = [{"id": 3, "file_name": "a/0.jpg"}, {"id": 9, "file_name": "a/1.jpg"}]


def coco(**changes):
    entry = {"image_id": 3, "keypoints": flat(joints(score=2)), **changes}
    return {
        "images": IMAGES,
        "annotations": [{"image_id": 9, "keypoints": flat(joints(score=1))}, entry],
    }


def instance(count=17, **changes):
    values = joints(count)
    scores = values[:, 2].tolist()
    return {"keypoints": values[:, :2].tolist(), "keypoint_scores": scores, **changes}
