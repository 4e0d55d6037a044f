"""A small test split with everything that protocols tell apart."""

from __future__ import annotations

import numpy as np

from mmctl.evaluation import TrackletFeatures


def drawn_tracklets(seed: int = 0, num_tracklets: int = 80, channels: int = 6) -> TrackletFeatures:
    """Draw junk, distractors, same-camera matches and a query without a match."""
    rng = np.random.default_rng(seed)
    pids = rng.integers(-1, 8, size=num_tracklets)
    splits = np.where((pids > 0) & (rng.uniform(size=num_tracklets) < 0.4), "query", "gallery")
    pids[0], splits[0] = 99, "query"
    centres = rng.normal(size=(101, channels))
    return TrackletFeatures(
        features=(centres[pids] + rng.normal(size=(num_tracklets, channels))).astype(np.float32),
        pids=pids,
        camids=rng.integers(1, 4, size=num_tracklets),
        tracklet_ids=np.arange(num_tracklets),
        splits=splits,
        frame_paths=np.array([f"/frames/{index}.jpg" for index in range(num_tracklets)]),
    )


def two_cameras(num_pids: int = 6, seed: int = 0) -> TrackletFeatures:
    """Draw one tracklet of each person from camera 1, the queries, and one from camera 2."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(num_pids, 8))
    features = np.concatenate([centres, centres + 0.8 * rng.normal(size=centres.shape)])
    return TrackletFeatures(
        features=features.astype(np.float32),
        pids=np.tile(np.arange(1, num_pids + 1), 2),
        camids=np.repeat([1, 2], num_pids),
        tracklet_ids=np.arange(2 * num_pids),
        splits=np.repeat(["query", "gallery"], num_pids),
        frame_paths=np.full(2 * num_pids, ""),
    )
