"""Weights of a checkpoint against the model that takes them: names, shapes, kinds and values.

MMEngine logs what does not fit and goes on with random weights in its place.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from mmengine.model import BaseTTAModel, is_model_wrapper
from torch import Tensor, nn

from mmctl.files import shorten

NUM_SHOWN = 3
_LONGEST_KEY = 120


def check_state_dict(
    model: nn.Module,
    checkpoint: Mapping[str, Any],
    filename: str,
    *,
    allow: Sequence[str] = (),
) -> None:
    """Raise unless the checkpoint has exactly the model's keys, with values that fit.

    Counters of batch norm (``num_batches_tracked``) may be missing, as they may for MMEngine; so
    may the whole of what a module names in ``optional_state()``, for instance a frozen pose
    estimator's weights, unless its ``has_weights`` says that it has none yet.

    Args:
        model: The model that is about to be loaded, wrapped for distributed training or not.
        checkpoint: A loaded checkpoint with ``state_dict``, or the state dict itself.
        filename: What to call the checkpoint in the message.
        allow: Prefixes of keys that may differ, for loading a part on purpose.

    Raises:
        ValueError: If there is no state dict, or outside ``allow`` keys, shapes or kinds of values
            differ, or values are not finite where the model's are.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = cast(nn.Module, model.module)
    saved = read_weights(checkpoint, filename)
    wanted = dict(model.state_dict())
    for name, module in model.named_modules():
        optional: Mapping[str, Any] = getattr(module, "optional_state", dict)()
        state = {f"{name}.{key}".lstrip("."): value for key, value in optional.items()}
        if saved.keys() & state.keys() or not getattr(module, "has_weights", True):
            wanted |= state
    if not saved.keys() & wanted.keys():
        raise ValueError(
            f"checkpoint {filename!r} has no key in common with {type(model).__name__}, so the "
            f"model would keep random weights: it has {_first(saved)}, the model needs "
            f"{_first(wanted)}{_hint(saved, wanted) or '. It is of another model'}"
        )
    missing = [key for key in wanted.keys() - saved.keys() if "num_batches_tracked" not in key]
    found = {
        **find_misfits(saved, wanted),
        "missing from the checkpoint": {key: f" {_shape(wanted[key])}" for key in missing},
        "unknown to the model": {
            key: f" {_shape(saved[key])}" for key in saved.keys() - wanted.keys()
        },
    }
    faults = _describe(found, tuple(allow))
    if faults:
        raise ValueError(
            f"checkpoint {filename!r} does not fit {type(model).__name__}: {faults}. "
            "Use the config it was trained with; to load only a part on purpose, list the key "
            "prefixes that may differ as `allow` of CheckpointMatchHook in custom_hooks, "
            "for example allow=('head.classifiers',)"
        )


def load_fitting(
    module: nn.Module,
    checkpoint: Any,
    filename: str,
    *,
    prefix: str | None = None,
    allow: Sequence[str] = (),
) -> list[str]:
    """Load weights into a component, all of it.

    What the checkpoint has beyond it, such as a classifier, is left; buffers of whole numbers may
    be missing, because they are counted or computed and not learned. Modules may adapt the weights
    as they load, for instance resize an embedding.

    Args:
        module: The component.
        checkpoint: A loaded checkpoint with ``state_dict``, or the state dict itself.
        filename: What to call the checkpoint in the message.
        prefix: Take the keys that begin so, without it.
        allow: Prefixes of keys of the component that may be missing or of another shape, and keep
            their values.

    Returns:
        The keys of the checkpoint, below the prefix, that the component does not have.

    Raises:
        ValueError: If weights of the component are missing or of another shape or kind, or are not
            finite; with a hint where they lie.
    """
    weights, own = read_weights(checkpoint, filename), dict(module.state_dict())
    below = _select(weights, prefix)
    allowed = tuple(allow)
    faults = find_misfits(below, own)
    shapes = faults.pop("of another shape")  # which the module may adapt
    state = {key: v for key, v in below.items() if key not in shapes or not key.startswith(allowed)}
    missing, unknown = [], []
    if not any(faults.values()):
        try:
            missing, unknown = module.load_state_dict(OrderedDict(state), strict=False)
        except RuntimeError as error:
            faults["of another shape"] = shapes or {str(error).splitlines()[-1].strip(): ""}
    learned = [
        key
        for key in missing
        if not isinstance(own.get(key), Tensor) or own[key].is_floating_point()
    ]
    faults["missing"] = {key: f" {_shape(own.get(key))}" for key in learned}
    text = _describe(faults, allowed)
    if text or not below.keys() & own.keys():
        num, name = len(own.keys() & below.keys()), type(module).__name__
        where = f" below prefix={prefix!r}" if prefix else ""
        if 2 * num < len(own):
            where += f". It has {_first(weights)}; needed are {_first(own)}{_hint(weights, own)}"
        raise ValueError(
            f"checkpoint {filename!r} does not fit {name}, which would keep random weights: "
            f"{text if num else 'no key in common'}; {num} of {len(own)} keys are there{where}"
        )
    return list(unknown)


def _select(weights: dict[str, Any], prefix: str | None) -> dict[str, Any]:
    if not prefix:
        return weights
    start = prefix if prefix.endswith(".") else f"{prefix}."
    return {k.removeprefix(start): value for k, value in weights.items() if k.startswith(start)}


def read_weights(checkpoint: object, filename: str) -> dict[str, Any]:
    """Return the weights of a checkpoint by name, without the prefix of a wrapper.

    Args:
        checkpoint: A loaded checkpoint with ``state_dict``, or the state dict itself.
        filename: What to call the checkpoint in the message.

    Raises:
        ValueError: If it is no dict of weights by name, or has a name with and without the prefix.
    """
    weights, name = checkpoint, "checkpoint"
    if isinstance(checkpoint, Mapping) and "state_dict" in checkpoint:
        weights, name = checkpoint["state_dict"], "state_dict of checkpoint"
    if not isinstance(weights, Mapping) or not all(isinstance(key, str) for key in weights):
        raise ValueError(
            f"{name} {filename!r} must be a dict of weights by name to fit a model, "
            f"got {_describe_value(weights)}"
        )
    versions = getattr(weights, "_metadata", None) or {}  # of modules, which torch asks for
    if not isinstance(versions, Mapping) or not all(
        isinstance(own, Mapping) and isinstance(own.get("version", 1), (int, type(None)))
        for own in versions.values()
    ):
        raise ValueError(
            f"{name} {filename!r} must have versions of modules that are whole numbers, got "
            f"{shorten(versions)}"
        )
    bare = {key.removeprefix("module."): value for key, value in weights.items()}
    if len(bare) < len(weights):
        twice = next(key for key in weights if f"module.{key}" in weights)
        raise ValueError(
            f"{name} {filename!r} must have each weight once, got {twice[:_LONGEST_KEY]!r} with "
            "and without 'module.' before it"
        )
    return bare


def find_misfits(saved: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what is wrong with the values that both sides have, by kind of fault and by key.

    Args:
        saved: Weights of a checkpoint.
        wanted: Weights of the model.
    """
    kinds, shapes, values = {}, {}, {}
    for key in [key for key in wanted if key in saved]:
        old, new = describe_kind(saved[key]), describe_kind(wanted[key])
        sides = " is {} in the checkpoint and {} in the model"
        if old != new:
            kinds[key] = sides.format(old, new)
        elif _shape(saved[key]) != _shape(wanted[key]):
            shapes[key] = sides.format(_shape(saved[key]), _shape(wanted[key]))
        elif _has_broken_values(saved[key]) and not _has_broken_values(wanted[key]):
            count = int((~saved[key].isfinite()).sum())
            values[key] = f" with {count} of {saved[key].numel()}"
    return {"of another kind": kinds, "of another shape": shapes, "not finite": values}


def describe_kind(value: object) -> str:
    """Return what a value is, in words that are the same only for what can stand for each other.

    Floats of 8 bits need a scale beside them to mean anything.

    Args:
        value: A weight.
    """
    if not isinstance(value, Tensor):
        return f"a {type(value).__module__}.{type(value).__name__}".replace("builtins.", "")[:80]
    if value.is_nested:
        return "a nested tensor"
    if value.is_quantized:
        return "a quantised tensor"
    if value.layout is not torch.strided:
        return f"a {str(value.layout).removeprefix('torch.')} tensor"
    if value.is_meta:
        return "a meta tensor, which has no values"
    if value.is_floating_point() and value.dtype.itemsize > 1:
        return "floats"
    if value.is_complex():
        return "complex numbers"
    whole = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    names = {torch.bool: "truth values", **dict.fromkeys(whole, "whole numbers")}
    return names.get(value.dtype, str(value.dtype))


def _has_broken_values(value: object) -> bool:
    return (
        isinstance(value, Tensor) and value.dtype.is_floating_point and not value.isfinite().all()
    )


def _describe(faults: Mapping[str, Mapping[str, str]], allowed: tuple[str, ...]) -> str:
    kept = {
        fault: sorted(_shown(key) + keys[key] for key in keys if not key.startswith(allowed))
        for fault, keys in faults.items()
    }
    return "; ".join(
        f"{len(texts)} {fault}: {_first(texts)}" for fault, texts in kept.items() if texts
    )


def _hint(saved: Mapping[str, Any], wanted: Collection[str]) -> str:
    """Return where the weights lie if their keys do not begin as the model's do."""
    for key, value in saved.items():
        if isinstance(value, Mapping) and any(isinstance(v, Tensor) for v in value.values()):
            return (
                f". Its weights lie under {key[:_LONGEST_KEY]!r}: save them by themselves, "
                f"torch.save(torch.load(FILE)[{key[:_LONGEST_KEY]!r}], NEW_FILE)"
            )
    before = _common_prefix(saved, wanted)
    if before:
        return f". They lie under a prefix: with init_cfg, add prefix={before!r}"
    inside = _common_prefix(wanted, saved)
    if inside:
        return f". They are those of its part {inside!r}: give init_cfg to that part"
    return ""


def _common_prefix(longer: Iterable[str], shorter: Collection[str]) -> str | None:
    """Return what stands before most of the keys that are alike otherwise."""
    counts: Counter[str] = Counter()
    for key in longer:
        head, dot, tail = key.partition(".")
        while dot:
            if tail in shorter:
                counts[head] += 1
            more, dot, tail = tail.partition(".")
            head = f"{head}.{more}"
    return max(counts, key=lambda prefix: counts[prefix])[:_LONGEST_KEY] if counts else None


def _describe_value(value: object) -> str:
    if isinstance(value, Mapping):
        key = next(k for k in value if not isinstance(k, str))
        return f"a dict with keys such as {shorten(key)}"
    shape = _shape(value)
    return f"a {type(value).__name__}" + (f" of shape {shape}" if type(shape) is tuple else "")


def _shape(value: object) -> tuple[int, ...] | str:
    if isinstance(value, Tensor) and value.is_nested:
        return "nested"
    shape = getattr(value, "shape", None)
    return tuple(shape) if isinstance(shape, (tuple, torch.Size)) else type(value).__name__


def _first(keys: Iterable[str]) -> str:
    shown = [_shown(key, 2 * _LONGEST_KEY) for key in list(keys)]
    text = ", ".join(shown[:NUM_SHOWN])
    return f"{text}, ..." if len(shown) > NUM_SHOWN else text or "no keys"


def _shown(key: str, length: int = _LONGEST_KEY) -> str:
    return key[:length] if key.isprintable() else repr(key[:length])
