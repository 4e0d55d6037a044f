"""A model as it is when it predicts, but with gradients, and afterwards as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import nn

from mmctl.models.heads.fusion_head import FusionHead
from mmctl.models.video_reid import VideoReID


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Explain a model without changing it.

    Within the block gradients are on whatever is around it, mixed precision is off, all modules
    are in eval mode and no parameter asks for a gradient: only what lies behind a layer that is
    looked at is kept for the backward. Afterwards modes and parameters are what they were, also
    after an error; ``.grad`` is never touched.

    Args:
        model: The model.
    """
    modes = [(module, module.training) for module in model.modules()]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    device = next(model.parameters(), torch.zeros(1)).device
    try:
        model.eval()
        for parameter in trained:
            parameter.requires_grad_(False)
        with torch.enable_grad(), torch.autocast(device_type=device.type, enabled=False):
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        for parameter in trained:
            parameter.requires_grad_(True)


def check_model(model: nn.Module) -> VideoReID:
    """Return a model that can be explained.

    Raises:
        ValueError: If it is none: its feature must be a sum over parts and frames.
    """
    head = getattr(model, "head", None)
    if not isinstance(model, VideoReID) or not isinstance(head, FusionHead):
        raise ValueError(
            "explanations need a VideoReID with a FusionHead, whose feature is a sum over parts "
            f"and frames, got a {type(model).__name__} with a {type(head).__name__}"
        )
    if len(head.retrieval.widths) > 1:
        raise ValueError(
            "explanations split a feature that is one sum, but this model retrieves with "
            f"{' and '.join(head.retrieval.widths)}; set head.test_branches to one of them"
        )
    return model


def head_of(model: VideoReID) -> FusionHead:
    """Return the head of a checked model."""
    return cast(FusionHead, model.head)
