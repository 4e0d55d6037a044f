"""Drawn tracklets whose pairs are compared, which several tests share."""

from __future__ import annotations

import dataclasses

import numpy as np

from mmctl.evaluation import TrackletFeatures
from mmctl.evaluation.calibration_records import Bootstrap
from mmctl.evaluation.feature_files import KnownFeatures
from mmctl.evaluation.pair_counts import ComparedTracklets

QUICK = Bootstrap(replicates=20)


def drawn(
    seed: int = 0, number: int = 90, persons: int = 9, noise: float = 1.0, known: bool = True
) -> KnownFeatures:
    """Draw junk, distractors, persons and, unless all are known, some unknown labels."""
    rng = np.random.default_rng(seed)
    pids, camids = rng.integers(-1, persons, number), rng.integers(1, 5, number)
    centres = rng.normal(size=(persons + 1, 12))
    features = (centres[pids] + noise * rng.normal(size=(number, 12))).astype(np.float32)
    tracklets = TrackletFeatures(
        features=features * rng.uniform(0.1, 9, (number, 1)).astype(np.float32),
        pids=pids,
        camids=camids,
        tracklet_ids=np.arange(number),
        splits=np.where(rng.random(number) < 0.3, "query", "gallery"),
        frame_paths=np.full(number, ""),
    )
    flags = np.ones((2, number), bool) if known else rng.random((2, number)) < 0.8
    return KnownFeatures(tracklets, *flags)


def compared(features: KnownFeatures) -> ComparedTracklets:
    labels = features.tracklets
    flags = features.known_pids, features.known_cameras
    return ComparedTracklets(labels.pids, labels.camids, *flags)


def replace(drawn_ones: KnownFeatures, **fields) -> KnownFeatures:
    tracklets = dataclasses.replace(drawn_ones.tracklets, **fields)
    return KnownFeatures(tracklets, *np.ones((2, len(tracklets.pids)), bool))


def made_of(pids, camids) -> KnownFeatures:
    """Return a few tracklets with random features."""
    number = len(pids)
    features = np.random.default_rng(0).normal(size=(number, 4)).astype(np.float32)
    texts = np.full(number, "gallery"), np.full(number, "")
    labels = np.array(pids), np.array(camids), np.arange(number)
    return KnownFeatures(TrackletFeatures(features, *labels, *texts), *np.ones((2, number), bool))
