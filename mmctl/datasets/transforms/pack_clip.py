"""Turn the results of a pipeline into what the model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmctl.datasets.transforms.augment_clip import writable_frames
from mmctl.datasets.transforms.clip_keys import check_keys
from mmctl.registry import TRANSFORMS
from mmctl.structures import TrackletSample

_LABELS = ("pid", "camid", "tracklet_id", "split", "gt_label", "frame_paths", "clip_mode", "piece")


@TRANSFORMS.register_module()
class PackClip(BaseTransform):
    """Pack the clips of one tracklet and its labels.

    Required keys: ``frames`` (M * T, H, W, 3) uint8 (after ``ResizeClip``), ``clip_indices``,
    ``clip_weights`` and the labels of the data set. The result has two keys: ``inputs``, uint8
    (M, T, 3, H, W) RGB, a view of the frames as they were decoded, colours innermost in memory
    (``ClipDataPreprocessor`` orders them as it converts them), and ``data_samples``, a
    :class:`~mmctl.structures.TrackletSample` with the labels, ``clip_weights`` (M,) and, where
    loaded, ``keypoints`` (M, T, 17, 3) and ``heatmaps`` (M, T, 17, h, w) float16.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Return the packed dict.

        Raises:
            ValueError: If the frames are not stacked to one size yet, or are no RGB pictures.
        """
        check_keys("PackClip", results, "frames", "clip_indices", "clip_weights")
        frames = results["frames"]
        if not isinstance(frames, np.ndarray):
            raise ValueError(
                "PackClip must come after ResizeClip in the pipeline, because clips are packed "
                f"into one tensor, got a {type(frames).__name__} of {len(frames)} frames"
            )
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(
                "frames must be uint8 RGB of shape (frames, height, width, 3) to be packed, got "
                f"{frames.dtype} {frames.shape}"
            )
        num_clips, clip_len = results["clip_indices"].shape
        clips = torch.from_numpy(
            writable_frames(results)
            .reshape(num_clips, clip_len, *frames.shape[1:])
            .transpose(0, 1, 4, 2, 3)
        )
        sample = TrackletSample(**{key: results[key] for key in _LABELS if key in results})
        sample.clip_weights = torch.from_numpy(results["clip_weights"])
        if "keypoints" in results:
            keypoints = torch.from_numpy(results["keypoints"])
            sample.keypoints = keypoints.unflatten(0, (num_clips, clip_len))
        if "heatmaps" in results:
            heatmaps = torch.from_numpy(results["heatmaps"])
            sample.heatmaps = heatmaps.unflatten(0, (num_clips, clip_len))
        return {"inputs": clips, "data_samples": sample}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
