"""What a checkpoint must hold for a run to go on from it."""

from __future__ import annotations

import logging
import math
import numbers
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, cast

import torch
from mmengine.hooks import EMAHook
from mmengine.logging import HistoryBuffer, print_log
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer, SparseAdam

from mmctl.checkpoints.weight_match import check_state_dict, describe_kind
from mmctl.files import shorten

MAX_STEPS = 10**7
"""Most epochs or iterations that a run may have done: its schedules may be played again."""

_HUB = ("log_scalars", "runtime_info", "resumed_keys")
_PATHS = ("last_ckpt", "best_ckpt")


def check_resumable(checkpoint: Mapping[str, Any], filename: str) -> None:
    """Raise unless the checkpoint says where the run stopped.

    MMEngine fails on some of it with a bare KeyError and goes on without the rest, with a fresh
    optimizer.

    Args:
        checkpoint: What was read from the file.
        filename: What to call the checkpoint in the message.

    Raises:
        ValueError: If epoch, iteration, optimizer or log history are missing or something else.
    """
    meta = checkpoint.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    lacking = [f"meta.{key}" for key in ("epoch", "iter") if key not in meta]
    needed = ["optimizer", "message_hub"]
    lacking += [key for key in needed if key not in checkpoint]
    if lacking:
        kind = "holds weights only" if len(lacking) == 2 + len(needed) else "is incomplete"
        raise ValueError(
            f"checkpoint {filename!r} {kind}: to resume a run it must have {', '.join(lacking)} "
            "too. To start a new run from its weights, use load_from (--cfg-options "
            f"load_from={filename}) instead of --resume"
        )
    for key in ("epoch", "iter"):
        fits = type(meta[key]) is int and 0 <= meta[key] <= MAX_STEPS
        rule = f"a whole number from 0 to {MAX_STEPS:,}"
        _require(fits, filename, f"meta.{key}", rule, meta[key])
    seed = meta.get("seed")
    fits = seed is None or (type(seed) is int and 0 <= seed < 2**32)
    _require(fits, filename, "meta.seed", "None or a whole number below 2**32", seed)
    _check_message_hub(checkpoint["message_hub"], filename)


def _check_message_hub(hub: Any, filename: str) -> None:
    """Raise unless the log histories and the state of MMEngine's hooks are as they write them."""
    rule = f"a dict of the dicts {', '.join(_HUB)}"
    fits = isinstance(hub, dict) and all(_is_named(hub.get(key)) for key in _HUB)
    _require(fits, filename, "message_hub", rule, hub)
    for name, value in hub["log_scalars"].items():
        entry = f"message_hub.log_scalars[{shorten(name)}]"
        _require(isinstance(value, HistoryBuffer), filename, entry, "a log history", value)
    for name, value in hub["resumed_keys"].items():
        entry = f"message_hub.resumed_keys[{shorten(name)}]"
        _require(isinstance(value, bool), filename, entry, "True or False", value)
        # MMEngine saves what is to be resumed; the others' names alone stand here.
        is_saved = name in hub["log_scalars"] or name in hub["runtime_info"]
        rule = "True, because what it names is saved"
        _require(value or not is_saved, filename, entry, rule, value)
    for name, value in hub["runtime_info"].items():
        entry = f"message_hub.runtime_info[{shorten(name)}]"
        if name.startswith(_PATHS):
            fits = value is None or isinstance(value, str)
            _require(fits, filename, entry, "a path or None", value)
        elif name.startswith("best_score"):
            _require(is_number(value), filename, entry, "a number", value)
        elif name == "keep_ckpt_ids":
            fits = isinstance(value, (list, tuple)) and all(type(item) is int for item in value)
            _require(fits, filename, entry, "a list of whole numbers", value)


def _is_named(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def is_number(value: object) -> bool:
    """Return whether a value is a real number, or a tensor of one."""
    if isinstance(value, Tensor):
        return value.numel() == 1 and describe_kind(value) in ("floats", "whole numbers")
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _require(fits: bool, filename: str, entry: str, rule: str, value: object) -> None:
    if not fits:
        raise ValueError(
            f"checkpoint {filename!r} cannot be gone on from: its {entry} must be {rule}, got "
            f"{shorten(value)}"
        )


def check_average(runner: Runner, checkpoint: Mapping[str, Any], filename: str) -> None:
    """Raise unless the averaged weights of ``EMAHook`` are whole, and the run averages too.

    Args:
        runner: The runner that goes on.
        checkpoint: What was read from the file.
        filename: What to call the checkpoint in the message.

    Raises:
        ValueError: If weights do not fit, or the run has no ``EMAHook``: what is called
            ``state_dict`` is the average then, and the optimizer's state is of other weights.
    """
    average = checkpoint.get("ema_state_dict")
    if average is None:
        return
    if not any(isinstance(hook, EMAHook) for hook in runner.hooks):
        raise ValueError(
            f"checkpoint {filename!r} is of a run with EMAHook: its state_dict holds the averaged "
            "weights: to go on, keep EMAHook in custom_hooks. To start a new run from the average, "
            f"use load_from (--cfg-options load_from={filename}) instead of --resume"
        )
    _require(_is_named(average), filename, "ema_state_dict", "a dict of weights by name", average)
    steps = average.get("steps")
    _require(is_number(steps), filename, "ema_state_dict.steps", "a number", steps)
    weights = {key: value for key, value in average.items() if key != "steps"}
    check_state_dict(runner.model, weights, f"{filename} (ema_state_dict)")


def check_optimizer(wrapper: OptimWrapper, stored: Any, was: str | None, filename: str) -> None:
    """Raise unless the state of an optimizer is of the same class and fits the parameters.

    Args:
        wrapper: The run's optimizer, as its config built it.
        stored: What the checkpoint has of it.
        was: Class of the optimizer that the checkpoint is of, None if it does not say.
        filename: What to call the checkpoint in the message.

    Raises:
        ValueError: If groups, entries or shapes differ; MMEngine fails in the first step, or not.
    """
    optimizer = wrapper.optimizer
    fits = isinstance(stored, dict) and isinstance(stored.get("state"), dict)
    groups = stored.get("param_groups") if fits else None
    fits = isinstance(groups, list) and all(
        _is_named(group) and isinstance(group.get("params"), list) for group in groups
    )
    _require(fits, filename, "optimizer", "a dict of state and param_groups", stored)
    kind, groups = type(optimizer).__name__, cast(list, groups)
    unknown, lacking = _compare_names(optimizer, groups)
    if (was is not None and was != kind) or (unknown and lacking):
        found = was or f"one with {', '.join(unknown)} and without {', '.join(lacking)}"
        raise ValueError(
            f"checkpoint {filename!r} cannot be gone on from with the optimizer {kind}: it is of "
            f"another, {found}, whose state means nothing to {kind}. Keep the optimizer of the "
            "run, or start a new run from its weights with load_from (--cfg-options "
            f"load_from={filename}) instead of --resume"
        )
    sizes = [[len(group["params"]) for group in side] for side in (groups, optimizer.param_groups)]
    if sizes[0] != sizes[1]:
        counts = [f"{sum(side)} parameters in {len(side)} groups" for side in sizes]
        raise ValueError(
            f"checkpoint {filename!r} cannot be gone on from: its optimizer has {counts[0]}, the "
            f"config's {counts[1]} (paramwise_cfg or the layers differ). Keep them, or "
            f"use load_from (--cfg-options load_from={filename}) instead of --resume"
        )
    places = [place for group in groups for place in group["params"]]
    fits = sorted(map(str, places)) == sorted(map(str, range(len(places))))
    _require(fits, filename, "optimizer.param_groups", "of the numbers of all parameters", places)
    for index, (own, group) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        rate = group.get("lr")
        fits = "lr" not in own or (is_number(rate) and 0 <= float(cast(float, rate)) < math.inf)
        rule = "a finite number, 0 or more"
        _require(fits, filename, f"optimizer.param_groups[{index}].lr", rule, rate)
    _check_states(optimizer, stored["state"], groups, filename)


def _compare_names(optimizer: Optimizer, groups: list[dict]) -> tuple[list[str], list[str]]:
    """Return the settings that only the stored groups have, and those that they lack.

    Versions of torch differ one way only.
    """
    stored = {key for group in groups for key in group if not key.startswith("initial_")}
    own = set(optimizer.param_groups[0]) | set(optimizer.defaults)
    return sorted(stored - own - {"momentum"})[:5], sorted(set(optimizer.defaults) - stored)[:5]


def _check_states(optimizer: Optimizer, states: dict, groups: list[dict], filename: str) -> None:
    expected: dict[tuple, dict[str, Any]] = {}
    for index, (own, group) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        for parameter, place in zip(own["params"], group["params"], strict=True):
            state = states.get(place, {})  # none of what has had no gradient yet
            entry = f"optimizer.state[{place}]"
            _require(_is_named(state), filename, entry, "a dict by name", state)
            key = (index, parameter.shape, parameter.dtype)
            if key not in expected:
                expected[key] = _try_step(optimizer, own, parameter)
            for name, wanted in expected[key].items() if state else ():
                at = f"{entry}.{name}"
                _require(name in state, filename, at, "there", f"only {', '.join(state)}")
                if isinstance(wanted, Tensor):
                    rule = f"finite {describe_kind(wanted)} of shape {tuple(wanted.shape)}"
                    _require(_is_alike(state[name], wanted), filename, at, rule, state[name])
    if not states and any(expected.values()):
        print_log(
            f"checkpoint {filename!r} has no state of any parameter: the optimizer begins anew",
            logger="current",
            level=logging.WARNING,
        )
    unknown = [
        place for place in states if place not in range(sum(len(g["params"]) for g in groups))
    ]
    _require(not unknown, filename, "optimizer.state", "of parameters of the model", unknown)


def _is_alike(value: object, wanted: Tensor) -> bool:
    if wanted.dim() == 0:  # a count of steps, which older torch stored as a number
        return is_number(value) and 0 <= float(cast(float, value)) < math.inf
    if not isinstance(value, Tensor) or describe_kind(value) != describe_kind(wanted):
        return False
    return value.shape == wanted.shape and bool(value.isfinite().all())


def _try_step(optimizer: Optimizer, group: dict, parameter: nn.Parameter) -> dict[str, Any]:
    """Return what an optimizer keeps for a parameter, by a step with one that is all zeros.

    Torch's own alone: others' steps may need more than a gradient, or talk to other processes.
    """
    kind = type(optimizer)
    if not kind.__module__.startswith("torch.optim.") or kind in (LBFGS, SparseAdam):
        return {}
    twin = object.__new__(kind)
    trial = nn.Parameter(torch.zeros_like(parameter))
    trial.grad = torch.zeros_like(trial)
    twin.__dict__ |= {**vars(optimizer), "state": defaultdict(dict)}
    twin.param_groups = [{**group, "params": [trial]}]
    twin.step()
    return dict(twin.state[trial])
