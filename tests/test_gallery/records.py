"""Tracklets for galleries, and the search that all others must equal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmctl.gallery import RecordSet, TrackletRecord

MODEL = "a" * 64
NOON = 1_717_156_800_000_000  # 2024-05-31T12:00:00Z


def make_features(count: int, width: int, seed: int = 0) -> np.ndarray:
    """Return unit vectors, (count, width)."""
    features = np.random.default_rng(seed).normal(size=(count, width))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def make_records(count: int, width: int = 16, seed: int = 0, **changes) -> RecordSet:
    """Return tracklets of four cameras and unknown ones, a second apart, some without a time."""
    features = make_features(count, width, seed)
    records = []
    for number in range(count):
        start = None if number % 7 == 3 else NOON + number * 1_000_000
        values = {
            "camera": None if number % 5 == 4 else number % 5,
            "video": f"v{number % 3}.mp4",
            "track": number,
            "first_frame": 10 * number,
            "last_frame": 10 * number + 5,
            "start": start,
            "end": None if start is None else start + 500_000,
            "num_frames": 6,
            "name": f"n{number}",
        }
        records.append(TrackletRecord(features[number], **values | changes))
    return RecordSet(records, MODEL)


def brute_force(records, query, allowed, topk, dtype="float32"):
    """Return names and similarities of the most similar records, one product at a time."""
    found = []
    for number, record in enumerate(records):
        if allowed(record):
            stored = record.feature.astype(dtype).astype(np.float64)
            found.append((-float(np.dot(stored, query.astype(np.float64))), number, record.id))
    return [(name, -similarity) for similarity, _, name in sorted(found)[:topk]]


def files_with(folder: Path, features: np.ndarray, piece: int = 8) -> set[str]:
    """Return the files below a folder that hold a piece of one of these features."""
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {
        path.name
        for path, content in contents.items()
        for feature in features
        for start in range(0, len(feature), piece)
        if feature[start : start + piece].tobytes() in content
    }
