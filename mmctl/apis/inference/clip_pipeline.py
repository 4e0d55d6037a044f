"""A test pipeline that also takes frames and keypoints from memory, and weighs clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import DefaultScope
from torch import Tensor

from mmctl.apis.inference.tracklet_item import Frame, TrackletItem
from mmctl.datasets.frame_quality import FULL_HEIGHT, FloatArray, rate_sharpness
from mmctl.datasets.transforms import LoadFrames, LoadHeatmaps, LoadKeypoints, SampleClip
from mmctl.datasets.transforms.load_frames import Loaded
from mmctl.registry import TRANSFORMS
from mmctl.structures import TrackletSample

FRAMES_PER_PIECE = 64
"""Frames that are loaded at once, but at least a clip: bounds the memory of long tracklets."""

_SPLITTABLE = ("interleaved", "dense")
"""Clip modes of several clips, whose mean can be taken piece by piece."""

_LOADERS = {"keypoints": LoadKeypoints, "heatmaps": LoadHeatmaps}


@dataclass(frozen=True)
class LoadedPiece:
    """Clips of a tracklet, or some of them.

    Attributes:
        inputs: (M, T, 3, H, W) uint8.
        sample: What goes with them, as ``PackClip`` packs it.
        indices: The distinct frames of the tracklet that are in the clips, rising, (n,).
        seen: Ratings of what these frames show, height and sharpness, (n, 2).
        keypoints: Their keypoints in pixels of the frames as they were given, (n, 17, 3), if any.
        clip_indices: Which frame of the tracklet each frame of the clips is, (M, T).
    """

    inputs: Tensor
    sample: TrackletSample
    indices: npt.NDArray[np.int64]
    seen: FloatArray
    keypoints: npt.NDArray[np.float32] | None
    clip_indices: npt.NDArray[np.int64]


class ClipPipeline:
    """The transforms of a config's test data set.

    Args:
        steps: Their configs.
        reads: What the model takes from the samples beside frames: ``'keypoints'``,
            ``'heatmaps'`` or None. What else is stored is not loaded.

    Raises:
        ValueError: If a step is unknown, or none samples clips or loads frames.
    """

    def __init__(self, steps: Sequence[dict[str, Any]], reads: str | None) -> None:
        with DefaultScope.overwrite_default_scope("mmctl"):
            built = [TRANSFORMS.build(step) for step in steps]
        unread = tuple(loader for name, loader in _LOADERS.items() if name != reads)
        self.steps = [_adapt(step) for step in built if not isinstance(step, unread)]
        self.sampler = _find(built, SampleClip)
        _find(built, LoadFrames)
        self.reads = reads
        self.configs = [dict(step) for step in steps]

    def count_pieces(self, item: TrackletItem) -> int:
        """Return in how many pieces a tracklet is loaded."""
        if self.sampler.mode not in _SPLITTABLE:
            return 1
        return -(-len(item) // max(FRAMES_PER_PIECE, self.sampler.clip_len))

    def load(self, item: TrackletItem, piece: int, num_pieces: int) -> LoadedPiece:
        """Load a piece of a tracklet.

        Args:
            item: The tracklet.
            piece: Which piece, from 0.
            num_pieces: How many there are.

        Raises:
            FileNotFoundError: If a frame does not exist; it is named.
            ValueError: If a frame cannot be read; it is named.
        """
        results: dict[str, Any] = {
            **item.labels,
            "frame_paths": list(item.names),
            "given_frames": item.frames,
            "seen": {},
        }
        if num_pieces > 1:
            results["piece"] = (piece, num_pieces)
        if item.keypoints is not None:
            results["given_keypoints"] = item.keypoints
        if item.weights is not None:
            results["frame_weights"] = item.weights
        seen: dict[int, tuple[float, float]] = results["seen"]
        packed: Any = results
        for step in self.steps:
            packed = step.transform(packed) if isinstance(step, BaseTransform) else step(packed)
        indices = np.array(sorted(seen), dtype=np.int64)
        found = results.get("found_keypoints")
        return LoadedPiece(
            packed["inputs"],
            packed["data_samples"],
            indices,
            np.array([seen[index] for index in indices.tolist()]),
            None if found is None else np.stack([found[index] for index in indices.tolist()]),
            results["clip_indices"],
        )

    def see(self, frame: Frame, name: str) -> tuple[float, float]:
        """Return the ratings of what a frame shows, height and sharpness, without any clip."""
        results = {
            "frame_paths": [name],
            "given_frames": [frame],
            "clip_indices": np.zeros((1, 1), dtype=np.int64),
            "seen": {},
        }
        (loader,) = [step for step in self.steps if isinstance(step, _GivenFrames)]
        return loader.transform(results)["seen"][0]


class _GivenFrames(BaseTransform):
    """Take frames from memory where they are there, and rate what each shows."""

    def __init__(self, load: LoadFrames) -> None:
        self.load = load

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``frames``, and to ``seen`` the ratings of each distinct frame."""
        given, names = results["given_frames"], results["frame_paths"]
        indices = results["clip_indices"].ravel().tolist()
        distinct = sorted(set(indices))
        if all(isinstance(given[index], str) for index in distinct):
            results = self.load.transform(results)
            indices = results["clip_indices"].ravel().tolist()  # broken ones may be replaced
        else:
            decoded = {i: _to_pixels(given[i], names[i], self.load) for i in distinct}
            results["frames"] = [decoded[index][0] for index in indices]
            results["frame_sizes"] = np.array([decoded[index][1] for index in indices])
        frames = results["frames"]
        sizes = results.get("frame_sizes", [frame.shape[:2] for frame in frames])
        for index, frame, size in zip(indices, frames, sizes, strict=True):
            if index not in results["seen"]:
                height = min(float(size[0]) / FULL_HEIGHT, 1.0)
                results["seen"][index] = (height, rate_sharpness(frame))
        return results


class _GivenKeypoints(BaseTransform):
    """Take keypoints from memory where they are there, and keep them as they were given."""

    def __init__(self, load: LoadKeypoints) -> None:
        self.load = load

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``keypoints``, and ``found_keypoints`` by frame."""
        indices = results["clip_indices"].ravel()
        if "given_keypoints" in results:
            results["keypoints"] = results["given_keypoints"][indices].astype(np.float32)
        else:
            results = self.load.transform(results)
        results["found_keypoints"] = dict(zip(indices.tolist(), results["keypoints"], strict=True))
        return results


class _WeighClips(BaseTransform):
    """Weigh each clip by its distinct frames, where frames have weights."""

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace ``clip_weights``."""
        weights = results.get("frame_weights")
        if weights is not None:
            results["clip_weights"] = np.array(
                [weights[np.unique(row)].sum() for row in results["clip_indices"]], dtype=np.float32
            )
        return results


class _Sampler(BaseTransform):
    """Sample clips and weigh them."""

    def __init__(self, sample: SampleClip) -> None:
        self.sample, self.weigh = sample, _WeighClips()

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``clip_indices`` and ``clip_weights``."""
        return self.weigh.transform(self.sample.transform(results))


def _adapt(step: Any) -> Any:
    if isinstance(step, LoadFrames):
        return _GivenFrames(step)
    if isinstance(step, LoadKeypoints):
        return _GivenKeypoints(step)
    return _Sampler(step) if isinstance(step, SampleClip) else step


def _find(steps: Sequence[Any], kind: type) -> Any:
    found = [step for step in steps if isinstance(step, kind)]
    if len(found) != 1:
        names = ", ".join(type(step).__name__ for step in steps)
        raise ValueError(
            f"the test pipeline must have one {kind.__name__}, because inference samples and loads "
            f"clips as a test does, got {names or 'no step'}"
        )
    return found[0]


def _to_pixels(frame: Frame, name: str, load: LoadFrames) -> Loaded:
    if isinstance(frame, bytes):
        return load.decode(frame, name)
    if isinstance(frame, str):
        results = load.transform(
            {"frame_paths": [frame], "clip_indices": np.zeros((1, 1), dtype=np.int64)}
        )
        (loaded,) = results["frames"]
        return loaded, results.get("frame_sizes", [loaded.shape[:2]])[0]
    return frame, frame.shape[:2]


def test_pipeline(cfg: Any) -> list[dict[str, Any]]:
    """Return the configs of a test's transforms.

    Args:
        cfg: Config of a training or test.

    Raises:
        ValueError: If it has no test pipeline.
    """
    dataset = (cfg.get("test_dataloader") or {}).get("dataset") or {}
    while "pipeline" not in dataset and isinstance(dataset.get("dataset"), dict):
        dataset = dataset["dataset"]
    if not dataset.get("pipeline"):
        raise ValueError(
            "the config must have test_dataloader.dataset.pipeline, because tracklets are sampled "
            f"and loaded as in a test, got none in {cfg.get('filename') or 'it'}"
        )
    return [dict(step) for step in dataset["pipeline"]]


def slice_sample(sample: TrackletSample, rows: slice) -> TrackletSample:
    """Return the sample of some of its clips.

    Args:
        sample: A packed sample.
        rows: Which clips.
    """
    piece = TrackletSample(**{key: value for key, value in sample.items() if key != "piece"})
    for key, value in sample.items():
        if isinstance(value, torch.Tensor):  # clip_weights, keypoints, heatmaps: (M, ...)
            setattr(piece, key, value[rows])
    return piece
