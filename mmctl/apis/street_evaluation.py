"""The path from videos to persons, measured on a drawn street: detector, tracks and features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmctl.apis.street_truth import Persons, StreetCameraTruth
from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.datasets.tracking import open_source
from mmctl.evaluation.box_overlap import overlap
from mmctl.evaluation.detection_precision import (
    FrameBoxes,
    average_precision,
    mean_average_precision,
)
from mmctl.evaluation.tracking_scores import (
    JUNK,
    MIN_OVERLAP,
    Tracks,
    identify_tracks,
    score_tracks,
)
from mmctl.files import check_regular, read_npz, shorten
from mmctl.functional.distance import pairwise_distance
from mmctl.functional.ranking import evaluate_ranking
from mmctl.models.detectors.small_keypoint_rcnn import BACKBONES

PCK_SHARE = 0.05
"""A joint is found if it is nearer to its place than this share of the body's height in pixels."""

_BEYOND = 3.0
"""Larger than any cosine distance."""

MEASURES = {
    "AP": "AP, mean over overlaps of 0.5 to 0.95, %",
    "AP50": "AP at an overlap of 0.5, %",
    "PCK": f"visible joints nearer to their place than {100 * PCK_SHARE:g} % "
    "of the body's height, %",
    **{name: f"{name}, %" for name in ("IDF1", "IDP", "IDR", "MOTA", "mAP")},
    "R1": "Rank-1 in the other cameras, %",
    "false_alarms": "false alarms",
    "junk": "tracklets that follow nobody, left out",
}
"""What numbers are, with their units; others are counts that are called by their names."""

Floats = NDArray[np.float64]


@dataclass
class StreetScores:
    """What was measured; a part is empty where its files are not given.

    Attributes:
        detection: ``AP``, ``AP50`` and ``PCK`` in percent, ``frames`` and ``persons`` as counts.
        tracking: What :func:`score_tracks` returns.
        reid: ``R1`` and ``mAP`` in percent, ``queries``, ``persons`` and ``junk`` as counts.
    """

    detection: dict[str, float] = field(default_factory=dict)
    tracking: dict[str, float] = field(default_factory=dict)
    reid: dict[str, float] = field(default_factory=dict)


def score_detector(
    truths: Sequence[StreetCameraTruth],
    detector: Any,
    stride: int = 1,
    report: Callable[[int, int], None] | None = None,
) -> dict[str, float]:
    """Let a detector look for the people in every so-many-th frame.

    Args:
        truths: The street.
        detector: One of ``DETECTORS``, with keypoints.
        stride: How many frames to go on.
        report: Called with the number of frames that are done and how many there are.
    """
    frames: list[FrameBoxes] = []
    hits: list[NDArray[np.bool_]] = []
    sources = [open_source(truth.video) for truth in truths]
    total = sum(len(range(0, source.num_frames, stride)) for source in sources)
    for truth, source in zip(truths, sources, strict=True):
        detector.start(source, None)
        at = truth.tracks.at()
        for position, frame in source.read(range(0, source.num_frames, stride)):
            rows = at.get(position, np.zeros(0, np.int64))
            found = detector.detect([frame], [position])[0]
            assert truth.tracks.is_ignored is not None
            boxes, ignored = truth.tracks.boxes[rows], truth.tracks.is_ignored[rows]
            frames.append(FrameBoxes(boxes, ignored, found.boxes, found.scores))
            if found.keypoints is not None:
                hits.append(_find_joints(boxes, truth.keypoints[rows], found))
            if report is not None:
                report(len(frames), total)
    scores = {
        "AP": 100 * mean_average_precision(frames),
        "AP50": 100 * average_precision(frames, 0.5),
        "frames": float(len(frames)),
        "persons": float(sum(int((~frame.is_ignored).sum()) for frame in frames)),
    }
    joints = np.concatenate(hits) if hits else np.zeros(0, bool)
    return {**scores, "PCK": 100 * float(joints.mean())} if len(joints) else scores


def _find_joints(boxes: Floats, joints: Floats, found: Any) -> NDArray[np.bool_]:
    """Return whether each visible joint of the detected persons is near its place, (k,)."""
    if not len(boxes) or not len(found):
        return np.zeros(0, bool)
    overlaps = overlap(boxes, found.boxes)
    best = overlaps.argmax(axis=1)
    is_found = overlaps.max(axis=1) >= MIN_OVERLAP
    gaps = np.linalg.norm(found.keypoints[best][..., :2] - joints[..., :2], axis=2)
    near = gaps <= PCK_SHARE * boxes[:, 3:]
    return near[(joints[..., 2] == 2) & is_found[:, None]]


def score_tracking(
    truths: Sequence[StreetCameraTruth], tracks: Mapping[int, Tracks]
) -> tuple[dict[str, float], Persons]:
    """Compare tracks with the truth; return scores and the person of each track.

    The truth is asked for in those frames only that tracks were made of, by their stride.
    """
    pairs, persons = [], {}
    for truth in truths:
        empty = np.zeros(0, np.int64)
        found = tracks.get(truth.camid, Tracks(empty, empty, np.zeros((0, 4))))
        people = _take_frames(truth.tracks, found)
        pairs.append((people, found))
        for track, pid in identify_tracks(people, found, truth.pids).items():
            persons[truth.camid, track] = pid
    return score_tracks(pairs), persons


def _take_frames(truth: Tracks, found: Tracks) -> Tracks:
    """Return the truth of every so-many-th frame, as the tracks have them."""
    numbers = np.unique(found.frames)
    stride = int(np.gcd.reduce(numbers)) if len(numbers) else 1
    rows = truth.frames % max(1, stride) == 0
    assert truth.is_ignored is not None
    return Tracks(truth.frames[rows], truth.tracks[rows], truth.boxes[rows], truth.is_ignored[rows])


def score_features(path: Path, persons: Persons) -> dict[str, float]:
    """Rank the tracklets of all other cameras for each tracklet.

    Args:
        path: ``features.npz`` of extract_features.py.
        persons: Who the tracks are; junk is neither sought nor found.

    Raises:
        ValueError: If the file lacks an array, is of other tracks, or nobody is in two cameras.
    """
    names = ("features", "camids", "tracks")
    arrays = read_npz(path, "feature file", names)
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{path} must have {', '.join(names)}, but lacks {', '.join(missing)}")
    keys = list(zip(arrays["camids"].tolist(), arrays["tracks"].tolist(), strict=True))
    if not persons.keys() & set(keys):
        raise ValueError(
            f"{path} must have features of the tracks that are measured, but none of its "
            f"{len(keys)} tracklets is of one of these {len(persons)} tracks by camera and number: "
            "are they of other data? extract_features.py takes the folder of the tracks"
        )
    pids = np.array([persons.get(key, JUNK) for key in keys], np.int64)
    kept = pids != JUNK
    if not kept.any():
        raise ValueError(
            f"{path} must have a tracklet of a person to be ranked, but none of its {len(keys)} "
            "tracks is mostly on one person of the street"
        )
    features, camids = arrays["features"][kept], np.asarray(arrays["camids"][kept], np.int64)
    distances = pairwise_distance(*_tensors(features), metric="cosine").numpy()
    # The own camera comes last, as rank_across_cameras.py leaves it out.
    distances[camids[:, None] == camids] = _BEYOND
    ranking = evaluate_ranking(distances, pids[kept], camids, pids[kept], camids)
    return {
        "R1": 100 * float(ranking.cmc[0]),
        "mAP": 100 * float(ranking.mean_average_precision),
        "queries": float(ranking.num_queries),
        "persons": float(len(set(pids[kept].tolist()))),
        "junk": float((~kept).sum()),
    }


def _tensors(features: NDArray[Any]) -> tuple[Any, Any]:
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    return tensor, tensor


def load_detector(weights: str) -> Any:
    """Build the detector of a checkpoint that train_street_detector.py wrote.

    Raises:
        FileNotFoundError: If it does not exist.
        ValueError: If it is of another network.
    """
    from mmctl.models.detectors import TorchvisionKeypointRCNN

    content = load_from_local_safely(str(check_regular(Path(weights), "checkpoint")))
    backbone = content.get("meta", {}).get("backbone") if isinstance(content, dict) else None
    if backbone not in BACKBONES:
        raise ValueError(
            f"checkpoint {weights} must be of train_street_detector.py, which names one of "
            f"{', '.join(BACKBONES)}, got {shorten(backbone)}"
        )
    return TorchvisionKeypointRCNN(weights, f"small-{backbone}")
