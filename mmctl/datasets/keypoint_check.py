"""Look at every row of a data set's stored keypoints."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mmctl.datasets.keypoint_file import open_keypoint_array

_BLOCK = 8192


@dataclass
class KeypointReport:
    """What was found.

    Attributes:
        path: The keypoint array.
        num_rows: Rows that belong to checked frames.
        num_joints: Joints with a score.
        num_outside: Joints with a score outside their frame.
        faults: What is wrong, in words.
    """

    path: str
    num_rows: int = 0
    num_joints: int = 0
    num_outside: int = 0
    faults: list[str] = field(default_factory=list)


def check_keypoints(
    path: str, rows: npt.NDArray[np.int64], sizes: npt.NDArray[np.int32] | None
) -> KeypointReport:
    """Check that keypoints are finite, scores not negative, and joints within their frames.

    An estimator may put a joint beyond the border, so some outside are no fault; if most are, the
    array belongs to frames of another size or in another order.

    Args:
        path: The keypoint array.
        rows: Row of each frame, (n,).
        sizes: Height and width of each frame, (n, 2), zeros where unknown; None if all are.

    Returns:
        Counts and faults.
    """
    report = KeypointReport(path, num_rows=len(rows))
    array = open_keypoint_array(path)
    odd: list[int] = []
    for start in range(0, len(rows), _BLOCK):
        chosen = rows[start : start + _BLOCK]
        keypoints = array[chosen]
        wrong = ~np.isfinite(keypoints).all(axis=(1, 2)) | (keypoints[..., 2] < 0).any(axis=1)
        odd += chosen[wrong].tolist()
        if sizes is not None:
            _count_outside(report, keypoints[~wrong], sizes[start : start + _BLOCK][~wrong])
    if odd:
        report.faults.append(
            f"x, y and score must be finite and no score negative, but {len(odd)} rows have "
            f"others, the first is row {odd[0]}"
        )
    if report.num_outside > report.num_joints / 2:
        report.faults.append(
            f"keypoints must be in pixels of the stored frame, but {report.num_outside} of "
            f"{report.num_joints} joints lie outside of theirs; do the rows belong to other frames?"
        )
    return report


def _count_outside(
    report: KeypointReport, keypoints: npt.NDArray[np.float32], sizes: npt.NDArray[np.int32]
) -> None:
    known = sizes.all(axis=1)
    # (n, 1, 2) width and height; pixel centres are integers
    limits = sizes[known][:, None, ::-1]
    points, scored = keypoints[known, :, :2], keypoints[known, :, 2] > 0
    outside = ((points < -0.5) | (points > limits - 0.5)).any(axis=-1)
    report.num_joints += int(scored.sum())
    report.num_outside += int((scored & outside).sum())
