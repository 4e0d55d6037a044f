"""Settings of a run that goes on: what its config says now, not what it said before."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmctl.engine.resume_check import check_optimizer, is_number
from mmctl.files import shorten

TYPES = "optimizer_types"
"""Key in ``meta`` of a checkpoint: class of each optimizer by name, one alone under ``''``."""

NUM_SHOWN = 6


class _Part(NamedTuple):
    """An optimizer of a run with its schedulers, and what a checkpoint has of them."""

    name: str
    wrapper: OptimWrapper
    schedulers: list[Any]
    stored: dict[str, Any]
    stored_schedulers: list[dict[str, Any]]


def describe_types(wrapper: Any) -> dict[str, str]:
    """Return the class of each optimizer by its name.

    Args:
        wrapper: ``optim_wrapper`` of a runner.
    """
    return {name: type(part.optimizer).__name__ for name, part in _split(wrapper).items()}


def follow_config(runner: Runner, checkpoint: dict[str, Any], filename: str) -> None:
    """Let the settings of the config count in a run that goes on.

    MMEngine takes those of the checkpoint for optimizer and schedules, without a word. Where any
    differs, the schedules are played again up to the place of the checkpoint, so that learning
    rates are those of a run that has had this config from its start, and a warning names what is
    new. Where none does, the checkpoint stays as it is.

    Args:
        runner: The runner that goes on; its optimizer and schedulers are built.
        checkpoint: What was read from the file; changed in place.
        filename: What to call the checkpoint in the message.

    Raises:
        ValueError: If the run is beyond its end, the optimizer is another one, its state does not
            fit, or a schedule that depends on the validations so far has changed.
    """
    _check_end(runner, checkpoint["meta"], filename)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    if runner.param_schedulers is not None:
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    changes: list[str] = []
    for part in _split_run(runner, checkpoint, filename):
        found = [*_compare_schedulers(part), *_compare_groups(part)]
        if found:
            before = _rates(part.stored["param_groups"])
            _replay(runner, part, checkpoint["meta"], found, filename)
            _take_over(part)
            now = _rates(part.stored["param_groups"])
            changes += [*found[:NUM_SHOWN], *(["..."] if len(found) > NUM_SHOWN else [])]
            changes.append(f"so lr goes on with {now} in place of {before}")
        else:
            _check_volatile(part, filename)
    if changes:
        print_log(
            f"The config differs from that of checkpoint {filename!r} (checkpoint -> config), and "
            "now counts as if the run had had it from its start: " + "; ".join(changes),
            logger="current",
            level=logging.WARNING,
        )


def _check_end(runner: Runner, meta: Mapping[str, Any], filename: str) -> None:
    """Raise if the config ends the run before the checkpoint: there would be nothing to train."""
    by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
    unit, end = ("epoch", runner.max_epochs) if by_epoch else ("iter", runner.max_iters)
    if meta[unit] > end:
        raise ValueError(
            f"train_cfg.max_{unit}s must not be below the {meta[unit]} that checkpoint "
            f"{filename!r} has done, because nothing would be trained, got {end}"
        )


def _split(wrapper: Any) -> dict[str, OptimWrapper]:
    return dict(wrapper.items()) if isinstance(wrapper, OptimWrapperDict) else {"": wrapper}


def _split_run(runner: Runner, checkpoint: dict[str, Any], filename: str) -> Iterator[_Part]:
    """Yield each optimizer with what the checkpoint has of it, checked and copied."""
    wrappers = _split(runner.optim_wrapper)
    several = isinstance(runner.optim_wrapper, OptimWrapperDict)
    types = checkpoint["meta"].get(TYPES)
    states = checkpoint["optimizer"] if several else {"": checkpoint["optimizer"]}
    schedules = checkpoint.get("param_schedulers", {} if several else [])
    schedules = schedules if several else {"": schedules}
    for name, wrapper in wrappers.items():
        place = f"[{name!r}]" if several else ""
        was = types.get(name) if isinstance(types, Mapping) else None
        state = states.get(name) if isinstance(states, Mapping) else None
        check_optimizer(wrapper, state, was, filename)
        own = runner.param_schedulers or []
        own = own[name] if isinstance(own, dict) else own
        stored = schedules.get(name, []) if isinstance(schedules, Mapping) else schedules
        if not isinstance(stored, list) or not all(isinstance(item, dict) for item in stored):
            raise ValueError(
                f"checkpoint {filename!r} cannot be gone on from: its param_schedulers{place} must "
                f"be a list of states, got {shorten(stored)}"
            )
        part = _Part(name, wrapper, list(own), dict(cast(dict, state)), stored)
        yield part
        if several:
            checkpoint["optimizer"] = {**checkpoint["optimizer"], name: part.stored}
            checkpoint["param_schedulers"] = {**schedules, name: part.stored_schedulers}
        else:
            checkpoint["optimizer"] = part.stored
            if own:
                checkpoint["param_schedulers"] = part.stored_schedulers


def _settings(component: Any) -> set[str]:
    """Return the names of what a component's constructors take: its config, not its state."""
    names: set[str] = set()
    for kind in type(component).__mro__[:-1]:
        if "__init__" in vars(kind):
            names |= set(inspect.signature(vars(kind)["__init__"]).parameters)
    return names - {"self", "args", "kwargs", "params", "optimizer", "last_step", "verbose"}


def _plain_state(scheduler: Any) -> dict[str, Any]:
    return {key: value for key, value in scheduler.state_dict().items() if not callable(value)}


def drop_callables(states: Any) -> Any:
    """Return the states of schedulers without functions, which no reader would restore.

    The constructor of ``OneCycleLR`` sets its own again.

    Args:
        states: A list of states, or a dict of such lists.
    """
    if isinstance(states, dict):
        return {name: drop_callables(part) for name, part in states.items()}
    return [{key: v for key, v in state.items() if not callable(v)} for state in states]


def _compare_schedulers(part: _Part) -> list[str]:
    own, stored = part.schedulers, part.stored_schedulers
    if len(own) != len(stored):
        names = ", ".join(type(scheduler).__name__ for scheduler in own) or "none"
        return [f"param_scheduler of {len(stored)} schedules -> {len(own)} ({names})"]
    changes = []
    for index, (scheduler, state) in enumerate(zip(own, stored, strict=True)):
        now, name = _plain_state(scheduler), f"param_scheduler[{index}]"
        settings = _settings(scheduler) & now.keys()
        if now.keys() - state.keys():
            others = ", ".join(sorted(shorten(key) for key in state.keys() - now.keys())[:5])
            changes.append(f"{name} one with {others or 'less'} -> {type(scheduler).__name__}")
            continue
        changes += [
            f"{name}.{key} {_short(state[key])} -> {_short(now[key])}"
            for key in sorted(settings)
            if not _are_same(state[key], now[key])
        ]
    return changes


def _compare_groups(part: _Part) -> list[str]:
    settings = _settings(part.wrapper.optimizer)
    changes: dict[str, None] = {}
    for now, before in _pairs(part):
        for key in sorted(settings & now.keys() & before.keys()):
            if key == "betas" and "initial_momentum" in now:
                continue  # a schedule moves them
            first = f"initial_{key}"
            old, new = before.get(first, before[key]), now.get(first, now[key])
            if not _are_same(old, new):
                changes[f"optimizer.{key} {_short(old)} -> {_short(new)}"] = None
    return list(changes)


def _pairs(part: _Part) -> Iterator[tuple[dict, dict]]:
    """Yield the groups of the run's optimizer with those of the checkpoint."""
    yield from zip(part.wrapper.optimizer.param_groups, part.stored["param_groups"], strict=True)
    base, before = part.wrapper.base_param_settings, part.stored.get("base_param_settings")
    if base is not None and isinstance(before, dict):
        yield base, before


def _are_same(before: Any, now: Any) -> bool:
    """Compare two settings; tuples may have become lists, numbers tensors."""
    if isinstance(before, Tensor) or isinstance(now, Tensor):
        return is_number(before) and is_number(now) and float(before) == float(now)
    if isinstance(before, (list, tuple)) and isinstance(now, (list, tuple)):
        return len(before) == len(now) and all(map(_are_same, before, now))
    if isinstance(before, dict) and isinstance(now, dict):  # milestones
        return before.keys() == now.keys() and all(_are_same(before[k], now[k]) for k in now)
    return type(before) in (int, float, bool, str, type(None)) and before == now


def _replay(
    runner: Runner, part: _Part, meta: Mapping[str, Any], changes: Sequence[str], filename: str
) -> None:
    """Step the run's schedulers as often as a run has that is at the place of the checkpoint."""
    for scheduler in part.schedulers:
        if getattr(scheduler, "need_val_args", False):
            raise ValueError(
                f"checkpoint {filename!r} cannot be gone on from with another config, because "
                f"{type(scheduler).__name__} depends on all validations so far (checkpoint -> "
                f"config): {'; '.join(changes[:NUM_SHOWN])}. Keep the config of the run, or start "
                f"anew with load_from (--cfg-options load_from={filename}) instead of --resume"
            )
    iters = meta["iter"]
    epochs = meta["epoch"] if isinstance(runner.train_loop, EpochBasedTrainLoop) else 0
    length = len(runner.train_dataloader)
    if not epochs * length <= iters < (epochs + 1) * length:  # it had another batch before
        length = max(1, iters // max(1, epochs))
    by_epoch = [s for s in part.schedulers if s.by_epoch]
    by_iter = [s for s in part.schedulers if not s.by_epoch]
    part.wrapper._global_step = 0  # for MMEngine to see that the optimizer has made its steps
    for iteration in range(1, iters + 1):
        for scheduler in by_iter:
            scheduler.step()
        if iteration % length == 0 and iteration // length <= epochs:
            for scheduler in by_epoch:
                scheduler.step()
    for _ in range(epochs - min(epochs, iters // length)):
        for scheduler in by_epoch:
            scheduler.step()
    part.wrapper._global_step = -1
    part.stored_schedulers[:] = [scheduler.state_dict() for scheduler in part.schedulers]


def _take_over(part: _Part) -> None:
    """Write the settings of the run's optimizer over those that the checkpoint has."""
    settings = _settings(part.wrapper.optimizer)
    groups = []
    for now, before in _pairs(part):
        kept = {key: v for key, v in before.items() if not key.startswith("initial_")}
        new = {
            key: value
            for key, value in now.items()
            if key in settings or key.startswith("initial_") or f"initial_{key}" in now
        }
        groups.append({**kept, **new, "params": before["params"]})
    num = len(part.stored["param_groups"])
    part.stored["param_groups"] = groups[:num]
    if groups[num:]:
        part.stored["base_param_settings"] = groups[num]


def _check_volatile(part: _Part, filename: str) -> None:
    """Raise unless the counters and values of schedules are of the types that they have here."""
    for index, (scheduler, state) in enumerate(
        zip(part.schedulers, part.stored_schedulers, strict=True)
    ):
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


def _rates(groups: Sequence[Mapping[str, Any]]) -> str:
    rates = dict.fromkeys(_short(group.get("lr")) for group in groups)
    return ", ".join(list(rates)[:3])


def _short(value: Any) -> str:
    if is_number(value) and not isinstance(value, int):
        return f"{float(value):.5g}"
    return shorten(sorted(value.items()) if isinstance(value, dict) and value else value)
