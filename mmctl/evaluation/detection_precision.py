"""Average precision of detected boxes, as COCO defines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmctl.evaluation.box_overlap import overlap

THRESHOLDS = tuple(np.arange(50, 100, 5) / 100)
"""Least overlaps of a detection with its person; the AP of COCO is the mean over them."""

_RECALLS = np.linspace(0, 1, 101)
"""As pycocotools has them, so that both agree to the last digit."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrameBoxes:
    """What is true of a frame, and what was detected in it.

    Attributes:
        truth: Left, top, width, height of the persons, (n, 4).
        is_ignored: Whether finding a person neither counts nor harms, (n,).
        found: Left, top, width, height of the detections, (m, 4).
        scores: How sure they are, (m,).
    """

    truth: Floats
    is_ignored: NDArray[np.bool_]
    found: Floats
    scores: Floats


def average_precision(frames: Sequence[FrameBoxes], threshold: float) -> float:
    """Return the mean precision at 101 recalls of the detections of all frames.

    The surest detection chooses first: the person of its frame, not yet taken, that it overlaps
    most and by at least ``threshold``. Where only an ignored one is left, which any number may
    take, the detection is left out.

    Args:
        frames: Truth and detections.
        threshold: Least intersection over union.

    Raises:
        ValueError: If there is no person to be found.
    """
    total = sum(int((~frame.is_ignored).sum()) for frame in frames)
    if not total:
        raise ValueError("average precision needs a person to be found, but no frame has one")
    marks = [_match(frame, threshold) for frame in frames]
    scores = np.concatenate([score for score, _ in marks])
    hits = np.concatenate([hit for _, hit in marks])
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(hits[order])
    precision = right / np.arange(1, len(right) + 1)
    # The best precision at this recall or any higher one.
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / total, _RECALLS, side="left")
    return float(np.append(best, 0.0)[np.minimum(places, len(best))].mean())


def mean_average_precision(frames: Sequence[FrameBoxes]) -> float:
    """Return the mean of :func:`average_precision` over :data:`THRESHOLDS`."""
    return float(np.mean([average_precision(frames, threshold) for threshold in THRESHOLDS]))


def _match(frame: FrameBoxes, threshold: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the scores of the detections that count, and whether each hits a person."""
    overlaps = overlap(frame.found, frame.truth)
    is_free = np.ones(len(frame.truth), bool)
    scores, hits = [], []
    for index in np.argsort(-frame.scores, kind="stable"):
        fits = (overlaps[index] >= threshold) & (is_free | frame.is_ignored)
        wanted = fits & ~frame.is_ignored
        if wanted.any():
            is_free[np.argmax(np.where(wanted, overlaps[index], -1))] = False
        elif fits.any():
            continue
        scores.append(frame.scores[index])
        hits.append(bool(wanted.any()))
    return np.array(scores, np.float64), np.array(hits, bool)
