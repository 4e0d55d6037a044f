"""Schedules of a run that goes on: those of its config, at the place of the checkpoint."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmctl.engine.resume.resume_check import is_number
from mmctl.files import shorten


def drop_callables(states: Any) -> Any:
    """Return the states of schedulers without functions, which no reader would restore.

    The constructor of ``OneCycleLR`` sets its own again.

    Args:
        states: A list of states, or a dict of such lists.
    """
    if isinstance(states, dict):
        return {name: drop_callables(state) for name, state in states.items()}
    return [{key: v for key, v in state.items() if not callable(v)} for state in states]


def compare_schedulers(
    own: Sequence[Any], stored: Sequence[Mapping[str, Any]], runner: Runner, meta: Mapping[str, Any]
) -> list[str]:
    """Return what differs between the schedulers of a config and those of a checkpoint.

    Args:
        own: The schedulers of the run, as its config built them.
        stored: Their states in the checkpoint.
        runner: The runner that goes on.
        meta: ``meta`` of the checkpoint, with ``epoch`` and ``iter``.
    """
    if len(own) != len(stored):
        names = ", ".join(type(scheduler).__name__ for scheduler in own) or "none"
        return [f"param_scheduler of {len(stored)} schedules -> {len(own)} ({names})"]
    changes = []
    for index, (scheduler, state) in enumerate(zip(own, stored, strict=True)):
        now, name = _plain_state(scheduler), f"param_scheduler[{index}]"
        settings = {"base_values", *settings_of(scheduler)} & now.keys()
        if now.keys() - state.keys():
            others = ", ".join(sorted(shorten(key) for key in state.keys() - now.keys())[:5])
            changes.append(f"{name} one with {others or 'less'} -> {type(scheduler).__name__}")
            continue
        changes += [
            f"{name}.{key} {short(state[key])} -> {short(now[key])}"
            for key in sorted(settings)
            if not are_same(state[key], now[key])
        ]
        steps = meta["epoch" if scheduler.by_epoch else "iter"]
        counts = not scheduler.by_epoch or isinstance(runner.train_loop, EpochBasedTrainLoop)
        counts &= not needs_validations(scheduler)
        if counts and not are_same(state["_global_step"], steps):
            changes.append(f"{name} after {shorten(state['_global_step'])} steps -> {steps}")
    return changes


def needs_validations(scheduler: Any) -> bool:
    """Return whether a scheduler's values depend on the numbers of all validations before."""
    return getattr(scheduler, "need_val_args", False)


def replay(
    runner: Runner, wrapper: OptimWrapper, schedulers: Sequence[Any], meta: Mapping[str, Any]
) -> None:
    """Step schedulers as often as those of a run are that is at the place of a checkpoint.

    Args:
        runner: The runner that goes on.
        wrapper: The optimizer of the schedulers.
        schedulers: As the config built them; they and the optimizer's groups change.
        meta: ``meta`` of the checkpoint, with ``epoch`` and ``iter``.
    """
    iters = meta["iter"]
    epochs = meta["epoch"] if isinstance(runner.train_loop, EpochBasedTrainLoop) else 0
    length = len(runner.train_dataloader)
    if not epochs * length <= iters < (epochs + 1) * length:  # it had another batch before
        length = max(1, iters // max(1, epochs))
    by_epoch = [s for s in schedulers if s.by_epoch]
    by_iter = [s for s in schedulers if not s.by_epoch]
    wrapper._global_step = 0  # for MMEngine to see that the optimizer has made its steps
    for iteration in range(1, iters + 1):
        for scheduler in by_iter:
            scheduler.step()
        if iteration % length == 0 and iteration // length <= epochs:
            for scheduler in by_epoch:
                scheduler.step()
    for _ in range(epochs - min(epochs, iters // length)):
        for scheduler in by_epoch:
            scheduler.step()
    wrapper._global_step = -1


def check_counters(own: Sequence[Any], stored: Sequence[Mapping[str, Any]], filename: str) -> None:
    """Raise unless the counters and values of schedules are of the types that they have here.

    Args:
        own: The schedulers of the run.
        stored: Their states in the checkpoint.
        filename: What to call the checkpoint in the message.
    """
    for index, (scheduler, state) in enumerate(zip(own, stored, strict=True)):
        for key, value in _plain_state(scheduler).items():
            if not _is_like(state[key], value):
                raise ValueError(
                    f"checkpoint {filename!r} cannot be gone on from: its "
                    f"param_schedulers[{index}].{key} must be like {shorten(value)}, got "
                    f"{shorten(state[key])}"
                )


def _is_like(value: Any, example: Any) -> bool:
    if example is None:
        return True
    if isinstance(example, (list, tuple)):
        fits = isinstance(value, (list, tuple)) and len(value) == len(example)
        return fits and all(map(_is_like, value, example))
    if type(example) in (int, float):
        return is_number(value) and (type(example) is float or type(value) is int)
    return type(value) is type(example)


def _plain_state(scheduler: Any) -> dict[str, Any]:
    return {key: value for key, value in scheduler.state_dict().items() if not callable(value)}


def settings_of(component: Any) -> set[str]:
    """Return the names of what a component's constructors take: its config, not its state."""
    names: set[str] = set()
    for kind in type(component).__mro__[:-1]:
        if "__init__" in vars(kind):
            names |= set(inspect.signature(vars(kind)["__init__"]).parameters)
    return names - {"self", "args", "kwargs", "params", "optimizer", "last_step", "verbose"}


def are_same(before: Any, now: Any) -> bool:
    """Compare two settings; tuples may have become lists, numbers tensors."""
    if isinstance(before, Tensor) or isinstance(now, Tensor):
        return is_number(before) and is_number(now) and float(before) == float(now)
    if isinstance(before, (list, tuple)) and isinstance(now, (list, tuple)):
        return len(before) == len(now) and all(map(are_same, before, now))
    if isinstance(before, dict) and isinstance(now, dict):  # milestones
        return before.keys() == now.keys() and all(are_same(before[k], now[k]) for k in now)
    return type(before) in (int, float, bool, str, type(None)) and before == now


def short(value: Any) -> str:
    """Return a setting for a message."""
    if is_number(value) and not isinstance(value, int):
        return f"{float(value):.5g}"
    return shorten(dict(value) if isinstance(value, dict) else value)
