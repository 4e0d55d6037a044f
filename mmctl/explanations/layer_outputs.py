"""The output of a named layer, taken so that a gradient with respect to it exists."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

_WITHOUT_PLACES = ("neck", "graph_head", "head", "data_preprocessor")
_SHOWN = 8


def find_layers(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """Return layers by name.

    Args:
        model: The model.
        names: As ``named_modules`` has them, for example ``'backbone.layer4'``.

    Raises:
        ValueError: If there is none of a name (layers like it are listed), or it lies behind the
            pooling, where features have no places any more.
    """
    layers = {name: module for name, module in model.named_modules() if name}
    found = {}
    for name in names:
        if name not in layers:
            raise ValueError(
                f"layer {name!r} must be one of the model (--preview-model lists them all); like "
                f"it are {', '.join(_similar(name, list(layers)))}"
            )
        if name.partition(".")[0] in _WITHOUT_PLACES:
            raise ValueError(
                f"layer {name!r} must be one with places of a frame to be mapped, but it lies "
                "behind the pooling: take one of the backbone"
            )
        found[name] = layers[name]
    return found


def _similar(name: str, known: list[str]) -> list[str]:
    """Return names like one: its neighbours where the beginning is right, else the closest."""
    parent, _, last = name.rpartition(".")
    while parent and parent not in known:
        parent, _, last = parent.rpartition(".")
    start = f"{parent}." if parent else ""
    siblings = [n for n in known if n.startswith(start) and "." not in n[len(start) :]]
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.6)
    beside = difflib.get_close_matches(start + last, siblings, n=_SHOWN, cutoff=0.0)
    return list(dict.fromkeys([*near, *beside]))[:_SHOWN]


@contextmanager
def recorded(layers: dict[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """Keep the outputs of layers within the block, the last one of a layer that runs repeatedly.

    A layer whose output has no gradient, as behind frozen parameters, gets one from there on.
    What runs behind it works on a copy: a rectifier that writes in place would otherwise change
    what is kept.

    Args:
        layers: The layers by name.

    Yields:
        Outputs by name, filled as the model runs.

    Raises:
        ValueError: If a layer gives no floating-point tensor.
    """
    outputs: dict[str, Tensor] = {}
    handles = []
    try:
        for name, layer in layers.items():
            handles.append(layer.register_forward_hook(_keeper(name, outputs)))
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def _keeper(name: str, outputs: dict[str, Tensor]) -> Any:
    def keep(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        several = isinstance(output, (tuple, list))
        last = output[-1] if several and len(output) else output
        if not isinstance(last, Tensor) or not last.is_floating_point():
            raise ValueError(
                f"layer {name!r} must give a tensor of numbers to be mapped, got a "
                f"{type(last).__name__}"
            )
        kept = last if last.requires_grad else last.detach().requires_grad_()
        outputs[name] = kept
        return type(output)([*output[:-1], kept.clone()]) if several else kept.clone()

    return keep
