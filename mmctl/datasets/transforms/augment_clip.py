"""Resize, mirror and erase the frames of clips, keypoints included.

Convention: integer coordinates are pixel centres, so pixel j covers [j - 0.5, j + 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.datasets.transforms.sample_clip import pipeline_generator
from mmctl.registry import TRANSFORMS
from mmctl.structures import FLIP_ORDER


@TRANSFORMS.register_module()
class ResizeClip(BaseTransform):
    """Bring all frames to one size (bilinear) and stack them.

    Required key: ``frames``, of any sizes. Changed keys: ``frames`` to (M * T, H, W, 3) uint8,
    ``keypoints`` (where present) by ``x -> (x + 0.5) * W / w - 0.5`` and likewise for y.

    Args:
        size: Height and width of the result.

    Raises:
        ValueError: If ``size`` is not two positive integers.
    """

    def __init__(self, size: Sequence[int]) -> None:
        size = tuple(size) if isinstance(size, Sequence) else (size,)
        if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
            raise ValueError(
                f"ResizeClip's size must be (height, width), two positive integers, got {size}"
            )
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``frames`` and move ``keypoints``."""
        frames = results["frames"]
        height, width = self.size
        resized = np.empty((len(frames), height, width, 3), dtype=np.uint8)
        for source, target in zip(frames, resized, strict=True):
            if source.shape[:2] == self.size:
                target[:] = source
            else:
                mmcv.imresize(source, (width, height), out=target, backend="cv2")
        if "keypoints" in results:
            # (M*T, 1, 2) scales of x and y
            scales = np.array([[(width / f.shape[1], height / f.shape[0])] for f in frames])
            keypoints = results["keypoints"].copy()
            keypoints[..., :2] = (keypoints[..., :2] + 0.5) * scales - 0.5
            results["keypoints"] = keypoints
        results["frames"] = resized
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


@TRANSFORMS.register_module()
class FlipClip(BaseTransform):
    """Mirror left and right, drawn once per clip so that its frames stay alike.

    Changed keys: ``frames``; ``keypoints`` (where present) by ``x -> W - 1 - x`` with left and
    right joints swapped (``structures.FLIP_ORDER``).

    Args:
        prob: Probability that a clip is mirrored.

    Raises:
        ValueError: If ``prob`` is not in [0, 1].
    """

    def __init__(self, prob: float = 0.5) -> None:
        self.prob = _checked_probability("FlipClip", prob)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Mirror the drawn clips in place.

        Raises:
            ValueError: If the frames are not stacked to one size yet.
        """
        frames = _stacked_frames("FlipClip", results)
        num_clips, clip_len = results["clip_indices"].shape
        flipped = np.flatnonzero(pipeline_generator().random(num_clips) < self.prob)
        for clip in flipped.tolist():
            frame_slice = slice(clip * clip_len, (clip + 1) * clip_len)
            for frame in frames[frame_slice]:
                frame[:] = cv2.flip(frame, 1)  # 30 times as fast as a reversed view
            if "keypoints" in results:
                swapped = results["keypoints"][frame_slice][:, list(FLIP_ORDER)]
                swapped[..., 0] = frames.shape[2] - 1 - swapped[..., 0]
                results["keypoints"][frame_slice] = swapped
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(prob={self.prob})"


@TRANSFORMS.register_module()
class EraseFrames(BaseTransform):
    """Fill a random rectangle of each drawn frame (random erasing, Zhong et al., AAAI 2020).

    Area share and aspect ratio (height / width) are uniform; a rectangle that does not fit is
    drawn again, up to a hundred times, and the position is uniform among those that fit.

    Changed keys: ``frames``; ``keypoints`` (where present): an erased joint's score becomes 0.

    Args:
        prob: Probability that a frame is erased, drawn for each frame alone.
        area: Smallest and largest share of the frame's area.
        min_aspect: Smallest aspect ratio; the largest is its inverse.
        fill: RGB value of the rectangle, by default ImageNet's mean.

    Raises:
        ValueError: If a value is out of range.
    """

    def __init__(
        self,
        prob: float = 0.5,
        area: tuple[float, float] = (0.02, 0.4),
        min_aspect: float = 0.3,
        fill: tuple[int, int, int] = (124, 116, 104),
    ) -> None:
        self.prob = _checked_probability("EraseFrames", prob)
        if len(area) != 2 or not 0 < area[0] <= area[1] <= 1:
            raise ValueError(
                "EraseFrames' area must be two shares of the frame with 0 < smallest <= largest "
                f"<= 1, got {area}"
            )
        if not 0 < min_aspect <= 1:
            raise ValueError(
                "EraseFrames' min_aspect must be in (0, 1], because its inverse is the largest "
                f"aspect ratio, got {min_aspect}"
            )
        if len(fill) != 3 or not all(0 <= value <= 255 for value in fill):
            raise ValueError(f"EraseFrames' fill must be an RGB value of three 0..255, got {fill}")
        self.area = area
        self.min_aspect = min_aspect
        self.fill = fill

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Erase the drawn frames in place.

        Raises:
            ValueError: If the frames are not stacked to one size yet.
        """
        frames = _stacked_frames("EraseFrames", results)
        generator = pipeline_generator()
        for index in np.flatnonzero(generator.random(len(frames)) < self.prob).tolist():
            rectangle = self._draw_rectangle(frames.shape[1], frames.shape[2], generator)
            if rectangle is None:
                continue
            top, left, height, width = rectangle
            frames[index, top : top + height, left : left + width] = self.fill
            if "keypoints" in results:
                joints = results["keypoints"][index]
                x, y = joints[:, 0] + 0.5 - left, joints[:, 1] + 0.5 - top
                joints[(x >= 0) & (x < width) & (y >= 0) & (y < height), 2] = 0
        return results

    def _draw_rectangle(
        self, frame_height: int, frame_width: int, generator: np.random.Generator
    ) -> tuple[int, int, int, int] | None:
        """Return top, left, height, width in pixels, or None where nothing fitted."""
        for _ in range(100):
            area = generator.uniform(*self.area) * frame_height * frame_width
            aspect = generator.uniform(self.min_aspect, 1 / self.min_aspect)
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < height <= frame_height and 0 < width <= frame_width:
                top = int(generator.integers(frame_height - height + 1))
                left = int(generator.integers(frame_width - width + 1))
                return top, left, height, width
        return None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(prob={self.prob}, area={self.area}, "
            f"min_aspect={self.min_aspect}, fill={self.fill})"
        )


def _checked_probability(owner: str, prob: float) -> float:
    if not 0 <= prob <= 1:
        raise ValueError(f"{owner}'s prob must be a probability in [0, 1], got {prob}")
    return prob


def _stacked_frames(owner: str, results: dict[str, Any]) -> np.ndarray:
    frames = results["frames"]
    if not isinstance(frames, np.ndarray):
        raise ValueError(
            f"{owner} must come after ResizeClip in the pipeline, because it needs frames of one "
            f"size in one array, got a {type(frames).__name__} of {len(frames)} frames"
        )
    return frames
