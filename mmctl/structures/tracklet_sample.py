"""What travels with the frames of one tracklet through the model to the metric."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.structures import BaseDataElement


class TrackletSample(BaseDataElement):
    """Labels, keypoints, heatmaps and feature of one tracklet.

    A :class:`mmengine.structures.BaseDataElement`, so ``sample.to(device)`` moves its tensors.

    Attributes:
        pid: Person id of the data set; -1 marks junk, 0 a distractor.
        camid: Camera id of the data set.
        tracklet_id: Index of the tracklet in its data set.
        split: ``'train'``, ``'query'`` or ``'gallery'``.
        gt_label: Contiguous training label, 0 .. number of training pids - 1 (training only).
        frame_paths: Paths of all frames of the tracklet, in time order.
        clip_mode: How the clips were sampled, for instance ``'interleaved'``.
        clip_weights: Distinct frames of each clip, (M,), float32: the weights of the average over
            clips (a clip filled by repetition counts only its real frames).
        keypoints: x, y, score in pixels of the packed frames, (M, T, 17, 3), float32; only where
            the pipeline loads keypoints.
        heatmaps: Raw (pre-softmax) maps of the joints, each covering the whole packed frame,
            (M, T, 17, h, w), float16; only where the pipeline loads stored heatmaps.
        piece: (p, P) if the sample is the p-th of P pieces of the tracklet, see ``TrackletPieces``.
        feature: Feature of the tracklet or its piece, (C,), set by ``predict``.
        feature_norm: Length of the mean over clips before ``feature`` was made a unit vector, set
            by ``predict``.
        clip_mean: Mean over the clips as the head gives it for a clip, (C,), set by ``predict``:
            what pieces of a tracklet are added up by.
        unit_widths: Channels of the branches of ``clip_mean`` that get length one each before all
            of it does, set by ``predict``; empty where only the whole does.
    """

    def __getstate__(self) -> tuple[dict[str, Any], list[str]]:
        # Between processes every tensor travels in a piece of shared memory of its own, which takes
        # longer than copying its few bytes: they go as arrays.
        fields = dict(self.__dict__)
        names = [name for name, value in fields.items() if _is_plain_tensor(value)]
        return fields | {name: fields[name].numpy() for name in names}, names

    def __setstate__(self, state: tuple[dict[str, Any], list[str]]) -> None:
        fields, names = state
        tensors = {name: torch.from_numpy(fields[name]) for name in names}
        self.__dict__.update(fields | tensors)


def _is_plain_tensor(value: Any) -> bool:
    """Tell whether NumPy can hold a tensor without loss."""
    return (
        isinstance(value, torch.Tensor)
        and value.device.type == "cpu"
        and value.dtype != torch.bfloat16
        and not value.requires_grad
    )
