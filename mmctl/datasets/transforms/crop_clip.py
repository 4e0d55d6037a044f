"""Pad the frames of clips and crop them at a random place, keypoints and heatmaps included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.datasets.transforms.augment_clip import stacked_frames
from mmctl.datasets.transforms.clip_keys import checked_size
from mmctl.datasets.transforms.sample_clip import pipeline_generator
from mmctl.registry import TRANSFORMS


@TRANSFORMS.register_module()
class CropClip(BaseTransform):
    """Pad all sides with black and crop a random window, drawn once per clip.

    The usual translation of re-identification: with the frame's own size the person moves by up
    to ``padding`` pixels. All frames of a clip get the same window, so its motion stays.

    Changed keys: ``frames`` to (M * T, H, W, 3); where present ``keypoints``, which move along: a
    joint that the window does not show, outside it or in the padding, gets score 0; and
    ``heatmaps``, resampled (bilinear) at their own size to cover the window, 0 in the padding.

    Args:
        size: Height and width of the window.
        padding: Pixels of black on each of the four sides.

    Raises:
        ValueError: If ``size`` is not two positive integers or ``padding`` is not an integer from
            0.
    """

    def __init__(self, size: Sequence[int], padding: int = 10) -> None:
        self.size = checked_size("CropClip", size)
        if not isinstance(padding, int) or isinstance(padding, bool) or padding < 0:
            raise ValueError(
                "CropClip's padding must be the pixels added to each side, an integer from 0, got "
                f"{padding!r}"
            )
        self.padding = padding

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop every clip.

        Raises:
            ValueError: If the frames are not stacked to one size yet, or the padded frame is
                smaller than the window.
        """
        frames = stacked_frames("CropClip", results)
        free = [side + 2 * self.padding for side in frames.shape[1:3]]
        room = np.array(free, dtype=np.int64) - np.array(self.size, dtype=np.int64)
        if room.min() < 0:
            raise ValueError(
                f"CropClip's size must fit into the padded frame, got {self.size} for frames of "
                f"{frames.shape[1:3]} with {self.padding} pixels on each side; use a smaller size "
                "or a larger padding"
            )
        num_clips, clip_len = results["clip_indices"].shape
        drawn = pipeline_generator().integers(room + 1, size=(num_clips, 2)) - self.padding
        # (M*T, 2) top and left of each window in its frame: below 0 where it begins in the padding
        corners = np.repeat(drawn, clip_len, axis=0)
        if "keypoints" in results:
            results["keypoints"] = self._move(results["keypoints"], corners, frames.shape[1:3])
        if "heatmaps" in results:
            results["heatmaps"] = self._resample(results["heatmaps"], corners, frames.shape[1:3])
        results["frames"] = self._cut(frames, corners)
        return results

    def _cut(self, frames: np.ndarray, corners: np.ndarray) -> np.ndarray:
        windows = np.zeros((len(frames), *self.size, 3), dtype=np.uint8)
        for frame, window, (top, left) in zip(frames, windows, corners.tolist(), strict=True):
            # Nothing is shown where the window lies in the padding.
            bottom, right = max(top + self.size[0], 0), max(left + self.size[1], 0)
            shown = frame[max(top, 0) : bottom, max(left, 0) : right]
            rows, columns = max(-top, 0), max(-left, 0)
            window[rows : rows + shown.shape[0], columns : columns + shown.shape[1]] = shown
        return windows

    def _move(
        self, keypoints: np.ndarray, corners: np.ndarray, frame_size: Sequence[int]
    ) -> np.ndarray:
        moved = keypoints.copy()
        moved[..., :2] -= corners[:, None, ::-1]
        shown = np.ones(moved.shape[:2], dtype=bool)
        for places, (height, width) in ((keypoints, frame_size), (moved, self.size)):
            distances = places[..., :2] + 0.5
            shown &= ((distances >= 0) & (distances < (width, height))).all(axis=-1)
        moved[~shown, 2] = 0
        return moved

    def _resample(
        self, heatmaps: np.ndarray, corners: np.ndarray, frame_size: Sequence[int]
    ) -> np.ndarray:
        rows, columns = (
            _interpolation(corners[:, axis], self.size[axis], frame_size[axis], cells)
            for axis, cells in enumerate(heatmaps.shape[2:])
        )
        # Bilinear sampling on a grid is one matrix product per axis: (h, h) @ (h, w) @ (w, w)
        windows = rows[:, None] @ heatmaps.astype(np.float32) @ columns[:, None].swapaxes(2, 3)
        return windows.astype(heatmaps.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def _interpolation(
    starts: np.ndarray, window_side: int, frame_side: int, num_cells: int
) -> np.ndarray:
    """Return the weights that read a window's cells from those of the whole frame, on one axis.

    Args:
        starts: First pixel of each window, (F,).
        window_side: Pixels of the window.
        frame_side: Pixels of the frame.
        num_cells: Cells of the map, n, over the frame before and over the window after.

    Returns:
        Row i has the weights of the frame's cells for the window's cell i, (F, n, n), float32;
        they sum to 1, or to 0 where the centre of cell i is in the padding.
    """
    centres = (np.arange(num_cells) + 0.5) * window_side / num_cells + starts[:, None]
    places = centres * num_cells / frame_side - 0.5
    # The frame ends half a cell beyond the last centre; up to there the last cell goes on.
    inside = (centres >= 0) & (centres < frame_side)
    nearest = np.clip(places, 0, num_cells - 1)[..., None]
    weights = np.clip(1 - np.abs(nearest - np.arange(num_cells)), 0, 1)
    return np.where(inside[..., None], weights, 0).astype(np.float32)
