"""Settings of a run that goes on: what its config says now, not what it said before."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from mmengine.logging import print_log
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmctl.engine.resume.resume_check import check_optimizer, is_number
from mmctl.engine.resume.resume_schedules import (
    are_same,
    check_counters,
    compare_schedulers,
    needs_validations,
    replay,
    settings_of,
    short,
)
from mmctl.files import shorten

TYPES = "optimizer_types"
"""Key in ``meta`` of a checkpoint: class of each optimizer by name, one alone under ``''``."""

NUM_SHOWN = 6


class _Unit(NamedTuple):
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
    return {name: type(own.optimizer).__name__ for name, own in _split(wrapper).items()}


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
    for unit in _split_run(runner, checkpoint, filename):
        found = [
            *compare_schedulers(
                unit.schedulers, unit.stored_schedulers, runner, checkpoint["meta"]
            ),
            *_compare_groups(unit),
        ]
        if found:
            before = _rates(unit.stored["param_groups"])
            _check_replayable(unit, found, filename)
            replay(runner, unit.wrapper, unit.schedulers, checkpoint["meta"])
            _take_over(unit)
            now = _rates(unit.stored["param_groups"])
            changes += [*found[:NUM_SHOWN], *(["..."] if len(found) > NUM_SHOWN else [])]
            changes.append(f"so lr goes on with {now} in place of {before}")
        else:
            check_counters(unit.schedulers, unit.stored_schedulers, filename)
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


def _check_replayable(unit: _Unit, changes: Sequence[str], filename: str) -> None:
    for scheduler in unit.schedulers:
        if needs_validations(scheduler):
            raise ValueError(
                f"checkpoint {filename!r} cannot be gone on from with another config, because "
                f"{type(scheduler).__name__} depends on all validations so far (checkpoint -> "
                f"config): {'; '.join(changes[:NUM_SHOWN])}. Keep the config of the run, or start "
                f"anew with load_from (--cfg-options load_from={filename}) instead of --resume"
            )


def _split(wrapper: Any) -> dict[str, OptimWrapper]:
    return dict(wrapper.items()) if isinstance(wrapper, OptimWrapperDict) else {"": wrapper}


def _split_run(runner: Runner, checkpoint: dict[str, Any], filename: str) -> Iterator[_Unit]:
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
        unit = _Unit(name, wrapper, list(own), dict(cast(dict, state)), stored)
        _add_missing(unit)
        yield unit
        if several:
            checkpoint["optimizer"] = {**checkpoint["optimizer"], name: unit.stored}
            checkpoint["param_schedulers"] = {**schedules, name: unit.stored_schedulers}
        else:
            checkpoint["optimizer"] = unit.stored
            if own:
                checkpoint["param_schedulers"] = unit.stored_schedulers


def _compare_groups(unit: _Unit) -> list[str]:
    settings = settings_of(unit.wrapper.optimizer)
    changes: dict[str, None] = {}
    for now, before in _pairs(unit):
        for key in sorted(settings & now.keys() & before.keys()):
            if key == "betas" and "initial_momentum" in now:
                continue  # a schedule moves them
            first = f"initial_{key}"
            if first in now and not is_number(before[key]):
                changes[f"optimizer.{key} {shorten(before[key])} -> of the schedule"] = None
            old, new = before.get(first, before[key]), now.get(first, now[key])
            if not are_same(old, new):
                changes[f"optimizer.{key} {short(old)} -> {short(new)}"] = None
    return list(changes)


def _add_missing(unit: _Unit) -> None:
    """Add settings that the torch of the checkpoint did not know yet."""
    settings = settings_of(unit.wrapper.optimizer)
    unit.stored["param_groups"] = [
        {**{key: value for key, value in now.items() if key in settings}, **before}
        for now, before in zip(
            unit.wrapper.optimizer.param_groups, unit.stored["param_groups"], strict=True
        )
    ]


def _pairs(unit: _Unit) -> Iterator[tuple[dict, dict]]:
    """Yield the groups of the run's optimizer with those of the checkpoint."""
    yield from zip(unit.wrapper.optimizer.param_groups, unit.stored["param_groups"], strict=True)
    base, before = unit.wrapper.base_param_settings, unit.stored.get("base_param_settings")
    if base is not None and isinstance(before, dict):
        yield base, before


def _take_over(unit: _Unit) -> None:
    """Write the settings of the run's optimizer over those that the checkpoint has."""
    unit.stored_schedulers[:] = [scheduler.state_dict() for scheduler in unit.schedulers]
    settings = settings_of(unit.wrapper.optimizer)
    groups = []
    for now, before in _pairs(unit):
        kept = {key: v for key, v in before.items() if not key.startswith("initial_")}
        new = {
            key: value
            for key, value in now.items()
            if key in settings or key.startswith("initial_") or f"initial_{key}" in now
        }
        groups.append({**kept, **new, "params": before["params"]})
    num = len(unit.stored["param_groups"])
    unit.stored["param_groups"] = groups[:num]
    if groups[num:]:
        unit.stored["base_param_settings"] = groups[num]


def _rates(groups: Sequence[Mapping[str, Any]]) -> str:
    rates = dict.fromkeys(short(group.get("lr")) for group in groups)
    return ", ".join(list(rates)[:3])
