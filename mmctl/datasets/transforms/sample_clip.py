"""Choose the frames of a tracklet that the model sees."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.datasets.transforms.clip_keys import check_keys
from mmctl.datasets.transforms.clip_modes import draws, find_clip_mode, read_clips
from mmctl.registry import TRANSFORMS


def pipeline_generator() -> np.random.Generator:
    """Return a generator that draws from NumPy's global state.

    The transforms of MMCV draw from ``np.random``, and that state is what MMEngine seeds in the
    main process and in the workers, and ``NumberedItems`` for each item; this is the same stream
    behind the current interface.
    """
    return np.random.Generator(np.random.mtrand.get_bit_generator())


@TRANSFORMS.register_module()
class SampleClip(BaseTransform):
    """Pick clips of ``clip_len`` frame indices from a tracklet.

    The modes are the functions of :mod:`mmctl.functional.clips` and those that
    :func:`~mmctl.datasets.transforms.register_clip_mode` adds; the class adds the reading of
    ``frame_paths`` and the weights.

    Required keys: ``frame_paths``; with ``piece``, (p, P) of ``TrackletPieces``, only the p-th of P
    pieces of the clips is kept. Added keys: ``clip_indices`` (M, T) int64 into ``frame_paths``,
    ``clip_weights`` (M,) float32, the number of distinct frames of each clip unless the mode says
    otherwise, and ``clip_mode``, which the metric prints beside its numbers.

    Args:
        clip_len: Frames of a clip, T.
        mode: ``'random'`` (T random frames, sorted), ``'restricted'`` (one random frame from
            each of T chunks), ``'strided'`` (every ``stride``-th frame from a random one on) or
            ``'consecutive'`` for training; for testing ``'interleaved'`` or ``'dense'`` (all
            frames, M = ceil(S / T) clips), ``'evenly'``, ``'first-of-chunk'`` or
            ``'first-strided'`` (one clip); or the name of a registered one.
        stride: Of the modes that have one, 8 where it is not given.

    Raises:
        ValueError: If ``clip_len`` or ``stride`` is not a positive integer, there is no such
            ``mode``, or it has no stride.
    """

    def __init__(self, clip_len: int, mode: str = "random", stride: int | None = None) -> None:
        if not _is_count(clip_len):
            raise ValueError(
                "SampleClip's clip_len must be a positive integer, the number of frames of a "
                f"clip, got {clip_len!r}"
            )
        # The function and not its name alone: a worker that unpickles it imports its module.
        self.choose_frames = find_clip_mode(mode)
        self.draws = draws(self.choose_frames)
        self.stride = stride
        self._options = {} if stride is None else {"stride": stride}
        if stride is not None:
            _check_stride(mode, self.choose_frames, stride)
        self.clip_len = clip_len
        self.mode = mode

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``clip_indices`` and ``clip_weights``.

        Raises:
            ValueError: If the tracklet has no frames, or the mode returns no clips of it.
        """
        check_keys("SampleClip", results, "frame_paths")
        num_frames = len(results["frame_paths"])
        if num_frames == 0:
            raise ValueError(
                "SampleClip needs at least one frame to make a clip, got an empty frame_paths in "
                f"tracklet {results.get('tracklet_id')} (pid {results.get('pid')})"
            )
        generator = [pipeline_generator()] if self.draws else []
        made = self.choose_frames(num_frames, self.clip_len, *generator, **self._options)
        indices, weights = read_clips(self.mode, made, num_frames, self.clip_len)
        if "piece" in results:
            place = results["piece"]
            indices, weights = (self._take_piece(values, *place) for values in (indices, weights))
        results["clip_indices"] = indices
        results["clip_weights"] = weights
        results["clip_mode"] = self.mode
        return results

    def _take_piece(self, clips: np.ndarray, piece: int, num_pieces: int) -> np.ndarray:
        if len(clips) < num_pieces:
            raise ValueError(
                f"SampleClip must make a clip for each of the {num_pieces} pieces of a tracklet: "
                "frames_per_piece must be at least clip_len, and mode one of all frames, "
                f"got {len(clips)} clips with clip_len={self.clip_len} and mode={self.mode!r}"
            )
        return np.array_split(clips, num_pieces)[piece]

    def __repr__(self) -> str:
        stride = "" if self.stride is None else f", stride={self.stride}"
        return f"{type(self).__name__}(clip_len={self.clip_len}, mode={self.mode!r}{stride})"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _check_stride(mode: str, choose_frames: Callable[..., Any], stride: Any) -> None:
    if not _is_count(stride):
        raise ValueError(
            "SampleClip's stride must be a positive integer, the frames from one of a clip to the "
            f"next, got {stride!r}"
        )
    if "stride" not in inspect.signature(choose_frames).parameters:
        raise ValueError(f"SampleClip's mode {mode!r} has no stride, got stride={stride}")
