"""Grad-CAM of all clips of a tracklet (Fig. 8a)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mmctl.explanations.layer_outputs import find_layers, recorded
from mmctl.explanations.places import to_places
from mmctl.explanations.targets import Target
from mmctl.explanations.tracklet_terms import (
    FRAMES_PER_CHUNK,
    TrackletClips,
    chunks_of,
    compute_terms,
    frame_terms,
    to_model,
)
from mmctl.explanations.undisturbed_model import check_model, undisturbed
from mmctl.functional.grad_cam import METHODS, UNITS, check_choice, grad_cam
from mmctl.models.video_reid import VideoReID

BACKBONE = "backbone"
"""The layer that is looked at unless another is named: the last map of the backbone."""


@dataclass(frozen=True)
class CamSettings:
    """How maps are made.

    Attributes:
        method: One of :data:`mmctl.functional.grad_cam.METHODS`.
        per: One weight per channel for a ``'clip'`` or for each ``'frame'``.
        eigen: First principal component instead of the sum over channels.
        num_extra_tokens: Tokens without a place; ``None``: those that the backbone says it has.
        frames_per_chunk: Frames that go through the network at once, at least one clip.

    Raises:
        ValueError: If a choice is unknown or a number negative.
    """

    method: str = "GradCAM"
    per: str = "clip"
    eigen: bool = False
    num_extra_tokens: int | None = None
    frames_per_chunk: int = FRAMES_PER_CHUNK

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        check_choice("per", self.per, UNITS)
        if self.num_extra_tokens is not None and self.num_extra_tokens < 0:
            raise ValueError(f"num_extra_tokens must be 0 or more, got {self.num_extra_tokens}")

    def count_extra_tokens(self, model: nn.Module, output: Tensor) -> int:
        """Return how many tokens of an output have no place."""
        if self.num_extra_tokens is not None or output.dim() != 3:
            return self.num_extra_tokens or 0
        return int(getattr(model.backbone, "num_extra_tokens", 0) or 0)


@dataclass(frozen=True)
class ClipMaps:
    """Maps of one layer for all clips of a tracklet.

    Attributes:
        layer: Name of the layer.
        maps: (M, T, h, w) float32, nothing below 0, on one scale: the larger, the more a place
            speaks for the target.
        frames: Which frame of the tracklet each is, (M, T).
        value: The target's value.
    """

    layer: str
    maps: npt.NDArray[np.float32]
    frames: npt.NDArray[np.int64]
    value: float

    def in_time_order(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the numbers of the distinct frames, (S,), and their maps, (S, h, w).

        A frame that is several times in the clips, to fill one, has the mean of its maps.
        """
        numbers, places = np.unique(self.frames.ravel(), return_inverse=True)
        sums = np.zeros((len(numbers), *self.maps.shape[2:]))
        np.add.at(sums, places.reshape(-1), self.maps.reshape(-1, *self.maps.shape[2:]))
        counts = np.bincount(places.reshape(-1))
        return numbers, (sums / counts[:, None, None]).astype(np.float32)


def map_clips(
    model: nn.Module,
    clips: TrackletClips,
    target: Target,
    layers: Sequence[str] = (BACKBONE,),
    settings: CamSettings | None = None,
) -> list[ClipMaps]:
    """Map where layers speak for a target, in all clips of a tracklet.

    The target is a function of the tracklet's feature, the mean over its clips. Its gradient with
    respect to that mean is taken first; then one backward of as many clips as go through the
    network at once gives the gradients of all layers. That is the gradient of the target itself,
    however long the tracklet is.

    Args:
        model: The model, in any mode; modes, gradients and hooks are afterwards as before.
        clips: The tracklet.
        target: What to explain, of :mod:`mmctl.explanations.targets`.
        layers: Names of layers.
        settings: How; ``None``: Grad-CAM as published.

    Returns:
        The maps of each layer, in the order of ``layers``.

    Raises:
        ValueError: If there is no such layer, no gradient reaches it, its output has no places, or
            the target does not depend on the feature.
    """
    checked, chosen = check_model(model), settings or CamSettings()
    modules = find_layers(checked, layers)
    terms = compute_terms(checked, clips, chosen.frames_per_chunk)
    totals = terms.total().requires_grad_()
    with torch.enable_grad():
        value = target(totals)
        (gradient,) = torch.autograd.grad(value, totals)
    if gradient.norm() * totals.detach().norm() <= 1e-9 * value.detach().abs().clamp(min=1e-9):
        raise ValueError(
            f"the target must change with the feature of {clips.name} to be mapped, but its "
            "gradient is 0: is a tracklet compared with itself?"
        )
    maps: dict[str, list[Tensor]] = {name: [] for name in modules}
    with undisturbed(checked):
        for rows in chunks_of(clips, chosen.frames_per_chunk):
            for name, made in _map_chunk(checked, clips, rows, gradient, modules, chosen).items():
                maps[name].append(made)
    return [
        ClipMaps(name, torch.cat(maps[name]).numpy(), clips.frames, float(value.detach()))
        for name in layers
    ]


def _map_chunk(
    model: VideoReID,
    clips: TrackletClips,
    rows: slice,
    gradient: Tensor,
    modules: dict[str, nn.Module],
    settings: CamSettings,
) -> dict[str, Tensor]:
    """Return the maps of some clips by layer, (B, T, h, w) each, on the CPU."""
    inputs, stored = to_model(model, clips, rows)
    with recorded(modules) as outputs:
        values = frame_terms(model, inputs, stored)
    weights = clips.weights[rows, None, None, None].to(values.device) / inputs.shape[1]
    # What the target gains from these clips, to first order: its gradient is the target's.
    gained = (weights * values.double() * gradient.to(values.device)).sum()
    size: Any = tuple(inputs.shape[-2:])
    found = {}
    for (name, output), slope in zip(outputs.items(), _slopes(gained, outputs), strict=True):
        extra = settings.count_extra_tokens(model, output)
        kept, steep = (
            to_places(tensor, name, (len(inputs), inputs.shape[1]), size, extra)
            for tensor in (output.detach(), slope)
        )
        made = grad_cam(
            kept.float(), steep.float(), method=settings.method, per=settings.per,
            eigen=settings.eigen,
        )  # fmt: skip
        found[name] = made.cpu()
    for name in modules:
        if name not in found:
            raise ValueError(f"layer {name!r} must run to be mapped, but the model never calls it")
    return found


def _slopes(gained: Tensor, outputs: dict[str, Tensor]) -> list[Tensor]:
    slopes: Sequence[Tensor | None] = [None] * len(outputs)
    if gained.requires_grad and outputs:
        slopes = torch.autograd.grad(gained, list(outputs.values()), allow_unused=True)
    for name, slope in zip(outputs, slopes, strict=True):
        if slope is None:
            raise ValueError(
                f"no gradient reaches layer {name!r}, because the target does not depend on its "
                "output or it lies in a frozen estimator: take a layer of the backbone"
            )
    return [slope for slope in slopes if slope is not None]
