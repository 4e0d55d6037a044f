"""Compare the values of a component's config with the types that its class asks for."""

from __future__ import annotations

import collections.abc
import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from mmengine.evaluator import Evaluator
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim import OptimWrapper, _ParamScheduler
from mmengine.runner import BaseLoop, LogProcessor, Priority, Runner, get_priority
from mmengine.visualization import Visualizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset, Sampler

JUDGED_PACKAGES = ("mmctl", "mmengine", "torch")
"""Whose annotations say what is taken; those of other packages are often looser or wrong."""

BUILT = (
    *(BaseLoop, DataLoader, Dataset, Evaluator, Hook, LogProcessor, OptimWrapper, Optimizer),
    *(Sampler, Tensor, Visualizer, _ParamScheduler, nn.Module),
)
"""What a config has as a dict, if at all, where a class asks for it."""

_MODULES = re.compile(r"\b([A-Za-z_]\w*\.)+")

PLAIN = (bool, int, float, str, list, tuple, set, dict, types.NoneType)

LEAST_VALUES: dict[str, int] = {
    **{"max_epochs": 1, "max_iters": 1, "val_interval": 1, "val_begin": 0, "batch_size": 1},
    **{"num_workers": 0, "prefetch_factor": 1, "timeout": 0, "window_size": 1},
    **{"T_max": 1, "step_size": 1, "begin": 0, "base_batch_size": 1, "seed": 0},
}
"""The least value of what does nothing, or fails in the midst of a run, below it."""


def value_faults(path: str, target: Callable, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each value that a class or function cannot take.

    Args:
        path: Dotted path of the component in the config.
        target: The class or function that gets the values.
        values: Its arguments by name.
    """
    module = getattr(target, "__module__", None) or ""
    if module.partition(".")[0] not in JUDGED_PACKAGES:
        return
    hints = parameter_types(target)
    prefix = f"{path}." if path else ""
    for key, value in values.items():
        if key in hints and not _fits(value, hints[key], module.startswith("mmctl")):
            owner = getattr(target, "__name__", str(target))
            kind = _MODULES.sub("", inspect.formatannotation(hints[key]))
            yield f"{prefix}{key}: {owner} takes {kind}, got {value!r:.80}"
        else:
            yield from _number_faults(f"{prefix}{key}", key, value)
    begin, end = values.get("begin", 0), values.get("end")
    if all(isinstance(bound, (int, float)) for bound in (begin, end)) and end <= begin:
        yield f"{prefix}end: what begins at {begin} must end after it, got {end}"


def _number_faults(path: str, key: str, value: Any) -> Iterator[str]:
    if key in LEAST_VALUES and value is not None:
        if not isinstance(value, (int, float)) or value < LEAST_VALUES[key]:
            yield f"{path}: it must be a number from {LEAST_VALUES[key]} on, got {value!r}"
    elif key == "interval" and isinstance(value, (int, float)) and (value == 0 or value < -1):
        yield f"{path}: it must be positive, or -1 for never, got {value}"
    elif key == "priority":
        try:
            get_priority(value)
        except (KeyError, TypeError, ValueError):
            names = ", ".join(level.name for level in Priority)
            yield f"{path}: it must be a number from 0 to 100 or one of {names}, got {value!r}"


def initializers(target: Callable) -> list[Callable]:
    """Return what takes the arguments of a class, in the order in which they are handed on.

    Args:
        target: A class; a function stands for itself.
    """
    if not inspect.isclass(target):
        return [target]
    found = [vars(base)["__init__"] for base in target.__mro__ if "__init__" in vars(base)]
    if issubclass(target, CheckpointHook):  # hands its keywords to this method
        found = [*found[:-1], Runner.save_checkpoint]
    return found


@cache
def parameter_types(target: Callable) -> dict[str, Any]:
    """Return the types of the parameters of a class or function, where they can be told.

    Where a constructor passes ``**kwargs`` on, those of the next class in line count too.
    """
    found: dict[str, Any] = {}
    for initializer in initializers(target):
        try:
            parameters = inspect.signature(initializer).parameters.values()
        except ValueError:  # written in C
            break
        for parameter in parameters:
            hint = _resolve_hint(parameter.annotation, inspect.unwrap(initializer))
            if hint is not inspect.Parameter.empty and parameter.name not in found:
                found[parameter.name] = (hint, None) if parameter.default is None else (hint,)
        if all(parameter.kind != parameter.VAR_KEYWORD for parameter in parameters):
            break
    return {name: Union[hints] for name, hints in found.items()}  # noqa: UP007


def _resolve_hint(annotation: Any, owner: Callable) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        names = {**vars(collections.abc), **vars(typing), **getattr(owner, "__globals__", {})}
        return eval(annotation, names)
    except (NameError, AttributeError, TypeError):  # a name for type checkers only
        return inspect.Parameter.empty


def _fits(value: Any, hint: Any, is_ours: bool) -> bool:
    """Return whether a value may be what a type asks for; what cannot be told fits.

    MMEngine and torch are taken less literally than our own classes: 12.0 counts as an integer
    there, 1 as True and a text as a list of one.
    """
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if type(value) not in PLAIN:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, choice, is_ours) for choice in inner)
    if origin is Literal:
        return value in inner
    if origin in (list, tuple, Sequence, Collection, Iterable):
        if isinstance(value, str):
            return not is_ours
        kinds = (list, tuple, set) if origin in (Collection, Iterable) else (list, tuple)
        return isinstance(value, kinds) and _items_fit(value, origin, inner, is_ours)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(
            item is None or _fits(item, hint, is_ours)
            for item in value.values()
            for hint in inner[1:]
        )
    if origin in (bool, int, float, str, types.NoneType):
        return _is_plain(value, origin, is_ours)
    return not (inspect.isclass(origin) and issubclass(origin, BUILT)) or isinstance(value, dict)


def _items_fit(value: Collection[Any], origin: type, inner: tuple[Any, ...], is_ours: bool) -> bool:
    if not inner:
        return True
    if origin is tuple and inner[-1] is not Ellipsis:
        return len(value) == len(inner) and all(
            _fits(item, hint, is_ours) for item, hint in zip(value, inner, strict=True)
        )
    return all(_fits(item, inner[0], is_ours) for item in value)


def _is_plain(value: Any, kind: type, is_ours: bool) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        is_whole = type(value) is int or (isinstance(value, float) and value.is_integer())
        return is_whole and (type(value) is int or not is_ours)
    if kind is bool:
        return isinstance(value, bool) or (value in (0, 1) and not is_ours)
    return isinstance(value, kind)


def initializer_faults(path: str, init_cfg: Any) -> Iterator[str]:
    """Yield a line for each initializer of MMEngine that says not what it does.

    An override, ``model.backbone.init_cfg.checkpoint=FILE``, makes one where the base has none.

    Args:
        path: Dotted path of ``init_cfg`` in the config.
        init_cfg: A dict, a list of such, or None.
    """
    for item in init_cfg if isinstance(init_cfg, (list, tuple)) else [init_cfg]:
        if isinstance(item, Mapping) and "type" not in item:
            yield (
                f"{path}: an initializer must have a 'type', as 'Pretrained', got {dict(item)}; "
                "the base may have its own in a component further down, as backbone.backbone"
            )
