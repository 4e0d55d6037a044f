"""Clips from the data loader to the device, normalised."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmctl.registry import MODELS


@MODELS.register_module()
class ClipDataPreprocessor(BaseDataPreprocessor):
    """Concatenate the clips of a batch, move and normalise them.

    MMEngine's ``ImgDataPreprocessor`` takes images (3, H, W); on a clip its channel flip would
    reorder the frames.

    Args:
        mean: Per RGB channel, in 0 .. 255.
        std: Per RGB channel, in 0 .. 255; the default with ``mean`` divides by 256 as the paper.
        non_blocking: Copy to the device asynchronously.
        channels_last: Lay the frames out with their channels innermost in memory, which the
            convolutions then keep. The shape stays. Not for backbones of fewer than 8 channels:
            on processors without AVX-512, the backward of torch 2.12.1 corrupts memory with them.

    Raises:
        ValueError: If ``mean`` or ``std`` does not have three entries or ``std`` is not positive.
    """

    def __init__(
        self,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (256.0, 256.0, 256.0),
        non_blocking: bool = False,
        channels_last: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(
                "mean and std must have one entry per RGB channel and std must be positive, "
                f"got mean={tuple(mean)}, std={tuple(std)}"
            )
        self.channels_last = channels_last
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:  # noqa: ARG002
        """Prepare a collated batch.

        Args:
            data: ``inputs``, one uint8 tensor (M_i, T, 3, H, W) per tracklet or all of them in
                one tensor (B, M, T, 3, H, W), and ``data_samples``, one :class:`TrackletSample`
                per tracklet.
            training: Not used: clips are prepared the same way for training and testing.

        Returns:
            ``inputs`` (sum of M_i, T, 3, H, W) float32 on the device, and ``data_samples``.

        Raises:
            ValueError: If a tracklet's clips are not (M, T, 3, H, W) or differ in T, H or W.
        """
        data = self.cast_data(data)
        inputs = list(data["inputs"])
        if not inputs:
            raise ValueError("a batch must have at least one tracklet to be prepared, got none")
        for index, clips in enumerate(inputs):
            if clips.dim() != 5 or clips.shape[2] != 3 or clips.shape[1:] != inputs[0].shape[1:]:
                raise ValueError(
                    "the clips of every tracklet must be (M, T, 3, H, W) with equal T, H and W, "
                    f"got {tuple(clips.shape)} for item {index} and {tuple(inputs[0].shape)} for "
                    "item 0 of the batch"
                )
        num_frames, _, height, width = inputs[0].shape[1:]
        counts = [len(clips) for clips in inputs]
        dtype = torch.promote_types(self.mean.dtype, torch.float32)
        if self.channels_last:
            shape = (sum(counts), num_frames, height, width, 3)
            normalized = self.mean.new_empty(shape, dtype=dtype).permute(0, 1, 4, 2, 3)
        else:
            shape = (sum(counts), num_frames, 3, height, width)
            normalized = self.mean.new_empty(shape, dtype=dtype)
        # Without a copy beside it: the frames of a batch are many times a processor's cache.
        for clips, place in zip(inputs, normalized.split(counts), strict=True):
            place.copy_(clips).sub_(self.mean).div_(self.std)
        return {"inputs": normalized, "data_samples": data.get("data_samples")}

    def denormalize(self, frames: Tensor) -> Tensor:
        """Return normalised frames (..., 3, H, W) as RGB in 0 .. 255."""
        return frames * self.std + self.mean
