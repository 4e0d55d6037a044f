"""Which model made a feature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

# What is in the weights already, or only says where they came from.
_WITHOUT_EFFECT = ("init_cfg", "checkpoint", "losses")


def hash_model(
    model: nn.Module, cfg: Mapping[str, Any], pipeline: Sequence[Mapping[str, Any]], amp: bool
) -> str:
    """Return the SHA-256 of all that makes features differ: those of two models never mix.

    Args:
        model: The model with its weights, those of a frozen estimator in it included.
        cfg: Its config.
        pipeline: Configs of the transforms.
        amp: Whether it runs in mixed precision.
    """
    digest = hashlib.sha256()
    state = dict(model.state_dict())
    for name, module in model.named_modules():
        optional: dict[str, Any] = getattr(module, "optional_state", dict)()
        state |= {f"{name}.{key}": value for key, value in optional.items()}
    for name, value in sorted(state.items()):
        array = value.detach().cpu().contiguous()
        digest.update(f"{name} {array.dtype} {tuple(array.shape)}\n".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
    described = _plain(cfg)
    if name_feature(model):
        # As it is now, whatever the config says.
        described["head"] = {**described.get("head", {}), "test_feature": name_feature(model)}
    content = [described, [_plain(step) for step in pipeline], amp]
    digest.update(json.dumps(content, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def name_feature(model: nn.Module) -> str:
    """Return which of its head's features a model gives, as ``before``; '' if it has one."""
    return str(getattr(getattr(model, "head", None), "test_feature", ""))


def choose_feature(model: Any, feature: str) -> None:
    """Take another feature of a model's head from now on.

    Args:
        model: The model, or the graph of one, which has the choice behind it.
        feature: ``'before'`` or ``'after'`` the neck, see
            :class:`~mmctl.models.heads.fusion_head.FusionHead`.

    Raises:
        ValueError: If the head has no such choice.
    """
    head: Any = getattr(model, "head", model)
    if not hasattr(head, "choose_test_feature"):
        raise ValueError(
            f"a feature {feature} the neck needs a head that has both, as FusionHead, got a "
            f"{type(head).__name__}"
        )
    head.choose_test_feature(feature)


def describe_model(
    model: nn.Module, cfg: Mapping[str, Any], pipeline: Sequence[Mapping[str, Any]], amp: bool
) -> dict[str, str]:
    """Return what a file of features says of its model: its hash, and which feature it is.

    Args:
        model: As for :func:`hash_model`.
        cfg: As for :func:`hash_model`.
        pipeline: As for :func:`hash_model`.
        amp: As for :func:`hash_model`.
    """
    return {"model": hash_model(model, cfg, pipeline, amp), "feature": name_feature(model)}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if k not in _WITHOUT_EFFECT}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
