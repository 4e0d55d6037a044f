"""Choose the frames of a tracklet that the model sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform

from mmctl.datasets.transforms.clip_keys import check_keys
from mmctl.functional.clips import FIXED_MODES, RANDOM_MODES, count_distinct_frames
from mmctl.registry import TRANSFORMS


def pipeline_generator() -> np.random.Generator:
    """Return a generator that draws from NumPy's global state.

    The transforms of MMCV draw from ``np.random``, and that state is what MMEngine seeds in the
    main process and in the workers, and ``NumberedItems`` for each item; this is the same stream
    behind the current interface.
    """
    return np.random.Generator(np.random.get_bit_generator())


@TRANSFORMS.register_module()
class SampleClip(BaseTransform):
    """Pick clips of ``clip_len`` frame indices from a tracklet.

    The modes are the functions of :mod:`mmctl.functional.clips`; the class adds the reading of
    ``frame_paths`` and the weights.

    Required keys: ``frame_paths``; with ``piece``, (p, P) of ``TrackletPieces``, only the p-th of P
    pieces of the clips is kept. Added keys: ``clip_indices`` (M, T) int64 into ``frame_paths``,
    ``clip_weights`` (M,) float32, the number of distinct frames of each clip, and ``clip_mode``,
    which the metric prints beside its numbers.

    Args:
        clip_len: Frames of a clip, T.
        mode: ``'random'`` (T random frames, sorted) or ``'restricted'`` (one random frame from
            each of T chunks) for training; for testing ``'interleaved'`` or ``'dense'`` (all
            frames, M = ceil(S / T) clips), ``'evenly'`` or ``'first-of-chunk'`` (one clip).

    Raises:
        ValueError: If ``clip_len`` is not a positive integer or ``mode`` is not one of the above.
    """

    def __init__(self, clip_len: int, mode: str = "random") -> None:
        if not isinstance(clip_len, int) or isinstance(clip_len, bool) or clip_len < 1:
            raise ValueError(
                "SampleClip's clip_len must be a positive integer, the number of frames of a "
                f"clip, got {clip_len!r}"
            )
        if mode not in RANDOM_MODES and mode not in FIXED_MODES:
            known = ", ".join(map(repr, (*RANDOM_MODES, *FIXED_MODES)))
            raise ValueError(f"SampleClip's mode must be one of {known}, got {mode!r}")
        self.clip_len = clip_len
        self.mode = mode

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``clip_indices`` and ``clip_weights``.

        Raises:
            ValueError: If the tracklet has no frames.
        """
        check_keys("SampleClip", results, "frame_paths")
        num_frames = len(results["frame_paths"])
        if num_frames == 0:
            raise ValueError(
                "SampleClip needs at least one frame to make a clip, got an empty frame_paths in "
                f"tracklet {results.get('tracklet_id')} (pid {results.get('pid')})"
            )
        if self.mode in RANDOM_MODES:
            draw = RANDOM_MODES[self.mode]
            indices = draw(num_frames, self.clip_len, pipeline_generator())
        else:
            indices = FIXED_MODES[self.mode](num_frames, self.clip_len)
        if "piece" in results:
            indices = self._take_piece(indices, *results["piece"])
        results["clip_indices"] = indices
        results["clip_weights"] = count_distinct_frames(indices)
        results["clip_mode"] = self.mode
        return results

    def _take_piece(self, indices: np.ndarray, piece: int, num_pieces: int) -> np.ndarray:
        if len(indices) < num_pieces:
            raise ValueError(
                f"SampleClip must make a clip for each of the {num_pieces} pieces of a tracklet: "
                "frames_per_piece must be at least clip_len, and mode one of all frames, "
                f"got {len(indices)} clips with clip_len={self.clip_len} and mode={self.mode!r}"
            )
        return np.array_split(indices, num_pieces)[piece]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(clip_len={self.clip_len}, mode={self.mode!r})"
