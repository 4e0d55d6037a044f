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
    content = [_plain(cfg), [_plain(step) for step in pipeline], amp]
    digest.update(json.dumps(content, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if k not in _WITHOUT_EFFECT}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
