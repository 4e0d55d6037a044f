"""Samples for the metric, and its results, which several tests read."""

from __future__ import annotations

import numpy as np
import torch

from mmctl.structures import TrackletSample


def sample(pid, camid, split, feature, **fields):
    values = {"pid": pid, "camid": camid, "split": split}
    return TrackletSample(
        **values, feature=torch.as_tensor(feature, dtype=torch.float32), **fields
    ).to_dict()


def drawn_split(seed=0, num_tracklets=80):
    """A split with junk, distractors, same-camera matches and queries without a match."""
    rng = np.random.default_rng(seed)
    pids = rng.integers(-1, 8, size=num_tracklets)
    camids = rng.integers(1, 4, size=num_tracklets)
    splits = np.where((pids > 0) & (rng.uniform(size=num_tracklets) < 0.4), "query", "gallery")
    pids[0], camids[0], splits[0] = 99, 1, "query"
    centres = rng.normal(size=(101, 6))
    features = centres[pids] + rng.normal(size=(num_tracklets, 6))
    return [
        sample(
            int(pid),
            int(camid),
            str(split),
            feature,
            tracklet_id=index,
            frame_paths=[f"/frames/{index}_{frame}.jpg" for frame in range(3)],
        )
        for index, (pid, camid, split, feature) in enumerate(
            zip(pids, camids, splits, features, strict=True)
        )
    ]


def evaluate(metric, samples, batch=7):
    for start in range(0, len(samples), batch):
        metric.process(None, samples[start : start + batch])
    return metric.evaluate(len(samples))
