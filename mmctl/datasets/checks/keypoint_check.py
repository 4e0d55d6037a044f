"""Look at every row of a data set's stored keypoints, and at frames of imported ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mmctl.datasets.checks.frame_check import sample_sizes
from mmctl.datasets.keypoints.keypoint_file import open_keypoint_array
from mmctl.datasets.keypoints.keypoint_fit import KeypointFit
from mmctl.datasets.keypoints.keypoint_import import ImportedKeypoints

_BLOCK = 8192


@dataclass
class KeypointReport:
    """What was found.

    Attributes:
        path: The keypoint array.
        num_rows: Rows that belong to checked frames.
        num_sized: Those of frames whose size is known; for the others nobody has looked whether
            their joints lie within.
        num_joints: Joints with a score in frames of known size.
        num_outside: Those outside their frame.
        faults: What is wrong, in words.
    """

    path: str
    num_rows: int = 0
    num_sized: int = 0
    num_joints: int = 0
    num_outside: int = 0
    faults: list[str] = field(default_factory=list)


def check_keypoints(
    path: str, rows: npt.NDArray[np.int64], sizes: npt.NDArray[np.int32] | None
) -> KeypointReport:
    """Check that keypoints are finite, scores not negative, and joints pixels within their frames.

    An estimator may put a joint beyond the border, so some outside are no fault; if many are, the
    array belongs to frames of another size or in another order, or to the frames that crops were
    cut from.

    Args:
        path: The keypoint array.
        rows: Row of each frame, (n,).
        sizes: Height and width of each frame, (n, 2), zeros where unknown; None if all are.

    Returns:
        Counts and faults.
    """
    array, fit = open_keypoint_array(path), KeypointFit()
    odd: list[int] = []
    for start in range(0, len(rows), _BLOCK):
        chosen = rows[start : start + _BLOCK]
        keypoints = array[chosen]
        wrong = ~np.isfinite(keypoints).all(axis=(1, 2)) | (keypoints[..., 2] < 0).any(axis=1)
        odd += chosen[wrong].tolist()
        own = None if sizes is None else sizes[start : start + _BLOCK][~wrong]
        fit.add(keypoints[~wrong], own)
    num_sized = 0 if sizes is None else int(sizes.all(axis=1).sum())
    report = KeypointReport(path, len(rows), num_sized, fit.num_sized, fit.num_outside)
    if odd:
        report.faults.append(
            f"x, y and score must be finite and no score negative, but {len(odd)} rows have "
            f"others, the first is row {odd[0]}"
        )
    report.faults += fit.faults()
    return report


def check_frames_fit(found: ImportedKeypoints, paths: Sequence[str]) -> KeypointFit:
    """Look at up to 1000 frames with a person: do the joints lie within?

    Args:
        found: What was found.
        paths: The data set's frames.

    Returns:
        The counts; no frame is of known size if none can be read.

    Raises:
        ValueError: If the joints belong to other pictures than these frames.
    """
    rows = np.flatnonzero(found.keypoints[..., 2].any(axis=1))
    sizes = sample_sizes(paths, rows)
    known = np.flatnonzero(sizes.all(axis=1))
    said = found.frame_sizes[known]
    other = known[said.all(axis=1) & (said != sizes[known]).any(axis=1)]
    if len(other):
        stored, named = ("x".join(map(str, of[other[0]])) for of in (sizes, found.frame_sizes))
        raise ValueError(
            f"{found.place} and others: keypoints must be in pixels of the stored frame, but the "
            f"file has {named} (height x width) for {paths[other[0]]}, which is {stored}: are they "
            "of frames of another size?"
        )
    fit = KeypointFit()
    fit.add(found.keypoints[known], sizes[known])
    for fault in fit.faults():
        raise ValueError(f"{found.place} and others: {fault}")
    return fit
