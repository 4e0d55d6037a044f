"""Resize and erase the frames of clips, keypoints and stored heatmaps included.

Convention: integer coordinates are pixel centres, so pixel j covers [j - 0.5, j + 0.5). Heatmaps
(M * T, 17, h, w) cover the whole current frame at a size of their own. No transform writes to
arrays that came from outside: ``own_frames`` is the stack that this pipeline made, and as long as
it is ``frames`` the transforms after it need not copy it before they write.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.datasets.transforms.clip_keys import check_keys, checked_size
from mmctl.datasets.transforms.load_frames import LoadedFrames
from mmctl.datasets.transforms.sample_clip import pipeline_generator
from mmctl.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResizeClip(BaseTransform):
    """Bring all frames to one size and stack them.

    Required key: ``frames``, of any sizes. Changed keys: ``frames`` to (M * T, H, W, 3) uint8,
    ``keypoints`` (where present) by ``x -> (x + 0.5) * W / w - 0.5`` and likewise for y, where w is
    that of ``frame_sizes`` if ``LoadFrames`` reduced the frames, a key that is removed.
    ``heatmaps`` stay: they cover the resized frame as they did the other.

    Args:
        size: Height and width of the result.
        interpolation: ``'bilinear'`` or ``'bicubic'``.

    Raises:
        ValueError: If ``size`` is not two positive integers or ``interpolation`` neither.
    """

    def __init__(self, size: Sequence[int], interpolation: str = "bilinear") -> None:
        self.size = checked_size("ResizeClip", size)
        if interpolation not in ("bilinear", "bicubic"):
            raise ValueError(
                f"ResizeClip's interpolation must be 'bilinear' or 'bicubic', got {interpolation!r}"
            )
        self.interpolation = interpolation

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``frames`` and move ``keypoints``."""
        check_keys("ResizeClip", results, "frames")
        frames = results["frames"]
        height, width = self.size
        resized = self._stack(frames)
        # Sizes in the files, until now those that keypoints are in pixels of.
        sizes = results.pop("frame_sizes", None)
        if "keypoints" in results:
            if sizes is None:
                sizes = [frame.shape[:2] for frame in frames]
            # (M*T, 1, 2) scales of x and y
            scales = np.array([[(width / w, height / h)] for h, w in sizes])
            keypoints = results["keypoints"].copy()
            keypoints[..., :2] = (keypoints[..., :2] + 0.5) * scales - 0.5
            results["keypoints"] = keypoints
        results["frames"] = results["own_frames"] = resized
        return results

    def _stack(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        height, width = self.size
        stack = frames.stack if isinstance(frames, LoadedFrames) and frames.is_stacked() else None
        if stack is not None and stack.shape[1:3] == self.size:
            return stack
        resized = np.empty((len(frames), height, width, 3), dtype=np.uint8)
        for source, target in zip(frames, resized, strict=True):
            if source.shape[:2] == self.size:
                target[:] = source
            else:
                mmcv.imresize(
                    source,
                    (width, height),
                    interpolation=self.interpolation,
                    out=target,
                    backend="cv2",
                )
        return resized

    def __repr__(self) -> str:
        how = "" if self.interpolation == "bilinear" else f", {self.interpolation}"
        return f"{type(self).__name__}(size={self.size}{how})"


@TRANSFORMS.register_module()
class EraseFrames(BaseTransform):
    """Fill a random rectangle of each drawn frame (random erasing, Zhong et al., AAAI 2020).

    Area share and aspect ratio (height / width) are uniform; a rectangle that does not fit is
    drawn again, up to a hundred times, and the position is uniform among those that fit.

    Changed keys: ``frames``; where present ``keypoints``: an erased joint's score becomes 0; and
    ``heatmaps``: a map whose peak is erased becomes all zero, which is what a joint of score 0 is
    drawn as. Blanking the rectangle alone would leave the flank of a peak beside it, and the
    softmax of eq. 1 would take that for the joint.

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
        self.prob = checked_probability("EraseFrames", prob)
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
        self._filled_row = np.empty((0, 3), dtype=np.uint8)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Erase the drawn frames.

        Raises:
            ValueError: If the frames are not stacked to one size yet.
        """
        stacked_frames("EraseFrames", results)
        frames = writable_frames(results)
        for key in ("keypoints", "heatmaps"):
            if key in results:
                results[key] = results[key].copy()
        row = self._row(frames.shape[2])
        generator = pipeline_generator()
        drawn = generator.random(len(frames)).tolist()
        for index in [index for index, draw in enumerate(drawn) if draw < self.prob]:
            rectangle = self._draw_rectangle(frames.shape[1], frames.shape[2], generator)
            if rectangle is None:
                continue
            top, left, height, width = rectangle
            # Row by row: one colour is spread pixel by pixel, which takes 17 times as long.
            frames[index, top : top + height, left : left + width] = row[:width]
            if "keypoints" in results:
                joints = results["keypoints"][index]
                joints[_inside(joints[:, :2] + 0.5 - (left, top), (width, height)), 2] = 0
            if "heatmaps" in results:
                maps = results["heatmaps"][index]
                peaks = _peaks(maps, frames.shape[1:3])
                maps[_inside(peaks - (left, top), (width, height))] = 0
        return results

    def _row(self, width: int) -> np.ndarray:
        """Return a filled row of a frame, (width, 3)."""
        if len(self._filled_row) != width:
            self._filled_row = np.full((width, 3), np.rint(self.fill), dtype=np.uint8)
        return self._filled_row

    def _draw_rectangle(
        self, frame_height: int, frame_width: int, generator: np.random.Generator
    ) -> tuple[int, int, int, int] | None:
        """Return top, left, height, width in pixels, or None where nothing fitted."""
        low, high = self.area
        widest = 1 / self.min_aspect
        for _ in range(100):
            # One call for four numbers: a call takes longer than drawing.
            share, shape, down, across = generator.random(4).tolist()
            area = (low + (high - low) * share) * frame_height * frame_width
            aspect = self.min_aspect + (widest - self.min_aspect) * shape
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < height <= frame_height and 0 < width <= frame_width:
                top = int(down * (frame_height - height + 1))
                left = int(across * (frame_width - width + 1))
                return top, left, height, width
        return None

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(prob={self.prob}, area={self.area}, "
            f"min_aspect={self.min_aspect}, fill={self.fill})"
        )


def checked_probability(owner: str, prob: float) -> float:
    """Return a probability.

    Raises:
        ValueError: If it is none; the owner is named.
    """
    if not 0 <= prob <= 1:
        raise ValueError(f"{owner}'s prob must be a probability in [0, 1], got {prob}")
    return prob


def _inside(points: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Return which points (n, 2) lie in [0, side) of both sides, (n,) bool."""
    return np.all((points >= 0) & (points < sides), axis=1)


def _peaks(maps: np.ndarray, frame_size: Sequence[int]) -> np.ndarray:
    """Return x, y of the largest cell of each map (17, h, w) from the frame's corner, (17, 2)."""
    height, width = maps.shape[1:]
    rows, columns = np.divmod(maps.reshape(len(maps), -1).argmax(axis=1), width)
    cells = np.stack([columns, rows], axis=1) + 0.5
    return cells * (frame_size[1] / width, frame_size[0] / height)


def stacked_frames(owner: str, results: dict[str, Any]) -> np.ndarray:
    """Return the frames (M * T, H, W, 3) of results whose frames have one size.

    Raises:
        ValueError: If they are still a list, or there are none; the owner is named.
    """
    check_keys(owner, results, "frames", "clip_indices")
    frames = results["frames"]
    if not isinstance(frames, np.ndarray):
        raise ValueError(
            f"{owner} must come after ResizeClip in the pipeline, because it needs frames of one "
            f"size in one array, got a {type(frames).__name__} of {len(frames)} frames"
        )
    return frames


def writable_frames(results: dict[str, Any]) -> np.ndarray:
    """Return the stacked frames of results, as a copy unless this pipeline made them."""
    if results.get("own_frames") is not results["frames"]:
        results["frames"] = results["own_frames"] = results["frames"].copy()
    return results["frames"]
