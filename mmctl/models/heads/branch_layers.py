"""What each branch of a head has of its own: a batch norm and a classifier."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmctl.models.build_component import build_component


def build_norm(neck: str, channels: int) -> nn.BatchNorm1d:
    """Return a batch norm, whose shift stays at zero for ``'bnneck'`` (Luo et al. 2019).

    Args:
        neck: ``'bn'`` or ``'bnneck'``.
        channels: Channels of the clip feature.
    """
    norm = nn.BatchNorm1d(channels)
    norm.bias.requires_grad_(neck == "bn")
    return norm


def build_classifier(cfg: dict[str, Any] | None, channels: int, num_classes: int) -> nn.Module:
    """Return a classifier, ``LinearClassifier`` where its config has no type.

    Args:
        cfg: Its config.
        channels: Channels of the clip feature.
        num_classes: Identities.

    Raises:
        KeyError: If its type is not registered.
        TypeError: If it is no module or does not take what it is given.
    """
    default = "mmctl.LinearClassifier"
    return build_component(
        "head.classifier", cfg, default, channels=channels, num_classes=num_classes
    )
