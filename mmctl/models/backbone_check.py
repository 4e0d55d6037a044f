"""What a backbone must give: a map of places whose channels the head was built for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

PROBE_SIZES = ((64, 32), (256, 128), (448, 224))
"""Sizes of the frame that a backbone is tried with, smallest first: some take no small ones."""

_PROBE_FRAMES = 4  # of the clip that one is tried with which sees clips


def run_backbone(
    backbone: nn.Module, frames: Tensor, num_frames: int = 1
) -> Tensor | dict[str, Tensor]:
    """Return the last feature map of frames.

    Args:
        backbone: The backbone.
        frames: (frames, 3, H, W).
        num_frames: Frames per clip, for a backbone that ``needs_clips``.

    Returns:
        (frames, channels, height, width), or the maps by name of a backbone with a tail.

    Raises:
        ValueError: If there is no such map, or the backbone was built for frames of another size
            and does not take these.
    """
    try:
        outputs = _call(backbone, frames, num_frames)
    except (AssertionError, RuntimeError) as error:
        built_for, given = getattr(backbone, "img_size", None), tuple(frames.shape[2:])
        is_full = isinstance(error, torch.OutOfMemoryError)
        if built_for is None or tuple(built_for) == given or is_full:
            raise
        raise ValueError(
            f"the backbone {type(backbone).__name__} was built for img_size={tuple(built_for)} and "
            f"does not take frames of {given}: set img_size={given} in its config ({error})"
        ) from error
    return last_map(backbone, outputs)


def _call(backbone: nn.Module, frames: Tensor, num_frames: int) -> Any:
    if getattr(backbone, "needs_clips", False):
        return backbone(frames, num_frames)
    return backbone(frames)


def last_map(backbone: nn.Module, outputs: Any) -> Tensor | dict[str, Tensor]:
    """Return the last feature map of a backbone.

    Args:
        backbone: The backbone, for the message.
        outputs: What it returned.

    Returns:
        (frames, channels, height, width), or such maps by name.

    Raises:
        ValueError: If there is no such map; the message has the key that gives one.
    """
    last = outputs[-1] if isinstance(outputs, (tuple, list)) and outputs else None
    if isinstance(last, dict) or (isinstance(last, Tensor) and last.dim() == 4):
        return last
    given = outputs if last is None else last
    shape = f" of shape {tuple(given.shape)}" if isinstance(given, Tensor) else ""
    raise ValueError(
        f"the backbone {type(backbone).__name__} must return a tuple whose last item is a "
        "feature map (frames, channels, height, width), because features are pooled over "
        f"places of a frame, got {'as last item ' if given is last else ''}a "
        f"{type(given).__name__}{shape}; {_describe_way_out(backbone)}"
    )


def check_width(features: Tensor | dict[str, Tensor], channels: int) -> None:
    """Raise unless a feature map has the channels that the head was built for.

    Args:
        features: Feature maps, (frames, C, h, w), or maps of clips by name, (B, T, C, h, w).
        channels: Channels of the head.

    Raises:
        ValueError: If it has others.
    """
    maps = features.values() if isinstance(features, dict) else [features]
    width = next((own.shape[-3] for own in maps if own.shape[-3] != channels), channels)
    if width != channels:
        raise ValueError(
            "head.channels (and graph_head.channels, or neck.channels with a BranchNeck) must be "
            f"those of the backbone's last map, {width}, got {channels}"
        )


@torch.no_grad()
def check_backbone(backbone: nn.Module, channels: int) -> None:
    """Try a backbone with one black frame, before data is read and a run begins.

    A backbone that takes no frame of :data:`PROBE_SIZES` is met at the first batch, with frames of
    the run's own size. Neither weights nor statistics nor random numbers change.

    Args:
        backbone: The backbone, on any device.
        channels: Channels of the head.

    Raises:
        ValueError: If its last output is no map of ``channels`` channels.
    """
    outputs = _try_out(backbone)
    if outputs is not None:
        check_width(last_map(backbone, outputs), channels)


def _try_out(backbone: nn.Module) -> Any:
    parameter = next(backbone.parameters(), torch.zeros(1))
    modes = [(module, module.training) for module in backbone.modules()]
    clips = getattr(backbone, "needs_clips", False)
    backbone.eval()
    try:
        with torch.random.fork_rng(devices=[]):
            for size in PROBE_SIZES:
                try:
                    frames = parameter.new_zeros(_PROBE_FRAMES if clips else 1, 3, *size)
                    return _call(backbone, frames, _PROBE_FRAMES)
                except Exception:  # what a class refuses, it says at the first batch
                    continue
    finally:
        for module, mode in modes:
            module.training = mode
    return None


def _describe_way_out(backbone: nn.Module) -> str:
    """Return the keys of a backbone's config that make it return a map."""
    if getattr(backbone, "gap_before_final_norm", False):
        return "set gap_before_final_norm=False in the backbone's config"
    if hasattr(backbone, "out_type"):
        return (
            "set out_type='featmap' in the backbone's config, since out_type="
            f"{backbone.out_type!r} has no places"
        )
    return (
        "mmpretrain's ConvNeXt gives maps with gap_before_final_norm=False, its vision "
        "transformers with out_type='featmap'"
    )
