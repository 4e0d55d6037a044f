"""What a detector found, kept block by block, so that a killed run does not detect it again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmctl.files import read_npz, write_whole
from mmctl.structures import NUM_KEYPOINTS, Detections

_NAMES = ("counts", "boxes", "scores", "keypoints")


class DetectionBlocks:
    """Detections of consecutive frames in files.

    Args:
        folder: Where they are; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, number: int) -> list[Detections] | None:
        """Return the detections of each frame of a block, None if it is not there whole.

        Args:
            number: Number of the block, from 0.
        """
        try:
            arrays = read_npz(self._path(number), "detections", _NAMES)
            ends = np.cumsum(arrays["counts"])
            if ends[-1] != len(arrays["boxes"]):
                return None
            has_keypoints = arrays["keypoints"].shape[1:] == (NUM_KEYPOINTS, 3)
            return [
                Detections(
                    arrays["boxes"][start:end],
                    arrays["scores"][start:end],
                    arrays["keypoints"][start:end] if has_keypoints else None,
                )
                for start, end in zip(np.r_[0, ends[:-1]], ends, strict=True)
            ]
        except (FileNotFoundError, ValueError, KeyError, IndexError):
            return None  # it is made again

    def write(self, number: int, found: Sequence[Detections]) -> None:
        """Keep a block.

        Args:
            number: Number of the block, from 0.
            found: Detections of each frame, at least one frame.
        """
        keypoints = [one.keypoints for one in found if one.keypoints is not None]
        arrays: dict[str, Any] = {
            "counts": np.array([len(one) for one in found]),
            "boxes": np.concatenate([one.boxes for one in found]),
            "scores": np.concatenate([one.scores for one in found]),
            "keypoints": np.concatenate(keypoints) if keypoints else np.zeros((0, 0)),
        }
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        write_whole(self._path(number), buffer.getvalue())

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"
