"""The terms that a tracklet's feature is the sum of: one per frame, part and clip."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mmctl.explanations.undisturbed_model import check_model, head_of, undisturbed
from mmctl.models.pose.heatmap_source import stack_stored
from mmctl.models.video_reid import VideoReID
from mmctl.structures import FLIP_ORDER, TrackletSample

FRAMES_PER_CHUNK = 64
"""Frames that go through the network at once: bounds the memory of long tracklets."""


@dataclass(frozen=True)
class TrackletClips:
    """All clips of a tracklet as a test samples and loads them.

    Attributes:
        name: What the tracklet is called.
        inputs: Frames, (M, T, 3, H, W) uint8, RGB.
        sample: What goes with them: ``clip_weights`` (M,), keypoints or heatmaps.
        frames: Which frame of the tracklet each is, (M, T) int64.
    """

    name: str
    inputs: Tensor
    sample: TrackletSample
    frames: npt.NDArray[np.int64]

    @property
    def weights(self) -> Tensor:
        """Share of each clip in the feature, (M,), float64, 1 in sum."""
        if "clip_weights" not in self.sample:
            return torch.full((len(self.inputs),), 1 / len(self.inputs), dtype=torch.float64)
        weights = self.sample.clip_weights.double()
        return weights / weights.sum()

    def mirrored(self) -> TrackletClips:
        """Return the clips seen in a mirror, where a left arm is a right one."""
        sample, order = copy.copy(self.sample), list(FLIP_ORDER)
        if "keypoints" in sample:
            keypoints = sample.keypoints[:, :, order].clone()
            keypoints[..., 0] = self.inputs.shape[-1] - 1 - keypoints[..., 0]
            sample.keypoints = keypoints
        if "heatmaps" in sample:
            sample.heatmaps = sample.heatmaps[:, :, order].flip(-1)
        return replace(self, inputs=self.inputs.flip(-1), sample=sample)

    def distinct(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Return the numbers of the distinct frames, (S,), and these, (S, H, W, 3)."""
        numbers, places = np.unique(self.frames.ravel(), return_index=True)
        chosen = self.inputs.flatten(0, 1)[torch.from_numpy(places)]
        return numbers, np.ascontiguousarray(chosen.permute(0, 2, 3, 1).numpy())

    def stored_per_frame(self, field: str) -> npt.NDArray | None:
        """Return ``keypoints`` or ``heatmaps`` of the distinct frames, (S, 17, ...), if any."""
        if field not in self.sample:
            return None
        _, places = np.unique(self.frames.ravel(), return_index=True)
        return getattr(self.sample, field).flatten(0, 1).numpy()[places]


@dataclass(frozen=True)
class TrackletTerms:
    """What V_f of a tracklet adds up: mean over clips and frames of sum_n V_p[n] + V_g.

    Attributes:
        values: Of each clip and frame the parts, then the global feature, (M, T, N + 1, C).
        weights: Share of each clip, (M,), float64, 1 in sum.
        frames: Which frame of the tracklet each is, (M, T) int64.
    """

    values: Tensor
    weights: Tensor
    frames: npt.NDArray[np.int64]

    def total(self) -> Tensor:
        """Return each part and the global feature of the tracklet, (N + 1, C), float64."""
        return torch.einsum("m,mtkc->kc", self.weights, self.values.double()) / self.frames.shape[1]

    def per_frame(self) -> tuple[npt.NDArray[np.int64], Tensor, Tensor]:
        """Return the distinct frames' numbers, (S,), weights, (S,), and terms, (S, N + 1, C).

        Weights and terms are float64; the former add up to 1, the latter, which are weighted
        already, to :meth:`total`.
        """
        numbers, places = np.unique(self.frames.ravel(), return_inverse=True)
        rows, num_frames = torch.from_numpy(places.reshape(-1)), self.frames.shape[1]
        shares = (self.weights / num_frames).repeat_interleave(num_frames)
        weighted = self.values.double().flatten(0, 1) * shares[:, None, None]
        sums = torch.zeros(len(numbers), *weighted.shape[1:], dtype=torch.float64)
        weights = torch.zeros(len(numbers), dtype=torch.float64).index_add_(0, rows, shares)
        return numbers, weights, sums.index_add_(0, rows, weighted)


def to_model(model: VideoReID, clips: TrackletClips, rows: slice) -> tuple[Tensor, Tensor | None]:
    """Return some clips as the model takes them, normalised, and what it reads beside frames.

    Args:
        model: The model.
        clips: The tracklet.
        rows: Which clips.
    """
    stored = stack_stored(model.pose, [clips.sample])
    some = TrackletSample()
    if stored is not None:
        some.stored = stored[rows]
    batch = {"inputs": [clips.inputs[rows]], "data_samples": [some]}
    data = model.data_preprocessor(batch, False)
    return data["inputs"], None if stored is None else data["data_samples"][0].stored


def frame_terms(model: VideoReID, inputs: Tensor, stored: Tensor | None) -> Tensor:
    """Return the terms of clips, parts first and the global feature last, (B, T, N + 1, C).

    Args:
        model: The model.
        inputs: Normalised clips, (B, T, 3, H, W).
        stored: What the model reads beside frames, (B, T, ...).

    Raises:
        ValueError: If the model's feature is not the sum of them.
    """
    head = head_of(model)
    global_features, parts = model.extract(inputs, stored)
    together = global_features.unsqueeze(2)
    if parts is not None:
        together = torch.cat([head.weigh_parts(parts), together], dim=2)
    with torch.no_grad():
        feature = head.fuse(head.test_branch, global_features, parts)
        off = (together.sum(dim=2).mean(dim=1) - feature).abs().max()
        if off > 1e-3 * feature.abs().max():
            raise ValueError(
                f"the feature of {type(head).__name__} must be the sum of its parts and the global "
                f"feature to be split, but they differ by {off.item():.3g}"
            )
    return together


def chunks_of(clips: TrackletClips, limit: int = FRAMES_PER_CHUNK) -> list[slice]:
    """Return which clips go through the network together.

    Args:
        clips: The tracklet.
        limit: Most frames at once, but at least one clip.
    """
    step = max(1, limit // clips.inputs.shape[1])
    return [slice(start, start + step) for start in range(0, len(clips.inputs), step)]


def compute_terms(
    model: torch.nn.Module, clips: TrackletClips, frames_per_chunk: int = FRAMES_PER_CHUNK
) -> TrackletTerms:
    """Compute the terms of a tracklet's feature, as a test computes the feature.

    Args:
        model: The model, in any mode; it is not changed.
        clips: The tracklet.
        frames_per_chunk: Frames that go through it at once.

    Raises:
        ValueError: If it is another kind of model, a term is not finite, or the clips lack the
            keypoints that it reads.
    """
    checked, values = check_model(model), []
    with undisturbed(checked), torch.no_grad():
        for rows in chunks_of(clips, frames_per_chunk):
            values.append(frame_terms(checked, *to_model(checked, clips, rows)).float().cpu())
    together = torch.cat(values)
    if not bool(torch.isfinite(together).all()):
        raise ValueError(
            f"the features of {clips.name} must be finite to be explained, got NaN or infinity: "
            "the weights are damaged"
        )
    return TrackletTerms(together, clips.weights, clips.frames)
