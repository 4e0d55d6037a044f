"""Keypoints that a call brings along, and the one error where a model gets none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmctl.apis.inference.tracklet_item import TrackletItem
from mmctl.files import map_npy, shorten
from mmctl.structures import NUM_KEYPOINTS

Keypoints = npt.NDArray[np.float32]

FOUR_WAYS = (
    "(1) an estimator in the model: a config whose model.pose is a FrozenPoseEstimator; (2) a "
    "stored array: keypoint_file of the data set, or keypoints='FILE.npy' "
    "(--keypoints FILE.npy), as tools/dataset_converters/extract_keypoints.py makes it; (3) the "
    "detector: tracklets that tools/track_video.py made with one that finds keypoints; (4) the "
    "call: keypoints=, an array (frames, 17, 3) of x, y and score for each tracklet"
)


class NoKeypointsError(ValueError):
    """A model that draws its heatmaps from keypoints gets none."""


def check_source(item: TrackletItem, reads: str | None) -> None:
    """Refuse a tracklet without what the model reads.

    Args:
        item: The tracklet.
        reads: ``'keypoints'``, ``'heatmaps'`` or None.

    Raises:
        NoKeypointsError: If it has none; the message lists the four ways.
    """
    if reads == "keypoints" and item.keypoints is None and "keypoint_file" not in item.labels:
        raise NoKeypointsError(
            f"the model takes its heatmaps from keypoints, but {item.name} has none. There are "
            f"four ways: {FOUR_WAYS}"
        )
    if reads == "heatmaps" and "heatmap_file" not in item.labels:
        raise NoKeypointsError(
            f"the model reads stored heatmaps, but {item.name} has none: set heatmap_file of its "
            "data set, as extract_keypoints.py --heatmaps makes it, or take a model with one of "
            f"the four ways to keypoints: {FOUR_WAYS}"
        )


def open_keypoints(given: Any) -> Any:
    """Return keypoints that a call gives, an array or a list of arrays; files are mapped.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is none.
    """
    if isinstance(given, (str, Path)):
        return map_npy(given, "keypoint file")
    return given


def check_keypoints(values: Any, num_frames: int, name: str) -> Keypoints:
    """Return keypoints of frames as an array (S, 17, 3), float32.

    Args:
        values: What was given.
        num_frames: Frames that they are of, S.
        name: What has these frames, for the message.

    Raises:
        ValueError: If they are of another shape, or not finite.
    """
    array = np.asarray(values)
    wanted = (num_frames, NUM_KEYPOINTS, 3)
    if array.dtype.kind not in "fiu" or array.shape != wanted:
        raise ValueError(
            f"the keypoints of {name} must be numbers {wanted}: x, y and score of {NUM_KEYPOINTS} "
            f"joints in each of its frames, got {array.dtype} {array.shape}"
        )
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"the keypoints of {name} must be finite (a hidden joint has score 0)")
    return array


def attach_keypoints(
    items: Iterator[TrackletItem], given: Any, is_file: bool, total: int | None
) -> Iterator[TrackletItem]:
    """Give tracklets the keypoints of a call.

    Args:
        items: The tracklets.
        given: An array (n, 17, 3) of the frames of all tracklets one after the other, or a list
            with an array for each tracklet.
        is_file: Whether the array comes from a file.
        total: How many tracklets there are, if that is known.

    Raises:
        ValueError: If there are more or fewer than fit.
    """
    origin: Any = "stored" if is_file else "call"
    if isinstance(given, np.ndarray):
        yield from _attach_rows(items, given, origin)
        return
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise ValueError(
            "keypoints must be an array (frames, 17, 3), the .npy file of one, or a list with an "
            f"array for each tracklet, got {shorten(given)}"
        )
    if total is not None and len(given) != total:
        raise ValueError(
            f"keypoints must have an array for each of the {total} tracklets, got {len(given)}"
        )
    for index, item in enumerate(items):
        if index == len(given):
            raise ValueError(f"keypoints must have an array for {item.name}, got {index} of them")
        keypoints = check_keypoints(given[index], len(item), item.name)
        yield replace(item, keypoints=keypoints, keypoint_origin=origin)


def _attach_rows(
    items: Iterator[TrackletItem], rows: npt.NDArray[Any], origin: Any
) -> Iterator[TrackletItem]:
    at = 0
    for item in items:
        keypoints = check_keypoints(rows[at : at + len(item)], len(item), item.name)
        at += len(item)
        yield replace(item, keypoints=keypoints, keypoint_origin=origin)
    if at != len(rows):
        raise ValueError(
            f"keypoints must have one row for each frame of all tracklets, {at}, got {len(rows)}"
        )
