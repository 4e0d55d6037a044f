"""Build a component of a head from the registry, with what the head gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from mmctl.registry import MODELS


def build_component(
    place: str, cfg: Mapping[str, Any] | None, default: str, **given: Any
) -> nn.Module:
    """Build a module from a config whose ``type`` has a default.

    Args:
        place: Where the config stands, for messages, as ``'graph_head.topology'``.
        cfg: The config, with or without ``type``; it is not changed.
        default: The type where the config names none.
        **given: Arguments that the owner gives.

    Raises:
        KeyError: If no module of this type is registered.
        TypeError: If it is no module, or does not take its arguments.
        ValueError: If the config sets what the owner gives.
    """
    cfg = {"type": default, **(cfg or {})}
    kind = cfg["type"] if isinstance(cfg["type"], str) else cfg["type"].__name__
    taken = sorted(set(cfg) & set(given))
    if taken:
        raise ValueError(
            f"{place} must not set {taken[0]!r}, because the head gives it {', '.join(given)}, "
            f"got {cfg[taken[0]]!r}"
        )
    try:
        module = MODELS.build({**cfg, **given})
    except TypeError as error:
        gives = f", and the head gives it {', '.join(given)}" if given else ""
        raise TypeError(
            f"{place}: {kind} must take the arguments of its config{gives}, but {error}"
        ) from error
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"{place}: {kind} must be a subclass of torch.nn.Module, because the head holds it "
            f"with its parameters, got a {type(module).__name__}"
        )
    return module
