"""One tracklet on its way to a feature, whatever it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mmctl.datasets.frame_quality import (
    FloatArray,
    FrameChoice,
    combine_ratings,
    rate_heights,
    rate_keypoints,
)

Frame = str | bytes | npt.NDArray[np.uint8]
"""The path of a picture, its bytes, or its pixels (h, w, 3), RGB."""

KeypointOrigin = Literal["none", "model", "stored", "call"]
"""Where keypoints came from: nowhere, the estimator in the model, an array beside the data set
(whoever made it), or the call itself."""


@dataclass(frozen=True)
class TrackletItem:
    """A tracklet before its frames are loaded.

    Attributes:
        name: What it is called in messages.
        frames: Its frames in time order, S of them.
        names: Name of each frame, S.
        labels: What else the pipeline reads: ``pid``, ``camid``, ``split``, ``tracklet_id``,
            ``keypoint_file``, ``heatmap_file``, ``keypoint_rows``, where known.
        origin: Where it is from: ``video``, ``track``, ``frame_numbers`` (S,), ``times`` (S,),
            ``start`` and ``boxes`` (S, 4), where known.
        keypoints: x, y and score in pixels of the frames, (S, 17, 3), where they are not stored.
        keypoint_origin: Where keypoints are from.
        box_ratings: What the box of each frame tells, border and overlap, (S, 2), where known.
        quality: Quality of each frame, (S,), where it was rated before.
        dropped: How many frames were left out for which reason.
        weights: Weight of each frame, (S,); None: all alike.
    """

    name: str
    frames: Sequence[Frame]
    names: Sequence[str]
    labels: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    keypoints: npt.NDArray[np.float32] | None = None
    keypoint_origin: KeypointOrigin = "none"
    box_ratings: FloatArray | None = None
    quality: FloatArray | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    weights: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.names)

    def take(self, kept: npt.NDArray[np.int64]) -> TrackletItem:
        """Return the item with some of its frames.

        Args:
            kept: Their indices, rising, (k,).
        """

        def some(values: Any) -> Any:
            return None if values is None else values[kept]

        labels, origin = dict(self.labels), dict(self.origin)
        if "keypoint_rows" in labels:
            labels["keypoint_rows"] = np.asarray(labels["keypoint_rows"])[kept]
        for key in ("frame_numbers", "times", "boxes"):
            if key in origin:
                origin[key] = np.asarray(origin[key])[kept]
        return replace(
            self,
            frames=ChosenFrames(self.frames, kept),
            names=[self.names[index] for index in kept.tolist()],
            labels=labels,
            origin=origin,
            keypoints=some(self.keypoints),
            box_ratings=some(self.box_ratings),
            quality=some(self.quality),
            weights=some(self.weights),
        )

    def rate(self, seen: FloatArray, keypoints: npt.NDArray[np.float32] | None) -> FloatArray:
        """Return the quality of frames that were not rated before.

        Args:
            seen: Ratings of what the frames themselves show, (S, 2): height and sharpness.
            keypoints: Their keypoints, (S, 17, 3), where known.
        """
        height, sharpness = seen.T
        if "boxes" in self.origin:  # a crop lacks what lies beyond the border
            height = rate_heights(np.asarray(self.origin["boxes"])[:, 3])
        found = () if keypoints is None else rate_keypoints(keypoints)
        boxes = () if self.box_ratings is None else self.box_ratings.T
        return combine_ratings(height, sharpness, *found, *boxes)

    def choose(self, choice: FrameChoice) -> TrackletItem:
        """Return the item with the frames that are used, and their weights; it has ``quality``."""
        assert self.quality is not None
        kept = choice.choose(self.quality)
        item = self if len(kept) == len(self) else self.take(kept)
        assert item.quality is not None
        left_out = len(self) - len(kept)
        dropped = self.dropped | ({"quality": left_out} if left_out else {})
        return replace(item, dropped=dropped, weights=choice.weigh(item.quality))


class ChosenFrames(Sequence):
    """Some of a sequence's frames; none is loaded for it.

    Args:
        frames: All frames.
        kept: Indices of those that are here, (k,).
    """

    def __init__(self, frames: Sequence[Frame], kept: npt.NDArray[np.int64]) -> None:
        self.frames, self.kept = frames, kept.tolist()

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.frames[i] for i in self.kept[index]]
        return self.frames[self.kept[index]]


class TurnedFrames(Sequence):
    """Frames whose arrays are BGR, as RGB."""

    def __init__(self, frames: Sequence[Any]) -> None:
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: Any) -> Any:
        frame = self.frames[index]
        return np.ascontiguousarray(frame[..., ::-1]) if isinstance(frame, np.ndarray) else frame
