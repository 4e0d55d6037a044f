"""Clips of many tracklets in full batches, and their features summed up per tracklet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mmctl.apis.inference.clip_pipeline import LoadedPiece, slice_sample
from mmctl.apis.inference.tracklet_item import TrackletItem
from mmctl.datasets.frame_quality import FloatArray, mean_quality
from mmctl.models.clip_average import scale_branches
from mmctl.structures import TrackletSample

_SHOWN = 8
"""Frames of a tracklet that are kept to be drawn."""

Forward = Callable[[dict[str, Any]], list[TrackletSample]]
"""From a batch, ``inputs`` and ``data_samples``, to the samples with ``feature``."""


@dataclass(frozen=True)
class PieceJob:
    """A piece of a tracklet that is to be loaded.

    Attributes:
        item: The tracklet.
        piece: Which piece, from 0.
        num_pieces: How many there are.
        ends_batch: Whether nothing after it may be in its batch.
    """

    item: TrackletItem
    piece: int
    num_pieces: int
    ends_batch: bool = False


@dataclass
class TrackletSum:
    """What is known of a tracklet so far; whole when nothing is left.

    Attributes:
        item: The tracklet.
        sample: Labels of its sample.
        left: Pieces that have not been batched, and clips that have no feature yet.
        total: Weighted sum of the clips' features, (C,), float64.
        weight: Sum of the weights.
        unit_widths: Channels of the branches that get length one each, once the sum is whole.
        num_pieces: Pieces in which it is loaded.
    """

    item: TrackletItem
    sample: TrackletSample
    left: int
    total: npt.NDArray[np.float64] | None = None
    weight: float = 0.0
    unit_widths: Sequence[int] = ()
    num_pieces: int = 1
    _shown: dict[int, tuple[int, Tensor]] = field(default_factory=dict)
    _pieces: list[tuple[npt.NDArray[np.int64], FloatArray, Any]] = field(default_factory=list)

    def note(self, piece: LoadedPiece) -> None:
        """Keep what a piece says of its frames."""
        self._pieces.append((piece.indices, piece.seen, piece.keypoints))

    def keep_pictures(self, piece: LoadedPiece) -> None:
        """Keep a few frames of the clips, those nearest to even distances over all that are used.

        Args:
            piece: The next piece.
        """
        # Only clips of all frames are loaded in pieces.
        used = piece.indices if self.num_pieces == 1 else np.arange(len(self.item))
        places = np.linspace(0, len(used) - 1, min(len(used), _SHOWN)).round().astype(int)
        indices = piece.clip_indices.ravel()
        frames = piece.inputs.flatten(0, 1)
        for wanted in used[places].tolist():
            nearest = int(np.abs(indices - wanted).argmin())
            index = int(indices[nearest])
            known = self._shown.get(wanted)
            if known is None or abs(index - wanted) < abs(known[0] - wanted):
                self._shown[wanted] = (index, frames[nearest].clone())

    def pictures(self) -> npt.NDArray[np.uint8] | None:
        """Return the distinct frames that were kept, in time order, (T, H, W, 3), None of none."""
        kept = dict(self._shown.values())
        if not kept:
            return None
        frames = torch.stack([kept[index] for index in sorted(kept)])
        return frames.permute(0, 2, 3, 1).contiguous().numpy()

    def add(self, sample: TrackletSample) -> None:
        """Add the mean feature of some clips, which the model has put into their sample."""
        weight = float(sample.clip_weights.sum())
        mean = sample.clip_mean.double().cpu().numpy()
        self.total = weight * mean if self.total is None else self.total + weight * mean
        self.weight += weight
        self.unit_widths = sample.unit_widths

    def finish(self) -> dict[str, Any]:
        """Return the prediction.

        Raises:
            ValueError: If the feature is not finite.
        """
        assert self.total is not None
        clip_mean = torch.from_numpy(self.total / self.weight)
        mean = scale_branches(clip_mean[None], self.unit_widths)[0].numpy()
        norm = float(np.linalg.norm(mean))
        if not np.isfinite(norm):
            raise ValueError(
                f"the feature of {self.item.name} must be finite to be compared, got NaN or "
                "infinity: the weights are damaged, or its values do not fit into 16 bits (leave "
                "amp out)"
            )
        used, quality, keypoints = self._frames_used()
        item = self.item
        return {
            "feature": (mean / max(norm, float(np.finfo(np.float32).tiny))).astype(np.float32),
            "feature_norm": norm,
            "num_frames": len(used),
            "num_given": len(item) + sum(item.dropped.values()),
            "dropped": dict(item.dropped),
            "quality": mean_quality(quality),
            "keypoints": keypoints,
            "keypoint_origin": item.keypoint_origin,
            "name": item.name,
            "frame_path": item.names[len(item) // 2],
            "camera": item.labels.get("camid"),
            "pid": item.labels.get("pid"),
            "split": item.labels.get("split"),
            "tracklet_id": item.labels.get("tracklet_id"),
            **describe_origin(item),
        }

    def _frames_used(self) -> tuple[npt.NDArray[np.int64], FloatArray, Any]:
        """Return the distinct frames of all clips, their quality and keypoints."""
        indices = np.concatenate([indices for indices, _, _ in self._pieces])
        used, places = np.unique(indices, return_index=True)
        seen = np.concatenate([seen for _, seen, _ in self._pieces])[places]
        found = [keypoints for _, _, keypoints in self._pieces if keypoints is not None]
        keypoints = np.concatenate(found)[places] if found else None
        some = self.item.take(used) if len(used) < len(self.item) else self.item
        rated = some.rate(seen, keypoints) if some.quality is None else some.quality
        return used, rated, keypoints


def describe_origin(item: TrackletItem) -> dict[str, Any]:
    """Return where a tracklet is from: video, track, first and last frame, times, start."""
    origin = item.origin
    numbers, times = origin.get("frame_numbers"), origin.get("times")
    return {
        "video": origin.get("video"),
        "track": origin.get("track"),
        "first_frame": None if numbers is None else int(numbers[0]),
        "last_frame": None if numbers is None else int(numbers[-1]),
        "first_time": None if times is None else float(times[0]),
        "last_time": None if times is None else float(times[-1]),
        "start": origin.get("start"),
    }


def to_sample(prediction: dict[str, Any]) -> TrackletSample:
    """Return a prediction as a sample, its arrays as tensors; what is unknown is left out."""
    fields = {
        key: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for key, value in prediction.items()
        if value is not None
    }
    if "camera" in fields:
        fields["camid"] = fields.pop("camera")
    return TrackletSample(**fields)


def sum_features(
    pieces: Iterable[tuple[PieceJob, LoadedPiece]],
    forward: Forward,
    batch_size: int,
    with_pictures: bool = False,
) -> Iterator[TrackletSum]:
    """Run the clips of many tracklets through the model, and yield the tracklets in their order.

    Every batch but the last has ``batch_size`` clips, whichever tracklets they are of. Nothing is
    kept of a tracklet but a sum and a few numbers for each frame.

    Args:
        pieces: All pieces of each tracklet in order, with what was loaded.
        forward: The model.
        batch_size: Clips of a batch.
        with_pictures: Whether to keep a few frames of each tracklet.
    """
    open_sums: deque[TrackletSum] = deque()
    batch: list[tuple[TrackletSum, Tensor, TrackletSample]] = []
    room = batch_size
    for job, loaded in pieces:
        if job.piece == 0:
            count = job.num_pieces
            open_sums.append(TrackletSum(job.item, loaded.sample, count, num_pieces=count))
        current = open_sums[-1]
        current.note(loaded)
        if with_pictures:
            current.keep_pictures(loaded)
        start, num_clips = 0, len(loaded.inputs)
        while start < num_clips:
            rows = slice(start, min(start + room, num_clips))
            current.left += 1
            sample = slice_sample(loaded.sample, rows)
            batch.append((current, loaded.inputs[rows], sample))
            room -= rows.stop - start
            start = rows.stop
            if not room or (job.ends_batch and start == num_clips):
                _run(batch, forward)
                batch, room = [], batch_size
        current.left -= 1
        while open_sums and not open_sums[0].left:
            yield open_sums.popleft()
    if batch:
        _run(batch, forward)
    yield from open_sums


def _run(batch: list[tuple[TrackletSum, Tensor, TrackletSample]], forward: Forward) -> None:
    samples = forward(
        {
            "inputs": [inputs for _, inputs, _ in batch],
            "data_samples": [sample for _, _, sample in batch],
        }
    )
    for (tracklet, _, _), sample in zip(batch, samples, strict=True):
        tracklet.add(sample)
        tracklet.left -= 1
